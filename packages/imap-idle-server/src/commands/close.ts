// CLOSE (RFC 9051 6.4.1): leaves the mailbox; what has \Deleted goes, without a word.
import { command, type Command } from "../command.ts";

export const close: Command = command({
  name: "CLOSE",
  in: ["selected"],
  parse: () => undefined,
  async run(session, _args, { account, handle, readOnly }) {
    const deletes = !readOnly && (handle.status?.deleted ?? 0) > 0;
    session.enter({ name: "authenticated", account });
    if (!deletes) return;
    const { uids, cursor } = await session.store.expunge({ account: account.id, mailbox: handle.id });
    if (uids.length > 0) session.own(cursor);
  },
});
