// CREATE (RFC 9051 6.3.4).
import { parseMailbox } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";

export const create: Command = command({
  name: "CREATE",
  in: ["authenticated", "selected"],
  parse(scan) {
    scan.space();
    return parseMailbox(scan);
  },
  async run(session, name, { account }) {
    // A separator at the end says that there will be inferiors: every mailbox may have them.
    const created = await session.store.createMailbox(account.id, name.replace(/\/$/, ""));
    session.own(created.highestModSeq);
  },
});
