// GETMETADATA (RFC 5464 4.2): entries of a mailbox, or of the server where the mailbox' name is empty.
import { parseGetMetadataArguments, printMetadata } from "@pushmail/imap-wire";
import { Refusal } from "@pushmail/mailstore";
import { command, type Command } from "../command.ts";
import { findMetadata, readMetadata } from "../metadata.ts";
import { ok } from "../replies.ts";

export const getMetadata: Command = command({
  name: "GETMETADATA",
  in: ["authenticated", "selected"],
  capability: "METADATA",
  parse(scan) {
    scan.space();
    return parseGetMetadataArguments(scan);
  },
  async run(session, { mailbox, entries, ...options }, { account }) {
    const status = mailbox === "" ? undefined : await session.store.mailbox(account.id, mailbox);
    if (status === undefined && mailbox !== "") throw new Refusal("mailboxNotFound", "No such mailbox");
    const { values, longest } = findMetadata(await readMetadata(session, account.id, status), entries, options);
    if (values.length > 0) await session.write(printMetadata({ name: status?.name ?? "", values, ...session.names }));
    if (longest === 0) return undefined;
    return ok("GETMETADATA completed", { code: "METADATA", reason: "LONGENTRIES", octets: longest });
  },
});
