// Where the octets of a section lie, and what of them is told.
import type { FetchSection, PartialRange } from "@pushmail/imap-wire";
import {
  decodeTransferEncoding,
  findPart,
  findSection,
  makePreview,
  MESSAGE_LIMITS,
  pickFields,
  previewedPart,
  type ByteRange,
  type MessageSummary,
} from "@pushmail/mailstore";

import type { FetchLimits } from "./limits.ts";

export interface LocatedSection {
  /** What is read of the message. */
  readonly range: ByteRange;
  /** What is told of that; undefined where it is all. */
  readonly pick: ((octets: Uint8Array) => Uint8Array) | undefined;
  /** How what is read becomes what is told, where it is too much to be held; undefined where it is told as it is. */
  readonly decoding?: Decoding;
  /** Whether no more is told than how many octets there are. */
  readonly isSize?: true;
}

/** Out of a transfer encoding, and of that a part. */
export interface Decoding {
  readonly encoding: string;
  readonly partial: PartialRange | null;
}

/** Of a part whose encoding nobody knows, nothing can be told decoded (RFC 3516 4.3). */
export type Undecodable = "undecodable";

const NOWHERE: ByteRange = { start: 0, end: 0 };
const IDENTITY: ReadonlySet<string> = new Set(["7bit", "8bit", "binary"]);
const ENCODED: ReadonlySet<string> = new Set(["base64", "quoted-printable"]);

/** Undefined where the message has no such part. Of a header at most so much is looked at for fields. */
export function locateSection(
  summary: MessageSummary,
  fetched: FetchSection,
  limits: FetchLimits,
): LocatedSection | Undecodable | undefined {
  if (fetched.name === "PREVIEW") return locatePreview(summary, fetched);
  if (fetched.name === "BINARY" || fetched.name === "BINARY.SIZE") return locateDecoded(summary, fetched);
  const { part, text, fields } = fetched.section;
  const { partial } = fetched;
  if (text !== "HEADER.FIELDS" && text !== "HEADER.FIELDS.NOT") {
    const whole = findSection(summary, part, text);
    return whole && { range: cut(whole, partial), pick: undefined };
  }
  const header = findSection(summary, part, "HEADER");
  if (header === undefined) return undefined;
  const pick = (octets: Uint8Array): Uint8Array =>
    cutOctets(pickFields(octets, fields, { not: text === "HEADER.FIELDS.NOT" }), partial);
  return { range: cut(header, { offset: 0, octets: limits.headerBytesMax }), pick };
}

/** RFC 8970 3: the first words, made when the message came; of a summary that has none, now. */
function locatePreview(summary: MessageSummary, { lazy }: FetchSection): LocatedSection | undefined {
  const { preview } = summary;
  if (preview !== undefined) return { range: NOWHERE, pick: () => Buffer.from(preview, "latin1") };
  const part = previewedPart(summary.structure);
  // RFC 8970 3.1: what is wanted lazily is not waited for.
  if (lazy === true) return undefined;
  if (part === undefined) return { range: NOWHERE, pick: undefined };
  const range = cut(
    { start: part.bodyStart, end: part.bodyEnd },
    { offset: 0, octets: MESSAGE_LIMITS.previewOctetsMax },
  );
  return { range, pick: (octets) => Buffer.from(makePreview(octets, part, MESSAGE_LIMITS), "latin1") };
}

/** RFC 3516 4.2: the body of a part without its transfer encoding; the message itself has none. */
function locateDecoded(summary: MessageSummary, fetched: FetchSection): LocatedSection | Undecodable | undefined {
  const { section, partial, name } = fetched;
  const whole = findSection(summary, section.part, null);
  if (whole === undefined) return undefined;
  const size = name === "BINARY.SIZE" ? ({ isSize: true } as const) : {};
  const encoding = findPart(summary, section.part)?.encoding.trim().toLowerCase() ?? "binary";
  if (IDENTITY.has(encoding)) return { range: cut(whole, partial), pick: undefined, ...size };
  if (!ENCODED.has(encoding)) return "undecodable";
  const pick = (octets: Uint8Array): Uint8Array => cutOctets(decodeTransferEncoding(octets, encoding), partial);
  return { range: whole, pick, decoding: { encoding, partial }, ...size };
}

/** The bytes that a partial asks for; none where it begins behind the end (RFC 9051 6.4.5). */
export function cut({ start, end }: ByteRange, partial: PartialRange | null): ByteRange {
  if (partial === null) return { start, end };
  const from = Math.min(start + partial.offset, end);
  return { start: from, end: Math.min(from + partial.octets, end) };
}

export function cutOctets(octets: Uint8Array, partial: PartialRange | null): Uint8Array {
  const { start, end } = cut({ start: 0, end: octets.length }, partial);
  return octets.subarray(start, end);
}
