// CLOSE (RFC 9051 6.4.1): leaves the mailbox; what has \Deleted goes, without a word.
import { Refusal } from "@pushmail/mailstore";
import { byRightsOf, rightsIn } from "../access.ts";
import { command, type Command } from "../command.ts";

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
      // RFC 4314 4: whoever may not expunge closes it all the same.
      if (!(error instanceof Refusal && error.code === "notPermitted")) throw error;
    }
  },
});
