// CREATE (RFC 9051 6.3.4), perhaps for a special use (RFC 6154 3), with the id of what was made (RFC 8474 4.1).
import { parseCreateArguments } from "@pushmail/imap-wire";
import { placeFor } from "../access.ts";
import { command, type Command } from "../command.ts";
import { mailboxIdOf } from "../object-ids.ts";
import { no, ok } from "../replies.ts";
import { specialUseOf } from "../special-use.ts";
import { tellName } from "../tell-name.ts";

export const create: Command = command({
  name: "CREATE",
  in: ["authenticated", "selected"],
  capability: ["CREATE-SPECIAL-USE", "OBJECTID"],
  parse(scan) {
    scan.space();
    return parseCreateArguments(scan);
  },
  async run(session, { mailbox, uses }, { account }) {
    const [use, ...others] = uses.map(specialUseOf);
    if (others.length > 0) return no("USEATTR", "A mailbox has one special use at most");
    if (uses.length > 0 && use === undefined) return no("USEATTR", "No mailbox can have that special use");
    // A separator at the end says that there will be inferiors: every mailbox may have them.
    const name = mailbox.replace(/\/$/, "");
    const { owner, ownName, prefix } = await placeFor(session, account, name);
    // What another's mailbox is used for, its owner says for himself.
    if (use !== undefined && prefix !== "") return no("USEATTR", "No mailbox of another can have a special use");
    const options = use === undefined ? {} : { specialUse: use };
    const created = await session.store.createMailbox(owner.id, ownName, options);
    session.own(created.highestModSeq, { account: owner.id });
    const told = prefix + created.name;
    if (session.isEnabled("IMAP4rev2") && told !== name) await tellName(session, told, name);
    return ok("CREATE completed", { code: "MAILBOXID", id: mailboxIdOf({ owner, prefix, status: created }) });
  },
});
