// SETMETADATA (RFC 5464 4.3): entries of a mailbox, or of the server for this account alone; all are set,
// or none.
import { parseSetMetadataArguments, type MetadataValue } from "@pushmail/imap-wire";
import { reachAnnotated } from "../access.ts";
import { command, type Command } from "../command.ts";
import { isShared } from "../metadata.ts";
import { no } from "../replies.ts";
import { SPECIAL_USE_ENTRY, specialUseOfValue } from "../special-use.ts";

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
    const reached = mailbox === "" ? undefined : await reachAnnotated(session, account, mailbox);
    const isAllShared = values.every(([entry]) => isShared(entry));
    // RFC 5464 3.3: what all clients of the server see is not theirs to set.
    if (reached === undefined && values.some(([entry]) => isShared(entry))) {
      return no("NOPERM", "What the server says of itself is not for clients to change");
    }
    if (reached !== undefined && reached.prefix !== "" && !isAllShared) {
      return no({ code: "METADATA", reason: "NOPRIVATE" }, "Of mailboxes of others only shared entries are kept");
    }
    const isUse = ([entry]: MetadataValue): boolean =>
      reached !== undefined && entry.toLowerCase() === SPECIAL_USE_ENTRY;
    const uses = values.filter(isUse).map(([, value]) => specialUseOfValue(value));
    const [specialUse] = uses.slice(-1);
    if (uses.includes(undefined) || (reached?.status.name === "INBOX" && typeof specialUse === "string")) {
      return no("USEATTR", "This mailbox cannot have that special use");
    }
    const changes = values
      .filter((value) => !isUse(value))
      .map(([name, value]) => ({ name, value: value === null ? null : Buffer.from(value, "latin1") }));
    const options = specialUse === undefined ? {} : { specialUse };
    const owner = reached?.owner ?? account;
    const cursor = await session.store.setMetadata(owner.id, reached?.status.id ?? null, changes, options);
    if (cursor !== undefined) session.own(cursor, { account: owner.id });
    return undefined;
  },
});
