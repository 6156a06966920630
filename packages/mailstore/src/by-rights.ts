// Messages into a mailbox whose rights decide about them: as they are when it commits, whatever happens until then.
import { kindOfFlag, type FlagKind } from "./flag-sets.ts";
import type { MailboxState } from "./mailbox-state.ts";
import type { ByRights } from "./store.ts";
import type { TransactionDraft } from "./transaction-draft.ts";

const NO_DROPS: readonly FlagKind[] = [];

/** Asks which flags do not come along. Where the answer is another by the commit, it is refused, and decided again. */
export function dropsByRights(
  draft: TransactionDraft,
  { at, head, properties }: MailboxState,
  byRights: ByRights | undefined,
): readonly FlagKind[] {
  if (byRights === undefined) return NO_DROPS;
  draft.rely(at.mailbox, head.properties);
  return byRights(properties.rights ?? []);
}

export function withoutDrops(flags: readonly string[], drops: readonly FlagKind[]): readonly string[] {
  return drops.length === 0 ? flags : flags.filter((flag) => !drops.includes(kindOfFlag(flag)));
}
