// The octets of a section: counted before the first of them is read, then given in pieces, as a literal needs them.
import type { FetchSection } from "@pushmail/imap-wire";
import { findSection, pickFields, type ByteRange, type MailStore, type MessageDetails } from "@pushmail/mailstore";
import { collectOctets } from "./collect-octets.ts";
import { FETCH_LIMITS } from "./limits.ts";

export interface Octets {
  readonly count: number;
  readonly pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** Opens what an item asks for; undefined where the message has no such part. */
export async function openSection(
  store: MailStore,
  { summary, blob }: MessageDetails,
  { section, partial }: FetchSection,
): Promise<Octets | undefined> {
  const { part, text, fields } = section;
  if (text !== "HEADER.FIELDS" && text !== "HEADER.FIELDS.NOT") {
    const whole = findSection(summary, part, text);
    if (whole === undefined) return undefined;
    const range = cut(whole, partial);
    return { count: range.end - range.start, pieces: store.body(blob, range) };
  }
  const header = findSection(summary, part, "HEADER");
  if (header === undefined) return undefined;
  const looked = cut(header, { offset: 0, octets: FETCH_LIMITS.headerBytesMax });
  const picked = pickFields(await collectOctets(store.body(blob, looked)), fields, {
    not: text === "HEADER.FIELDS.NOT",
  });
  const { start, end } = cut({ start: 0, end: picked.length }, partial);
  return { count: end - start, pieces: [picked.subarray(start, end)] };
}

/** The bytes that a partial asks for; none where it begins behind the end (RFC 9051 6.4.5). */
function cut({ start, end }: ByteRange, partial: FetchSection["partial"]): ByteRange {
  if (partial === null) return { start, end };
  const from = Math.min(start + partial.offset, end);
  return { start: from, end: Math.min(from + partial.octets, end) };
}

/** Makes sure that what was announced is what came. */
export function checkCount(octets: number, announced: number): void {
  if (octets !== announced) throw new Error(`${octets} octets where ${announced} were announced`);
}
