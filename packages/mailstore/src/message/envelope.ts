// The ENVELOPE of a message from its collected header fields (RFC 9051 7.5.2).
import { parseAddresses } from "./addresses.ts";
import type { CollectedFields } from "./header-collector.ts";
import type { Envelope } from "./summary.ts";

/** The envelope; each address list holds at most `addressesMax` addresses. */
export function makeEnvelope(fields: CollectedFields, addressesMax: number): Envelope {
  const parse = (value = "") => parseAddresses(value, addressesMax);
  const from = parse(fields.from);
  const sender = parse(fields.sender);
  const replyTo = parse(fields["reply-to"]);
  return {
    date: fields.date ?? null,
    subject: fields.subject ?? null,
    from,
    // RFC 9051 7.5.2: absent or empty, these two are the same as From.
    sender: sender.length === 0 ? from : sender,
    replyTo: replyTo.length === 0 ? from : replyTo,
    to: parse(fields.to),
    cc: parse(fields.cc),
    bcc: parse(fields.bcc),
    inReplyTo: fields["in-reply-to"] ?? null,
    messageId: fields["message-id"] ?? null,
  };
}
