// The first words of a message as a list of messages shows them (RFC 8970), out of the beginning of its text.
import { decodeBody } from "./decode-body.ts";
import type { MessageLimits } from "./limits.ts";
import { findParameter } from "./parameterized-value.ts";
import type { BodyPart } from "./summary.ts";
import { decodeTransferEncoding } from "./transfer-encoding.ts";

/** How much of the beginning is looked at first; mostly that is enough. HTML has much that is not shown. */
const FIRST_OCTETS = { plain: 512, html: 2_048 };
/** Of a text that goes on so much more is made: at its end may be half of something. */
const SPARE_LENGTH = 32;
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
const UNSEEN = "\\s\\0-\\x1f\\x7f-\\x9f\\u00ad\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff";
/** Any of them but a space that stands alone, as most do. */
const GAPS = new RegExp(`(?: {2,}| ?(?! )[${UNSEEN}])[${UNSEEN}]*`, "g");

/** The text that is shown: the first that is no attachment, plain where there is one; undefined where there is none. */
export function previewedPart(structure: BodyPart): BodyPart | undefined {
  return textPartOf(structure, "plain") ?? textPartOf(structure, null);
}

function textPartOf(part: BodyPart, subtype: string | null): BodyPart | undefined {
  if (isPreviewable(part, subtype)) return part;
  for (const child of part.parts) {
    const found = textPartOf(child, subtype);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether it is a text, of one subtype or of any, and no attachment. */
export function isPreviewable(
  { type, subtype: given, disposition }: Pick<BodyPart, "type" | "subtype" | "disposition">,
  subtype: string | null,
): boolean {
  const isText = type.toLowerCase() === "text" && (subtype === null || given.toLowerCase() === subtype);
  return isText && disposition?.type.toLowerCase() !== "attachment";
}

export type PreviewLimits = Pick<MessageLimits, "previewOctetsMax" | "previewCharsMax">;

/** In UTF-8, its octets as latin1; `octets` are the part's first, at most `previewOctetsMax`. */
export function makePreview(octets: Uint8Array, part: BodyPart, limits: PreviewLimits): string {
  const { previewCharsMax, previewOctetsMax } = limits;
  const first = isHtml(part) ? FIRST_OCTETS.html : FIRST_OCTETS.plain;
  for (let length = first; length < octets.length; length *= 2) {
    const decoded = decodeTransferEncoding(octets.subarray(0, length), part.encoding);
    const words = wordsOf(decoded.subarray(0, endOfAscii(decoded)), part);
    // A character may be two units long.
    if (words.length >= 2 * previewCharsMax + SPARE_LENGTH) return shown(words, previewCharsMax);
  }
  const decoded = decodeTransferEncoding(octets, part.encoding);
  const isWhole = octets.length < previewOctetsMax;
  return shown(wordsOf(isWhole ? decoded : wholeCharacters(decoded), part), previewCharsMax);
}

function shown(words: string, charsMax: number): string {
  const first = /^[^\ud800-\udfff]*$/.test(words.slice(0, charsMax))
    ? words.slice(0, charsMax)
    : Array.from(words.slice(0, 2 * charsMax))
        .slice(0, charsMax)
        .join("");
  return Buffer.from(first.trimEnd()).toString("latin1");
}

function wordsOf(decoded: Uint8Array, part: BodyPart): string {
  const text = decodeBody(decoded, "8bit", findParameter(part.parameters, "charset"));
  const readable = isHtml(part) ? withoutTags(text) : text;
  return readable.replaceAll(GAPS, " ").trim();
}

function isHtml({ subtype }: BodyPart): boolean {
  return subtype.toLowerCase() === "html";
}

/** A text that was cut ends behind its last octet of ASCII, so that no character is cut in two. */
function wholeCharacters(octets: Uint8Array): Uint8Array {
  const end = endOfAscii(octets);
  return end > 0 ? octets.subarray(0, end) : octets;
}

function endOfAscii(octets: Uint8Array): number {
  return octets.findLastIndex((octet) => octet < 0x80) + 1;
}

function withoutTags(html: string): string {
  return html.replaceAll(UNSHOWN, " ").replaceAll(ENTITY, (whole, decimal?: string, hex?: string, name?: string) => {
    if (name !== undefined) return ENTITIES.get(name.toLowerCase()) ?? whole;
    const code = decimal === undefined ? Number.parseInt(hex ?? "", 16) : Number(decimal);
    const isCharacter = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    return isCharacter ? String.fromCodePoint(code) : " ";
  });
}
