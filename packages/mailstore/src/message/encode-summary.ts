// Summaries as bytes, for the store. The first byte is the version: what an older one wrote must stay readable.
import type { BodyPart, EmbeddedMessage, Envelope, EnvelopeAddress, MessageSummary, Parameter } from "./summary.ts";
import { SummaryReader, SummaryWriter } from "./summary-bytes.ts";

const VERSION = 1;
/** The summary as bytes. */
export function encodeSummary(summary: MessageSummary): Uint8Array {
  const writer = new SummaryWriter();
  writer.number(summary.sizeBytes);
  writeMessage(writer, summary, 0);
  return writer.finish(VERSION);
}

/** The summary that was encoded, read as far as it is asked for; throws where the bytes are none. */
export function decodeSummary(bytes: Uint8Array): MessageSummary {
  if (bytes[0] !== VERSION) throw new Error(`message summary of unknown version ${bytes[0]}`);
  const reader = new SummaryReader(bytes);
  const sizeBytes = reader.number();
  let envelope: Envelope | undefined;
  let structure: BodyPart | undefined;
  const readAll = (): BodyPart => {
    envelope ??= readEnvelope(reader);
    const part = readPart(reader, 0);
    reader.finish();
    return part;
  };
  return {
    sizeBytes,
    get envelope() {
      return (envelope ??= readEnvelope(reader));
    },
    get structure() {
      return (structure ??= readAll());
    },
  };
}

/** Offsets are written as distances: of a message from `origin`, the start of the body that it lies in. */
function writeMessage(writer: SummaryWriter, message: EmbeddedMessage, origin: number): void {
  writeEnvelope(writer, message.envelope);
  writePart(writer, message.structure, origin);
}

function readMessage(reader: SummaryReader, origin: number): EmbeddedMessage {
  return { envelope: readEnvelope(reader), structure: readPart(reader, origin) };
}

function writeEnvelope(writer: SummaryWriter, envelope: Envelope): void {
  const { from } = envelope;
  writer.nullable(envelope.date);
  writer.nullable(envelope.subject);
  writeAddresses(writer, from);
  writeAddressesUnless(writer, from, envelope.sender);
  writeAddressesUnless(writer, from, envelope.replyTo);
  writeAddresses(writer, envelope.to);
  writeAddresses(writer, envelope.cc);
  writeAddresses(writer, envelope.bcc);
  writer.nullable(envelope.inReplyTo);
  writer.nullable(envelope.messageId);
}

function readEnvelope(reader: SummaryReader): Envelope {
  const date = reader.nullable();
  const subject = reader.nullable();
  const from = readAddresses(reader);
  return {
    date,
    subject,
    from,
    sender: readAddressesOr(reader, from),
    replyTo: readAddressesOr(reader, from),
    to: readAddresses(reader),
    cc: readAddresses(reader),
    bcc: readAddresses(reader),
    inReplyTo: reader.nullable(),
    messageId: reader.nullable(),
  };
}

function writeAddresses(writer: SummaryWriter, addresses: readonly EnvelopeAddress[]): void {
  writer.list(addresses, ({ name, mailbox, host }) => {
    writer.nullable(name);
    writer.nullable(mailbox);
    writer.nullable(host);
  });
}

function readAddresses(reader: SummaryReader): EnvelopeAddress[] {
  return reader.list(() => ({ name: reader.nullable(), mailbox: reader.nullable(), host: reader.nullable() }));
}

/** Sender and Reply-To, which mostly are the very list of From. */
function writeAddressesUnless(
  writer: SummaryWriter,
  from: readonly EnvelopeAddress[],
  addresses: readonly EnvelopeAddress[],
): void {
  writer.optional(addresses === from ? null : addresses, (others) => writeAddresses(writer, others));
}

function readAddressesOr(reader: SummaryReader, from: readonly EnvelopeAddress[]): readonly EnvelopeAddress[] {
  return reader.optional(() => readAddresses(reader)) ?? from;
}

function writePart(writer: SummaryWriter, part: BodyPart, origin: number): void {
  writer.string(part.type);
  writer.string(part.subtype);
  writeParameters(writer, part.parameters);
  writer.nullable(part.id);
  writer.nullable(part.description);
  writer.string(part.encoding);
  writer.nullable(part.md5);
  writer.optional(part.disposition, ({ type, parameters }) => {
    writer.string(type);
    writeParameters(writer, parameters);
  });
  writer.optional(part.language, (tags) => writer.list(tags, (tag) => writer.string(tag)));
  writer.nullable(part.location);
  writer.number(part.headerStart - origin);
  writer.number(part.bodyStart - part.headerStart);
  writer.number(part.bodyEnd - part.bodyStart);
  writer.number(part.lines);
  writer.list(part.parts, (child) => writePart(writer, child, part.bodyStart));
  writer.optional(part.message, (message) => writeMessage(writer, message, part.bodyStart));
}

function readPart(reader: SummaryReader, origin: number): BodyPart {
  const type = reader.string();
  const subtype = reader.string();
  const parameters = readParameters(reader);
  const id = reader.nullable();
  const description = reader.nullable();
  const encoding = reader.string();
  const md5 = reader.nullable();
  const disposition = reader.optional(() => ({ type: reader.string(), parameters: readParameters(reader) }));
  const language = reader.optional(() => reader.list(() => reader.string()));
  const location = reader.nullable();
  const headerStart = origin + reader.number();
  const bodyStart = headerStart + reader.number();
  const bodyEnd = bodyStart + reader.number();
  return {
    type,
    subtype,
    parameters,
    id,
    description,
    encoding,
    md5,
    disposition,
    language,
    location,
    headerStart,
    bodyStart,
    bodyEnd,
    lines: reader.number(),
    parts: reader.list(() => readPart(reader, bodyStart)),
    message: reader.optional(() => readMessage(reader, bodyStart)),
  };
}

function writeParameters(writer: SummaryWriter, parameters: readonly Parameter[]): void {
  writer.list(parameters, ([name, value]) => {
    writer.string(name);
    writer.string(value);
  });
}

function readParameters(reader: SummaryReader): Parameter[] {
  return reader.list(() => [reader.string(), reader.string()]);
}
