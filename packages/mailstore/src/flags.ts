// Changing flags: decided on the current state in the mailbox' turn, stated as one record however many messages.
import { setImmediate as turnOfEventLoop } from "node:timers/promises";
import type { AccountState } from "./account-state.ts";
import type { Transaction } from "./driver.ts";
import { checkFlags } from "./flag-sets.ts";
import type { Cursor, Uid } from "./ids.ts";
import type { MailboxContents } from "./mailbox-contents.ts";
import type { FlagChange, FlagsResult, MailboxAt, WorkOptions } from "./store.ts";
import { commitDecided, inTurn, type StoreContext } from "./store-context.ts";
import { TransactionDraft } from "./transaction-draft.ts";
import { uidSetDifference, type UidSet } from "./uid-set.ts";

export interface FlagRequest extends WorkOptions {
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
    const committed = await commitDecided(context, account, async () => {
      account.mailbox(at.mailbox);
      decision = new Decision(contents, request);
      // What another node changes meanwhile is behind the guard, and then it is decided again.
      const { guard } = mailbox.head;
      await decision.decide(context.limits.rowsPerTurnMax);
      return decision.changed.set.length === 0 ? null : transactionOf(account, mailbox.at, guard, decision);
    });
    const { changed, modified, existing } = decision as Decision;
    return {
      cursor: committed?.cursor ?? account.cursor,
      changed: changed.set,
      modified: modified.set,
      missing: uidSetDifference(request.uids, existing.set),
    };
  });
}

interface Outcome {
  readonly changes: boolean;
  readonly unseen: number;
  readonly deleted: number;
}

/** What becomes of the messages of a request. */
class Decision {
  readonly request: FlagRequest;
  readonly changed: Ranges = new Ranges();
  readonly modified: Ranges = new Ranges();
  readonly existing: Ranges = new Ranges();
  unseen = 0;
  deleted = 0;
  readonly #contents: MailboxContents;
  readonly #outcomes = new Map<number, Outcome>();

  constructor(contents: MailboxContents, request: FlagRequest) {
    this.#contents = contents;
    this.request = request;
  }

  async decide(rowsPerTurn: number): Promise<void> {
    const { columns } = this.#contents;
    let decided = 0;
    let read = 0;
    for (const [first, end] of columns.rowRanges(this.request.uids)) {
      for (let from = first; from < end; from += rowsPerTurn) {
        if (decided >= rowsPerTurn) {
          await turnOfEventLoop();
          decided = 0;
        }
        const to = Math.min(end, from + rowsPerTurn);
        this.#take(from, to);
        decided += to - from;
        this.request.onRead?.((read += to - from));
      }
    }
  }

  /** Of a million messages: each step counts. */
  #take(first: number, end: number): void {
    const { columns } = this.#contents;
    const { uids } = columns;
    const { unchangedSince } = this.request;
    let number = -1;
    let outcome: Outcome | undefined;
    for (let row = first; row < end; row++) {
      const uid = uids[row] as Uid;
      this.existing.add(uid);
      if (unchangedSince !== undefined && columns.modSeqAt(row) > unchangedSince) {
        this.modified.add(uid);
        continue;
      }
      const own = columns.flagNumberAt(row);
      if (own !== number || outcome === undefined) outcome = this.#outcomeOf((number = own));
      if (!outcome.changes) continue;
      this.changed.add(uid);
      this.unseen += outcome.unseen;
      this.deleted += outcome.deleted;
    }
  }

  #outcomeOf(number: number): Outcome {
    let outcome = this.#outcomes.get(number);
    if (outcome === undefined) {
      const { flagSets } = this.#contents;
      const result = flagSets.changed(number, this.request.change);
      const [before, after] = [flagSets.at(number), flagSets.at(result)];
      outcome = {
        changes: result !== number,
        unseen: Number(before.seen) - Number(after.seen),
        deleted: Number(after.deleted) - Number(before.deleted),
      };
      this.#outcomes.set(number, outcome);
    }
    return outcome;
  }
}

/** Ascending UIDs gathered as ranges. */
class Ranges {
  readonly #ranges: [Uid, Uid][] = [];
  /** The last range, which may grow; 0 where there is none. */
  #first: Uid = 0;
  #last: Uid = 0;

  add(uid: Uid): void {
    if (this.#first === 0 || uid !== this.#last + 1) {
      this.#close();
      this.#first = uid;
    }
    this.#last = uid;
  }

  get set(): UidSet {
    this.#close();
    return this.#ranges;
  }

  #close(): void {
    if (this.#first !== 0) this.#ranges.push([this.#first, this.#last]);
    this.#first = 0;
  }
}

function transactionOf(
  account: AccountState,
  { mailbox }: MailboxAt,
  guard: Cursor,
  { changed, unseen, deleted, request }: Decision,
): Transaction {
  return new TransactionDraft(account.id)
    .state(mailbox, guard, { type: "flags", uids: changed.set, ...request.change }, { unseen, deleted })
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
