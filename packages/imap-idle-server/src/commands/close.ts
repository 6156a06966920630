// CLOSE (RFC 9051 6.4.1): leaves the mailbox; what has \Deleted goes, without a word.
import { Refusal, type RefusalCode } from "@pushmail/mailstore";
import { byRightsOf, rightsIn } from "../access.ts";
import { command, type Command } from "../command.ts";

const LEFT_ALL_THE_SAME: ReadonlySet<RefusalCode> = new Set(["notPermitted", "mailboxNotFound"]);

export const close: Command = command({
  name: "CLOSE",
  in: ["selected"],
  parse: () => undefined,
  async run(session, _args, state) {
    const { account, handle } = state;
    const deletes = rightsIn(state).includes("e") && (handle.status?.deleted ?? 0) > 0;
    const byRights = deletes ? byRightsOf(state, "e") : undefined;
    session.enter({ name: "authenticated", account });
    if (!deletes) return;
    const at = { account: handle.account, mailbox: handle.id };
    try {
      const { uids, cursor } = await session.store.expunge(at, undefined, { byRights });
      if (uids.length > 0) session.own(cursor, at);
    } catch (error) {
      // RFC 4314 4: whoever may not expunge closes it all the same. Where the mailbox has gone, all went with it.
      if (!(error instanceof Refusal && LEFT_ALL_THE_SAME.has(error.code))) throw error;
    }
  },
});
