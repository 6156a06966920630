// One message in place of another, in one transaction: nobody ever sees both, or neither (RFC 8508 3.1).
import { appendingRow } from "./append.ts";
import { askRights } from "./by-rights.ts";
import type { Uid } from "./ids.ts";
import { checkKeywordsBrought } from "./keyword-limit.ts";
import { withLost } from "./lost-rows.ts";
import { Refusal } from "./refusal.ts";
import type { Appended, ByRights, MailboxAt, NewMessage } from "./store.ts";
import { commitDecided, inTurn, type StoreContext } from "./store-context.ts";
import { TransactionDraft } from "./transaction-draft.ts";
import { expungeRows, takeRows } from "./transfer.ts";

export interface ReplaceRequest {
  readonly uid: Uid;
  /** In the same mailbox or another, perhaps of another account. */
  readonly message: NewMessage;
  readonly byRightsFrom?: ByRights | undefined;
}

export async function replace(
  context: StoreContext,
  at: MailboxAt,
  { uid, message, byRightsFrom }: ReplaceRequest,
): Promise<Appended> {
  const account = await context.accounts.get(at.account);
  const source = account.mailbox(at.mailbox);
  return inTurn(context, source, async (contents) => {
    let uidValidity = 0;
    const committed = await commitDecided(context, account, async () => {
      const target = account.mailbox(message.mailbox);
      uidValidity = target.properties.uidValidity;
      const { guard } = source.head;
      askRights(source, byRightsFrom);
      const taken = await takeRows({ context, source, contents }, { uids: [[uid, uid]], summaries: false });
      const rows = withLost(taken, contents);
      if (rows.uids.length === 0) throw new Refusal("messageMissing", "the message is no longer there");
      const draft = new TransactionDraft(account.id);
      draft.append(message.mailbox, message.by ?? "delivery", [
        appendingRow(context, draft, { request: message, target }),
      ]);
      await checkKeywordsBrought(context, account, draft);
      expungeRows(draft, source, rows, { by: "expunge", guard });
      return draft.finish({ enforceQuota: true });
    });
    if (committed === null) throw new Error("a replacement that changes nothing");
    // The part of the target is the first one: the draft keeps the order of its making.
    return { uid: committed.firstUids[0] as Uid, uidValidity, cursor: committed.cursor };
  });
}
