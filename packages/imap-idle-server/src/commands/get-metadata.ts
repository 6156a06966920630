// GETMETADATA (RFC 5464 4.2): entries of a mailbox, or of the server where the mailbox' name is empty.
import { parseGetMetadataArguments, printMetadata } from "@pushmail/imap-wire";
import { reachAnnotated } from "../access.ts";
import { command, type Command } from "../command.ts";
import { findMetadata, readMetadata, readServerMetadata } from "../metadata.ts";
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
    const reached = mailbox === "" ? undefined : await reachAnnotated(session, account, mailbox);
    const read = reached === undefined ? readServerMetadata(session, account.id) : readMetadata(session, reached);
    const { values, longest } = findMetadata(await read, entries, options);
    const name = reached?.status.name ?? "";
    if (values.length > 0) await session.write(printMetadata({ name, values, ...session.names }));
    if (longest === 0) return undefined;
    return ok("GETMETADATA completed", { code: "METADATA", reason: "LONGENTRIES", octets: longest });
  },
});
