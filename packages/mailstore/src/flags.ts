// Changing flags: decided on the current state in the mailbox' turn, stated as one record however many messages.
import { askRights, withoutDrops } from "./by-rights.ts";
import type { Transaction } from "./driver.ts";
import { checkFlags, flagsAfter, keywordsOf, type FlagKind } from "./flag-sets.ts";
import { giveWay } from "./give-way.ts";
import type { Cursor, Uid } from "./ids.ts";
import { checkKeywordCount } from "./keyword-limit.ts";
import type { MailboxContents } from "./mailbox-contents.ts";
import type { MailboxState } from "./mailbox-state.ts";
import { Refusal } from "./refusal.ts";
import type { ChangeOptions, FlagChange, FlagsResult, MailboxAt } from "./store.ts";
import { commitDecided, inTurn, type StoreContext } from "./store-context.ts";
import { TransactionDraft } from "./transaction-draft.ts";
import { addUidRange, uidSetDifference, type UidSet } from "./uid-set.ts";

export interface FlagRequest extends ChangeOptions {
  readonly uids: UidSet;
  readonly change: FlagChange;
  readonly unchangedSince?: Cursor;
}

export async function setFlags(context: StoreContext, at: MailboxAt, request: FlagRequest): Promise<FlagsResult> {
  const account = await context.accounts.get(at.account);
  const mailbox = account.mailbox(at.mailbox);
  return inTurn(context, mailbox, async (contents) => {
    let decision: Decision | undefined;
    const committed = await commitDecided(context, account, async () => {
      account.mailbox(at.mailbox);
      // What another node changes meanwhile is behind the guard, and then it is decided again.
      const { guard } = mailbox.head;
      const change = changeAllowed(request, askRights(mailbox, request.byRights));
      if (change.mode !== "remove") {
        checkFlags(change.flags, context.limits);
        checkKeywordCount(contents.flagSets, keywordsOf(change.flags), context.limits);
      }
      decision = new Decision(context, contents, { ...request, change });
      await decision.decide();
      return decision.changed.length === 0 ? null : transactionOf(mailbox, guard, decision);
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

function changeAllowed({ change }: FlagRequest, keeps: readonly FlagKind[]): FlagChange {
  return keeps.length === 0 ? change : { mode: change.mode, flags: withoutDrops(change.flags, keeps), keeps };
}

interface Outcome {
  readonly changes: boolean;
  readonly unseen: number;
  readonly deleted: number;
}

/** What becomes of the messages of a request. */
class Decision {
  readonly request: FlagRequest;
  readonly changed: [Uid, Uid][] = [];
  readonly modified: [Uid, Uid][] = [];
  readonly existing: [Uid, Uid][] = [];
  unseen = 0;
  deleted = 0;
  readonly #context: StoreContext;
  readonly #contents: MailboxContents;
  readonly #outcomes = new Map<number, Outcome>();

  constructor(context: StoreContext, contents: MailboxContents, request: FlagRequest) {
    this.#context = context;
    this.#contents = contents;
    this.request = request;
  }

  /** Of a million messages that are alike in one step, of as many that differ in as many. */
  async decide(): Promise<void> {
    const { driver, limits } = this.#context;
    const { columns } = this.#contents;
    const { unchangedSince, uids, onRead } = this.request;
    const options = { modSeqs: unchangedSince !== undefined };
    let [runs, read] = [0, 0];
    for (const range of columns.rowRanges(uids)) {
      for (const [row, to] of columns.runs(range, options)) {
        if (runs++ === limits.rowsPerTurnMax) {
          await giveWay(driver);
          runs = 1;
        }
        this.#take(row, to);
        onRead?.((read += to - row));
      }
    }
  }

  /** Takes rows without a gap that are alike. */
  #take(first: number, end: number): void {
    const { columns } = this.#contents;
    const { unchangedSince } = this.request;
    const range = [columns.uids[first] as Uid, columns.uids[end - 1] as Uid] as const;
    addUidRange(this.existing, ...range);
    if (unchangedSince !== undefined && columns.modSeqAt(first) > unchangedSince) {
      addUidRange(this.modified, ...range);
      return;
    }
    const outcome = this.#outcomeOf(columns.flagNumberAt(first));
    if (!outcome.changes) return;
    addUidRange(this.changed, ...range);
    this.unseen += outcome.unseen * (end - first);
    this.deleted += outcome.deleted * (end - first);
  }

  #outcomeOf(number: number): Outcome {
    let outcome = this.#outcomes.get(number);
    if (outcome === undefined) {
      // Nothing is interned: the keywords that a change brings are known once it is committed.
      const before = this.#contents.flagSets.at(number);
      const after = new Set(flagsAfter(before.names, this.request.change).map((flag) => flag.toLowerCase()));
      // `\Seen` may always come: else one message full of keywords would keep all unseen that are read with it.
      const bringsKeywords = keywordsOf([...after]).size > keywordsOf(before.names).size;
      if (bringsKeywords && after.size > this.#context.limits.messageFlagsMax) {
        throw new Refusal("tooManyKeywords", "too many flags on one message");
      }
      outcome = {
        changes: after.size !== before.names.length || !before.names.every((flag) => after.has(flag.toLowerCase())),
        unseen: Number(before.seen) - Number(after.has("\\seen")),
        deleted: Number(after.has("\\deleted")) - Number(before.deleted),
      };
      this.#outcomes.set(number, outcome);
    }
    return outcome;
  }
}

function transactionOf(
  { at, head }: MailboxState,
  guard: Cursor,
  { changed, unseen, deleted, request }: Decision,
): Transaction {
  // Where the index has lost a change, fewer may be counted than are changed.
  const counts = { unseen: Math.max(unseen, -head.unseen), deleted: Math.max(deleted, -head.deleted) };
  return new TransactionDraft(at.account)
    .state(at.mailbox, guard, { type: "flags", uids: changed, ...request.change }, counts)
    .finish({ enforceQuota: false });
}

/** The UIDs, of `uids` or of all, whose messages have `\Deleted`. */
export function deletedUids({ columns }: MailboxContents, uids: UidSet): UidSet {
  const found: [Uid, Uid][] = [];
  for (const [first, end] of columns.rowRanges(uids)) {
    for (let row = first; row < end;) {
      const to = columns.alikeEnd(row, end);
      if (!columns.flagsAt(row).deleted) row = to;
      for (; row < to; row++) addUidRange(found, columns.uids[row] as Uid, columns.uids[row] as Uid);
    }
  }
  return found;
}
