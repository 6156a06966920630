// A summary as the store has it: printed, and taken apart only as far as somebody asks.
import { EMPTY_MULTIPART } from "@pushmail/imap-wire";
import { PrintedEnvelope, readEnvelope } from "./printed-envelope.ts";
import { PrintedReader } from "./printed-reader.ts";
import type { BodyPart, EmbeddedMessage, Envelope, MessageSummary, Parameter } from "./summary.ts";
import { damagedSummary, SummaryNumbers } from "./summary-bytes.ts";

export const SUMMARY_VERSION = 5;
/** Numbers before those of the parts, by version: 3 neither says whether it is internationalized nor has a preview. */
export const HEAD_NUMBERS: ReadonlyMap<number, number> = new Map([
  [3, 4],
  [SUMMARY_VERSION, 6],
]);

export class StoredSummary implements MessageSummary {
  readonly encoded: Uint8Array;
  #opened: OpenedSummary | undefined;
  #envelope: Envelope | undefined;
  #structure: BodyPart | undefined;

  constructor(encoded: Uint8Array) {
    this.encoded = encoded;
  }

  get sizeBytes(): number {
    return this.#open().sizeBytes;
  }

  /** The ENVELOPE as FETCH tells it (RFC 9051 7.5.2), octets as latin1. */
  get printedEnvelope(): string {
    const { text, envelopeLength } = this.#open();
    return text.slice(0, envelopeLength);
  }

  /** The BODYSTRUCTURE likewise. */
  get printedStructure(): string {
    const { text, envelopeLength, structureLength } = this.#open();
    return text.slice(envelopeLength, envelopeLength + structureLength);
  }

  get references(): readonly string[] {
    const { text, envelopeLength, structureLength, referencesLength } = this.#open();
    const start = envelopeLength + structureLength;
    const ids = text.slice(start, start + referencesLength);
    return ids === "" ? [] : ids.split(" ");
  }

  get isInternationalized(): boolean {
    return this.#open().isInternationalized;
  }

  get preview(): string | undefined {
    const { text, envelopeLength, structureLength, referencesLength, hasPreview } = this.#open();
    return hasPreview ? text.slice(envelopeLength + structureLength + referencesLength) : undefined;
  }

  get envelope(): Envelope {
    return (this.#envelope ??= new PrintedEnvelope(new PrintedReader(this.printedEnvelope)));
  }

  get structure(): BodyPart {
    return (this.#structure ??= this.#readStructure());
  }

  #open(): OpenedSummary {
    return (this.#opened ??= open(this.encoded));
  }

  #readStructure(): BodyPart {
    const numbers = new SummaryNumbers(this.encoded);
    for (let skipped = 0; skipped < headNumbersOf(this.encoded); skipped++) numbers.next();
    const printed = new PrintedReader(this.printedStructure);
    const structure = readPart({ printed, numbers }, 0);
    if (!printed.isAtEnd || !numbers.isAtEnd) throw damagedSummary();
    return structure;
  }
}

/** The structure for one look: nothing of what is opened for it is kept with the summary. */
export function glanceAtStructure(summary: MessageSummary): BodyPart {
  return summary instanceof StoredSummary ? new StoredSummary(summary.encoded).structure : summary.structure;
}

interface OpenedSummary {
  readonly sizeBytes: number;
  readonly envelopeLength: number;
  readonly structureLength: number;
  readonly referencesLength: number;
  readonly isInternationalized: boolean;
  readonly hasPreview: boolean;
  readonly text: string;
}

function headNumbersOf(encoded: Uint8Array): number {
  return HEAD_NUMBERS.get(encoded[0] as number) ?? 0;
}

function open(encoded: Uint8Array): OpenedSummary {
  const numbers = new SummaryNumbers(encoded);
  const [sizeBytes, envelopeLength, structureLength] = [numbers.next(), numbers.next(), numbers.next()];
  const referencesLength = numbers.next();
  const isOlder = encoded[0] !== SUMMARY_VERSION;
  const isInternationalized = isOlder || numbers.next() === 1;
  const previewLength = isOlder ? -1 : numbers.next() - 1;
  const hasPreview = previewLength >= 0;
  const text = numbers.text(envelopeLength + structureLength + referencesLength + Math.max(previewLength, 0));
  return { sizeBytes, envelopeLength, structureLength, referencesLength, isInternationalized, hasPreview, text };
}

interface PartReader {
  readonly printed: PrintedReader;
  readonly numbers: SummaryNumbers;
}

type Place = Pick<BodyPart, "headerStart" | "bodyStart" | "bodyEnd" | "lines">;

function readPart(reader: PartReader, origin: number): BodyPart {
  const { printed, numbers } = reader;
  const headerStart = origin + numbers.next();
  const bodyStart = headerStart + numbers.next();
  const bodyEnd = bodyStart + numbers.next();
  const place = { headerStart, bodyStart, bodyEnd, lines: numbers.next() };
  printed.expect("(");
  const part = printed.sees("(") ? readMultipart(reader, place) : readSinglePart(reader, place);
  printed.expect(")");
  return part;
}

function readMultipart(reader: PartReader, place: Place): BodyPart {
  const { printed, numbers } = reader;
  const parts: BodyPart[] = [];
  const count = numbers.next();
  if (count === 0) printed.expect(EMPTY_MULTIPART);
  while (parts.length < count) parts.push(readPart(reader, place.bodyStart));
  printed.expect(" ");
  const subtype = printed.string();
  printed.expect(" ");
  const parameters = readParameters(printed);
  return {
    type: "multipart",
    subtype,
    parameters,
    // No client is told these of a multipart (RFC 9051 7.5.2), nor does anybody else ask.
    id: null,
    description: null,
    encoding: "7bit",
    md5: null,
    ...readPlacement(printed),
    ...place,
    parts,
    message: null,
  };
}

function readSinglePart(reader: PartReader, place: Place): BodyPart {
  const { printed } = reader;
  const type = printed.string();
  printed.expect(" ");
  const subtype = printed.string();
  printed.expect(" ");
  const parameters = readParameters(printed);
  printed.expect(" ");
  const id = printed.nstring();
  printed.expect(" ");
  const description = printed.nstring();
  printed.expect(" ");
  const encoding = printed.string();
  printed.expect(` ${place.bodyEnd - place.bodyStart} `);
  const message = printed.sees("(") ? readMessage(reader, place.bodyStart) : null;
  // Those of text and of messages are told.
  printed.skip(`${place.lines} `);
  const md5 = printed.nstring();
  const placement = readPlacement(printed);
  return { type, subtype, parameters, id, description, encoding, md5, ...placement, ...place, parts: [], message };
}

function readMessage(reader: PartReader, origin: number): EmbeddedMessage {
  const envelope = readEnvelope(reader.printed);
  reader.printed.expect(" ");
  const structure = readPart(reader, origin);
  reader.printed.expect(" ");
  return { envelope, structure };
}

function readPlacement(printed: PrintedReader): Pick<BodyPart, "disposition" | "language" | "location"> {
  printed.expect(" ");
  const disposition = printed.skip("NIL") ? null : readDisposition(printed);
  printed.expect(" ");
  const language = printed.sees("NIL") || printed.sees("(") ? printed.list(() => printed.string()) : [printed.string()];
  printed.expect(" ");
  return { disposition, language: language.length === 0 ? null : language, location: printed.nstring() };
}

function readDisposition(printed: PrintedReader): BodyPart["disposition"] {
  printed.expect("(");
  const type = printed.string();
  printed.expect(" ");
  const parameters = readParameters(printed);
  printed.expect(")");
  return { type, parameters };
}

function readParameters(printed: PrintedReader): Parameter[] {
  return printed.list(() => {
    const name = printed.string();
    printed.expect(" ");
    return [name, printed.string()];
  });
}
