// Messages that go from one account to another: what is new comes first, and only then what is old goes. If the second
// step fails, there are two, and none is lost.
import type { AccountState } from "./account-state.ts";
import { append } from "./append.ts";
import { askRights, dropsByRights } from "./by-rights.ts";
import type { Uid } from "./ids.ts";
import { checkKeywordsBrought } from "./keyword-limit.ts";
import { lossOf, withLost } from "./lost-rows.ts";
import type { MailboxContents } from "./mailbox-contents.ts";
import type { MailboxState } from "./mailbox-state.ts";
import { Refusal } from "./refusal.ts";
import type { ReplaceRequest } from "./replace.ts";
import type { Appended, ChangeOptions, MailboxAt, Transferred } from "./store.ts";
import { commitDecided, inTurn, type StoreContext } from "./store-context.ts";
import { TransactionDraft } from "./transaction-draft.ts";
import { appendedRow, expungeRows, takeRows, type TransferRequest } from "./transfer.ts";
import { uidSetOf, type UidSet } from "./uid-set.ts";

interface Source {
  readonly account: AccountState;
  readonly mailbox: MailboxState;
  readonly contents: MailboxContents;
}

export async function transferAcross(
  context: StoreContext,
  at: MailboxAt,
  { uids, to, mode, options }: TransferRequest,
): Promise<Transferred> {
  const target = await context.accounts.get(to.account);
  const { uidValidity } = target.mailbox(to.mailbox).properties;
  return inTurnOf(context, at, async (source) => {
    let from: readonly Uid[] = [];
    const committed = await commitDecided(context, target, async () => {
      askRights(source.mailbox, options?.byRightsFrom);
      const draft = new TransactionDraft(target.id);
      const drops = dropsByRights(draft, target.mailbox(to.mailbox), options?.byRights);
      const taken = await takeRows(
        { context, source: source.mailbox, contents: source.contents },
        { ...options, uids },
        (rows) => {
          for (const { row } of rows) context.copiedWhileCounting?.add(row.blob);
          // Where a message came from means something within its account alone.
          draft.append(
            to.mailbox,
            mode,
            rows.map((row) => ({ ...appendedRow(row, drops), origin: null })),
          );
        },
      );
      if (taken.lost.length > 0) throw lossOf(at);
      from = taken.uids;
      if (from.length === 0) return null;
      await checkKeywordsBrought(context, target, draft);
      return draft.finish({ enforceQuota: true });
    });
    if (committed === null) return { cursor: target.cursor, uidValidity, from: [], to: [] };
    if (mode === "move")
      await remove(context, source, { uids: uidSetOf(from), by: "move", byRights: options?.byRightsFrom });
    const [first = 0] = committed.firstUids;
    return { cursor: committed.cursor, uidValidity, from, to: from.map((_, i) => first + i) };
  });
}

export function replaceAcross(
  context: StoreContext,
  at: MailboxAt,
  { uid, message, byRightsFrom }: ReplaceRequest,
): Promise<Appended> {
  return inTurnOf(context, at, async (source) => {
    if (source.contents.columns.rowOf(uid) < 0) throw new Refusal("messageMissing", "the message is no longer there");
    askRights(source.mailbox, byRightsFrom);
    const [appended] = await append(context, [message]);
    if (appended === undefined) throw new Error("a replacement that is not there");
    await remove(context, source, { uids: [[uid, uid]], by: "expunge", byRights: byRightsFrom });
    return appended;
  });
}

/** Runs `task` in the turn of the mailbox from which messages go. */
async function inTurnOf<Result>(
  context: StoreContext,
  at: MailboxAt,
  task: (source: Source) => Promise<Result>,
): Promise<Result> {
  const account = await context.accounts.get(at.account);
  const mailbox = account.mailbox(at.mailbox);
  return inTurn(context, mailbox, (contents) => task({ account, mailbox, contents }));
}

interface Removal extends Pick<ChangeOptions, "byRights"> {
  readonly uids: UidSet;
  readonly by: "expunge" | "move";
}

async function remove(
  context: StoreContext,
  { account, mailbox, contents }: Source,
  { uids, by, byRights }: Removal,
): Promise<void> {
  await commitDecided(context, account, async () => {
    account.mailbox(mailbox.at.mailbox);
    const { guard } = mailbox.head;
    askRights(mailbox, byRights);
    const taken = await takeRows({ context, source: mailbox, contents }, { uids, summaries: false });
    const rows = withLost(taken, contents);
    if (rows.uids.length === 0) return null;
    const draft = new TransactionDraft(account.id);
    expungeRows(draft, mailbox, rows, { by, guard });
    return draft.finish({ enforceQuota: false });
  });
}
