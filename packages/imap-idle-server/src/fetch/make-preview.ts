// The first words of a message as a list of messages shows them (RFC 8970), out of the beginning of its text.
import {
  decodeBody,
  decodeTransferEncoding,
  findParameter,
  type BodyPart,
  type MessageSummary,
} from "@pushmail/mailstore";
import type { FetchLimits } from "./limits.ts";
import type { LocatedSection } from "./locate-section.ts";

const NOTHING = new Uint8Array(0);
/** What of an HTML text is not shown; it may end before its end is there. */
const UNSHOWN = /<(style|script|head|title)\b.*?(?:<\/\1\s*>|$)|<!--.*?(?:-->|$)|<[^<>]*(?:>|$)/gis;
const ENTITY = /&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|([a-z]{2,8}));/gi;
const ENTITIES: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["apos", "'"],
  ["gt", ">"],
  ["lt", "<"],
  ["nbsp", " "],
  ["quot", '"'],
]);
/** Blanks, and what is not seen: controls, soft hyphens, joiners that stand alone, marks of direction and order. */
const UNSEEN = /[\s\p{Cc}\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]+/gu;

/** Where the text is, and how a preview is made of it. A message without text has an empty one. */
export function locatePreview({ structure }: MessageSummary, limits: FetchLimits): LocatedSection {
  const part = textPartOf(structure, "plain") ?? textPartOf(structure, null);
  if (part === undefined) return { range: { start: 0, end: 0 }, pick: undefined };
  const { bodyStart: start, bodyEnd } = part;
  const end = Math.min(bodyEnd, start + limits.previewOctetsMax);
  return { range: { start, end }, pick: (octets) => makePreview(octets, part, limits) };
}

/** The first text that is no attachment, of one subtype or of any. */
function textPartOf(part: BodyPart, subtype: string | null): BodyPart | undefined {
  const isText = part.type.toLowerCase() === "text" && (subtype === null || part.subtype.toLowerCase() === subtype);
  if (isText && part.disposition?.type.toLowerCase() !== "attachment") return part;
  for (const child of part.parts) {
    const found = textPartOf(child, subtype);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** In UTF-8. */
export function makePreview(
  octets: Uint8Array,
  part: BodyPart,
  { previewOctetsMax, previewCharsMax }: Pick<FetchLimits, "previewOctetsMax" | "previewCharsMax">,
): Uint8Array {
  if (octets.length === 0) return NOTHING;
  const decoded = wholeCharacters(decodeTransferEncoding(octets, part.encoding), octets.length < previewOctetsMax);
  const text = decodeBody(decoded, "8bit", findParameter(part.parameters, "charset"));
  const shown = part.subtype.toLowerCase() === "html" ? withoutTags(text) : text;
  const words = shown.replaceAll(UNSEEN, " ").trim();
  return Buffer.from(
    Array.from(words.slice(0, 2 * previewCharsMax))
      .slice(0, previewCharsMax)
      .join("")
      .trimEnd(),
  );
}

/** A text that was cut ends behind its last octet of ASCII, so that no character is cut in two. */
function wholeCharacters(octets: Uint8Array, isWhole: boolean): Uint8Array {
  if (isWhole) return octets;
  const end = octets.findLastIndex((octet) => octet < 0x80) + 1;
  return end > 0 ? octets.subarray(0, end) : octets;
}

function withoutTags(html: string): string {
  return html.replaceAll(UNSHOWN, " ").replaceAll(ENTITY, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return ENTITIES.get(name.toLowerCase()) ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
    const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return isCharacter ? String.fromCodePoint(code) : " ";
  });
}
