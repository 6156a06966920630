// RENAME (RFC 9051 6.3.6).
import { parseMailbox } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";

export const rename: Command = command({
  name: "RENAME",
  in: ["authenticated", "selected"],
  parse(scan) {
    scan.space();
    const from = parseMailbox(scan);
    scan.space();
    return { from, to: parseMailbox(scan) };
  },
  async run(session, { from, to }, { account }) {
    session.own(await session.store.renameMailbox(account.id, from, to));
  },
});
