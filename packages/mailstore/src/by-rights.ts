// Mailboxes whose rights decide about what is done: as they are when it commits, whatever happens until then.
import { kindOfFlag, type FlagKind } from "./flag-sets.ts";
import type { MailboxState } from "./mailbox-state.ts";
import type { ByRights } from "./store.ts";
import type { TransactionDraft } from "./transaction-draft.ts";

const NO_DROPS: readonly FlagKind[] = [];

/** Asks which flags do not come along. Where the answer is another by the commit, it is refused, and decided again. */
export function dropsByRights(
  draft: TransactionDraft,
  mailbox: MailboxState,
  byRights: ByRights | undefined,
): readonly FlagKind[] {
  if (byRights !== undefined) draft.rely(mailbox.at.mailbox, mailbox.head.properties);
  return askRights(mailbox, byRights);
}

/**
 * Asks of a mailbox whose guard the transaction names, as it is now: a change of rights until the commit moves that, too, and
 * has it decided again.
 */
export function askRights({ properties }: MailboxState, byRights: ByRights | undefined): readonly FlagKind[] {
  return byRights?.(properties.rights ?? []) ?? NO_DROPS;
}

export function withoutDrops(flags: readonly string[], drops: readonly FlagKind[]): readonly string[] {
  return drops.length === 0 ? flags : flags.filter((flag) => !drops.includes(kindOfFlag(flag)));
}
