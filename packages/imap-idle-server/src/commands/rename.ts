// RENAME (RFC 9051 6.3.6).
import { parseMailbox } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";
import { tellName } from "../tell-name.ts";

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
    if (!session.isEnabled("IMAP4rev2")) return;
    const renamed = await session.store.mailbox(account.id, to);
    if (renamed !== undefined && renamed.name !== to) await tellName(session, renamed.name, to);
  },
});
