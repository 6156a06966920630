// SETMETADATA (RFC 5464 4.3): entries of a mailbox, or of the server for this account alone; all are set, or none.
import { parseSetMetadataArguments } from "@pushmail/imap-wire";
import { Refusal } from "@pushmail/mailstore";
import { command, type Command } from "../command.ts";
import { no } from "../replies.ts";

export const setMetadata: Command = command({
  name: "SETMETADATA",
  in: ["authenticated", "selected"],
  // Values of any size are refused alike: one that is too large to be kept at all is not asked for.
  streamsLiteral: (before, sizeBytes, limits) => before.includes("(") && sizeBytes > limits.wire.literalBytesMax,
  parse(scan) {
    scan.space();
    return parseSetMetadataArguments(scan);
  },
  async run(session, { mailbox, values }, { account }) {
    const { metadataValueBytesMax: octets } = session.limits;
    if (values === null || values.some(([, value]) => (value?.length ?? 0) > octets)) {
      return no({ code: "METADATA", reason: "MAXSIZE", octets }, `At most ${octets} octets are kept of an entry`);
    }
    const status = mailbox === "" ? undefined : await session.store.mailbox(account.id, mailbox);
    if (status === undefined && mailbox !== "") throw new Refusal("mailboxNotFound", "No such mailbox");
    // RFC 5464 3.3: what all clients of the server see is not theirs to set.
    if (status === undefined && values.some(([entry]) => /^\/shared\//i.test(entry))) {
      return no("NOPERM", "What the server says of itself is not for clients to change");
    }
    const changes = values.map(([name, value]) => {
      return { name, value: value === null ? null : Buffer.from(value, "latin1") };
    });
    session.own(await session.store.setMetadata(account.id, status?.id ?? null, changes));
    return undefined;
  },
});
