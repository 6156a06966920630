// The header fields that the envelope answers for, so that SEARCH need not read the message. Repeated and overlong
// fields count as far as the envelope has them.
import { decodeHeaderValue, type Envelope, type EnvelopeAddress } from "@pushmail/mailstore";

type AddressField = "from" | "sender" | "replyTo" | "to" | "cc" | "bcc";
type TextField = "date" | "subject" | "inReplyTo" | "messageId";

/** By name in lower case: the decoded text of a field, empty where there is none. */
export const ENVELOPE_FIELDS: ReadonlyMap<string, (envelope: Envelope) => string> = new Map([
  ["bcc", addressesOf("bcc")],
  ["cc", addressesOf("cc")],
  ["date", textOf("date")],
  ["from", addressesOf("from")],
  ["in-reply-to", textOf("inReplyTo")],
  ["message-id", textOf("messageId")],
  ["reply-to", addressesOf("replyTo")],
  ["sender", addressesOf("sender")],
  ["subject", textOf("subject")],
  ["to", addressesOf("to")],
]);

function textOf(field: TextField): (envelope: Envelope) => string {
  return (envelope) => decodeHeaderValue(envelope[field] ?? "");
}

function addressesOf(field: AddressField): (envelope: Envelope) => string {
  return (envelope) => envelope[field].map(printAddress).join(", ");
}

/** As a header has it. A group is its name with a colon, then its members. */
function printAddress({ name, mailbox, host }: EnvelopeAddress): string {
  if (host === null) return mailbox === null ? ";" : `${decodeHeaderValue(mailbox)}:`;
  return `${decodeHeaderValue(name ?? "")} <${decodeHeaderValue(mailbox ?? "")}@${decodeHeaderValue(host)}>`;
}
