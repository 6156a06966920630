// STATUS (RFC 9051 6.3.11; SIZE: RFC 8438, MAILBOXID: RFC 8474, APPENDLIMIT: RFC 7889, DELETED-STORAGE: RFC 9208).
import { parseMailbox, parseStatusItems } from "@pushmail/imap-wire";
import { reachMailbox } from "../access.ts";
import { command, type Command } from "../command.ts";
import { tellFigures } from "../mailbox-figures.ts";

export const status: Command = command({
  name: "STATUS",
  in: ["authenticated", "selected"],
  capability: "STATUS=SIZE",
  parse(scan) {
    scan.space();
    const name = parseMailbox(scan);
    scan.space();
    return { name, items: parseStatusItems(scan) };
  },
  async run(session, { name, items }, { account }) {
    const found = await reachMailbox(session, account, { name, right: "r" });
    // RFC 7162 3.1: to ask for HIGHESTMODSEQ turns CONDSTORE on.
    if (items.includes("HIGHESTMODSEQ")) await session.enable("CONDSTORE");
    await tellFigures(session, found, items);
  },
});
