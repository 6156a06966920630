// Printing an ENVELOPE (RFC 9051 7.5.2). Strings are the octets of the header as latin1.
import { printNstring } from "./string.ts";

/** An address; a group starts with host null and ends with mailbox and host null. */
export interface EnvelopeAddressData {
  readonly name: string | null;
  readonly mailbox: string | null;
  readonly host: string | null;
}

/** The fields of an envelope, null or empty where the header has none. */
export interface EnvelopeData {
  readonly date: string | null;
  readonly subject: string | null;
  readonly from: readonly EnvelopeAddressData[];
  readonly sender: readonly EnvelopeAddressData[];
  readonly replyTo: readonly EnvelopeAddressData[];
  readonly to: readonly EnvelopeAddressData[];
  readonly cc: readonly EnvelopeAddressData[];
  readonly bcc: readonly EnvelopeAddressData[];
  readonly inReplyTo: string | null;
  readonly messageId: string | null;
}

export function printEnvelope(envelope: EnvelopeData): string {
  // RFC 9051 7.5.2: where they are absent, sender and reply-to are those of from.
  const sender = envelope.sender.length === 0 ? envelope.from : envelope.sender;
  const replyTo = envelope.replyTo.length === 0 ? envelope.from : envelope.replyTo;
  const origin = `${printAddresses(envelope.from)} ${printAddresses(sender)} ${printAddresses(replyTo)}`;
  const targets = `${printAddresses(envelope.to)} ${printAddresses(envelope.cc)} ${printAddresses(envelope.bcc)}`;
  const ids = `${printNstring(envelope.inReplyTo)} ${printNstring(envelope.messageId)}`;
  return `(${printNstring(envelope.date)} ${printNstring(envelope.subject)} ${origin} ${targets} ${ids})`;
}

function printAddresses(addresses: readonly EnvelopeAddressData[]): string {
  if (addresses.length === 0) return "NIL";
  let text = "(";
  for (const { name, mailbox, host } of addresses) {
    // The source route between name and mailbox is obsolete and always NIL.
    text += `(${printNstring(name)} NIL ${printNstring(mailbox)} ${printNstring(host)})`;
  }
  return `${text})`;
}
