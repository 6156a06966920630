// Changing flags: decided on the current state in the mailbox' turn, stated as one record however many messages.
import type { AccountState } from "./account-state.ts";
import type { Transaction } from "./driver.ts";
import { checkFlags } from "./flag-sets.ts";
import type { Cursor, Uid } from "./ids.ts";
import type { MailboxContents } from "./mailbox-contents.ts";
import type { MailboxState } from "./mailbox-state.ts";
import type { FlagChange, FlagsResult, MailboxAt } from "./store.ts";
import { commitDecided, inTurn, type StoreContext } from "./store-context.ts";
import { TransactionDraft } from "./transaction-draft.ts";
import { uidSetDifference, type UidSet } from "./uid-set.ts";

interface Decision {
  readonly changed: UidSet;
  readonly modified: UidSet;
  readonly existing: UidSet;
  readonly unseen: number;
  readonly deleted: number;
}

export interface FlagRequest {
  readonly uids: UidSet;
  readonly change: FlagChange;
  readonly unchangedSince?: Cursor;
}

export async function setFlags(context: StoreContext, at: MailboxAt, request: FlagRequest): Promise<FlagsResult> {
  const account = await context.accounts.get(at.account);
  const mailbox = account.mailbox(at.mailbox);
  return inTurn(context, mailbox, async (contents) => {
    if (request.change.mode !== "remove") checkFlags(request.change.flags, context.limits, contents.flagSets);
    let decision: Decision | undefined;
    const committed = await commitDecided(context, account, () => {
      account.mailbox(at.mailbox);
      decision = decide(contents, request);
      return decision.changed.length === 0 ? null : transactionOf(account, mailbox, request.change, decision);
    });
    const { changed, modified, existing } = decision as Decision;
    return {
      cursor: committed?.cursor ?? account.cursor,
      changed,
      modified,
      missing: uidSetDifference(request.uids, existing),
    };
  });
}

function decide({ columns, flagSets }: MailboxContents, request: FlagRequest): Decision {
  const changed = new Ranges();
  const modified = new Ranges();
  const existing = new Ranges();
  let unseen = 0;
  let deleted = 0;
  const outcomes = new Map<number, { changes: boolean; unseen: number; deleted: number }>();
  const outcomeOf = (number: number): { changes: boolean; unseen: number; deleted: number } => {
    const before = flagSets.at(number);
    const result = flagSets.changed(number, request.change);
    const after = flagSets.at(result);
    return {
      changes: result !== number,
      unseen: Number(before.seen) - Number(after.seen),
      deleted: Number(after.deleted) - Number(before.deleted),
    };
  };
  for (const [first, end] of columns.rowRanges(request.uids)) {
    for (let row = first; row < end; row++) {
      const uid = columns.uids[row] as Uid;
      existing.add(uid);
      if (request.unchangedSince !== undefined && columns.modSeqAt(row) > request.unchangedSince) {
        modified.add(uid);
        continue;
      }
      const number = columns.flagNumberAt(row);
      let outcome = outcomes.get(number);
      if (outcome === undefined) outcomes.set(number, (outcome = outcomeOf(number)));
      if (!outcome.changes) continue;
      changed.add(uid);
      unseen += outcome.unseen;
      deleted += outcome.deleted;
    }
  }
  return { changed: changed.set, modified: modified.set, existing: existing.set, unseen, deleted };
}

/** Ascending UIDs gathered as ranges. */
class Ranges {
  readonly set: [Uid, Uid][] = [];

  add(uid: Uid): void {
    const last = this.set.at(-1);
    if (last !== undefined && last[1] + 1 === uid) last[1] = uid;
    else this.set.push([uid, uid]);
  }
}

function transactionOf(
  account: AccountState,
  mailbox: MailboxState,
  change: FlagChange,
  { changed, unseen, deleted }: Decision,
): Transaction {
  return new TransactionDraft(account.id)
    .state(mailbox.at.mailbox, mailbox.head.guard, { type: "flags", uids: changed, ...change }, { unseen, deleted })
    .finish({ enforceQuota: false });
}

/** The UIDs, of `uids` or of all, whose messages have `\Deleted`. */
export function deletedUids({ columns }: MailboxContents, uids: UidSet): UidSet {
  const found = new Ranges();
  for (const [first, end] of columns.rowRanges(uids)) {
    for (let row = first; row < end; row++) if (columns.flagsAt(row).deleted) found.add(columns.uids[row] as Uid);
  }
  return found.set;
}
