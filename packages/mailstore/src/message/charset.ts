// From bytes to Unicode. Mail names its charset wrongly, or none, or one that nobody knows: then the bytes decide.
import { isUtf8 } from "node:buffer";
import { TextDecoder } from "node:util";
import { asBuffer } from "./as-buffer.ts";

/** Names that mail uses and the Encoding Standard lacks. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["cp932", "shift_jis"],
  ["cp936", "gbk"],
  ["cp949", "euc-kr"],
  ["cp950", "big5"],
  ["utf8mb4", "utf-8"],
]);

/** What these names say is only that nobody thought of it. */
const UNLABELLED: ReadonlySet<string> = new Set(["", "us-ascii", "ascii", "ansi_x3.4-1968", "unknown-8bit"]);

/** 0x80 to 0x9F of windows-1252, which several releases of Node decode as control characters. */
const WINDOWS_1252 =
  "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f" +
  "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";

const UTF8: TextDecoder = new TextDecoder("utf-8");
/** By label; only labels that exist get in, so that their number is small. */
const decoders: Map<string, TextDecoder> = new Map();

/** The text in a charset by name; never throws. */
export function decodeCharset(bytes: Uint8Array, charset: string): string {
  const label = charset.trim().toLowerCase();
  const decoder = UNLABELLED.has(label) ? undefined : findDecoder(ALIASES.get(label) ?? label);
  if (decoder === undefined) return decodeUnlabelled(bytes);
  if (isUnordered(decoder, label)) return decodeCharset(bytes, orderOf(bytes));
  return decoder.encoding === "windows-1252" ? decodeWindows1252(bytes) : decoder.decode(bytes);
}

/** The charset of a text that begins with these bytes: of UTF-16 with the order that they say. */
export function charsetByMark(bytes: Uint8Array, charset: string): string {
  const label = charset.trim().toLowerCase();
  return isUnordered(findDecoder(label), label) ? orderOf(bytes) : charset;
}

/** Whether a label says UTF-16, and not which byte comes first. */
function isUnordered(decoder: TextDecoder | undefined, label: string): boolean {
  return decoder?.encoding === "utf-16le" && label !== "utf-16le";
}

/** RFC 2781 4.3: the mark at the beginning says it; where there is none, it is what mail mostly means. */
function orderOf(bytes: Uint8Array): string {
  return bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-16le";
}

/** UTF-8 where the bytes are that (RFC 6532 3.2), else windows-1252, which is latin1 and more. */
function decodeUnlabelled(bytes: Uint8Array): string {
  // Asked first: to be told by an exception takes twenty times as long.
  return isUtf8(bytes) ? UTF8.decode(bytes) : decodeWindows1252(bytes);
}

function decodeWindows1252(bytes: Uint8Array): string {
  const latin1 = asBuffer(bytes).toString("latin1");
  if (!/[\x80-\x9f]/.test(latin1)) return latin1;
  const units = Buffer.allocUnsafe(2 * bytes.length);
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] as number;
    const unit = byte >= 0x80 && byte <= 0x9f ? WINDOWS_1252.charCodeAt(byte - 0x80) : byte;
    units[2 * at] = unit & 0xff;
    units[2 * at + 1] = unit >> 8;
  }
  return units.toString("utf16le");
}

function findDecoder(label: string): TextDecoder | undefined {
  const known = decoders.get(label);
  if (known !== undefined) return known;
  try {
    const decoder = new TextDecoder(label);
    decoders.set(label, decoder);
    return decoder;
  } catch {
    return undefined;
  }
}
