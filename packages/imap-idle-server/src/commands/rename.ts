// RENAME (RFC 9051 6.3.6).
import { parseMailbox } from "@pushmail/imap-wire";
import { Refusal } from "@pushmail/mailstore";
import { placeFor, reachPlace } from "../access.ts";
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
    const [old, place] = [await reachPlace(session, account, from), await placeFor(session, account, to)];
    const { owner, ownName, prefix } = place;
    if (old.owner.id !== owner.id) throw new Refusal("mailboxNameInvalid", "A mailbox stays with its account");
    // It would take all messages of another out of it.
    if (prefix !== "" && old.ownName === "INBOX") throw new Refusal("mailboxProtected", "INBOX stays what it is");
    session.own(await session.store.renameMailbox(owner.id, old.ownName, ownName), { account: owner.id });
    if (!session.isEnabled("IMAP4rev2")) return;
    const renamed = await session.store.mailbox(owner.id, ownName);
    const told = prefix + (renamed?.name ?? ownName);
    if (told !== to) await tellName(session, told, to);
  },
});
