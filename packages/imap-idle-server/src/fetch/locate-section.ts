// Where the octets of a section lie, and what of them is told.
import type { FetchSection } from "@pushmail/imap-wire";
import { findSection, pickFields, type ByteRange, type MessageSummary } from "@pushmail/mailstore";

export interface LocatedSection {
  /** What is read of the message. */
  readonly range: ByteRange;
  /** What is told of that; undefined where it is all. */
  readonly pick: ((octets: Uint8Array) => Uint8Array) | undefined;
}

/** Undefined where the message has no such part. Of a header at most `headerBytesMax` are looked at for fields. */
export function locateSection(
  summary: MessageSummary,
  { section, partial }: FetchSection,
  headerBytesMax: number,
): LocatedSection | undefined {
  const { part, text, fields } = section;
  if (text !== "HEADER.FIELDS" && text !== "HEADER.FIELDS.NOT") {
    const whole = findSection(summary, part, text);
    return whole && { range: cut(whole, partial), pick: undefined };
  }
  const header = findSection(summary, part, "HEADER");
  if (header === undefined) return undefined;
  const pick = (octets: Uint8Array): Uint8Array => {
    const picked = pickFields(octets, fields, { not: text === "HEADER.FIELDS.NOT" });
    const { start, end } = cut({ start: 0, end: picked.length }, partial);
    return picked.subarray(start, end);
  };
  return { range: cut(header, { offset: 0, octets: headerBytesMax }), pick };
}

/** The bytes that a partial asks for; none where it begins behind the end (RFC 9051 6.4.5). */
function cut({ start, end }: ByteRange, partial: FetchSection["partial"]): ByteRange {
  if (partial === null) return { start, end };
  const from = Math.min(start + partial.offset, end);
  return { start: from, end: Math.min(from + partial.octets, end) };
}
