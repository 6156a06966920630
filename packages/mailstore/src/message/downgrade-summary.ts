// A summary as it would be of the message with its headers downgraded (RFC 6858 2). Sizes and places are those of the
// message as it is (RFC 6858 3).
import { printBodyStructure, printEnvelope } from "@pushmail/imap-wire";
import { isAsciiText } from "./characters.ts";
import { downgradeAddress, inAscii } from "./downgrade-address.ts";
import { downgradeParameters } from "./downgrade-header.ts";
import { isMultipart, PLAIN_TEXT } from "./part-description.ts";
import { StoredSummary } from "./stored-summary.ts";
import type { BodyPart, Envelope, EnvelopeAddress } from "./summary.ts";

export class DowngradedSummary extends StoredSummary {
  readonly #original: StoredSummary;

  constructor(original: StoredSummary) {
    super(original.encoded);
    this.#original = original;
  }

  override get printedEnvelope(): string {
    return printEnvelope(downgradeEnvelope(this.#original.envelope));
  }

  override get printedStructure(): string {
    return printBodyStructure(downgradeStructure(this.#original.structure));
  }
}

function downgradeEnvelope(envelope: Envelope): Envelope {
  const { date, subject, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId } = envelope;
  return {
    date: asciiOr(null, date),
    subject: subject === null || isAsciiText(subject) ? subject : inAscii(subject),
    from: downgradeAddresses(from),
    sender: downgradeAddresses(sender),
    replyTo: downgradeAddresses(replyTo),
    to: downgradeAddresses(to),
    cc: downgradeAddresses(cc),
    bcc: downgradeAddresses(bcc),
    inReplyTo: asciiOr(null, inReplyTo),
    messageId: asciiOr(null, messageId),
  };
}

function downgradeStructure(part: BodyPart): BodyPart {
  const { disposition, language, message } = part;
  return {
    ...part,
    ...downgradeType(part),
    id: asciiOr(null, part.id),
    description: asciiOr(null, part.description),
    encoding: asciiOr("7bit", part.encoding),
    md5: asciiOr(null, part.md5),
    disposition:
      disposition === null || !isAsciiText(disposition.type)
        ? null
        : { type: disposition.type, parameters: downgradeParameters(disposition.parameters) },
    language: language?.every(isAsciiText) === true ? language : null,
    location: asciiOr(null, part.location),
    parts: part.parts.map(downgradeStructure),
    message: message && {
      envelope: downgradeEnvelope(message.envelope),
      structure: downgradeStructure(message.structure),
    },
  };
}

/** A Content-Type that cannot be told is left out; of a multipart that is only the kind. */
function downgradeType(part: BodyPart): Pick<BodyPart, "type" | "subtype" | "parameters"> {
  const { type, subtype } = part;
  const parameters = downgradeParameters(part.parameters);
  if (isAsciiText(`${type}${subtype}`)) return { type, subtype, parameters };
  return isMultipart(part) ? { type, subtype: "mixed", parameters } : PLAIN_TEXT;
}

function downgradeAddresses(addresses: readonly EnvelopeAddress[]): readonly EnvelopeAddress[] {
  return addresses.map(downgradeAddress);
}

function asciiOr<Other>(other: Other, text: string | null): string | Other {
  return text === null || !isAsciiText(text) ? other : text;
}
