// Header values as people read them: encoded-words (RFC 2047) decoded, 8-bit bytes as the UTF-8 that they mostly are.
import { decodeCharset } from "./charset.ts";
import { DECODE_LIMITS } from "./limits.ts";
import { decodeBase64, decodeQuotedPrintable } from "./transfer-encoding.ts";

const NEEDS_DECODING = /=\?|[\x80-\xff]/;
// RFC 2047 2 forbids blanks in the text of a word, but some write it so.
const ENCODED_WORD = /=\?([^?\s]+)\?([bq])\?([^?]*)\?=/gi;
const BASE64_TEXT = /^[a-z0-9+/]*=*$/i;
const BROKEN_ESCAPE = /=(?![0-9a-f]{2})/i;
const BLANKS = /^[ \t\r\n]*$/;

/** Bytes in one charset. Neighbouring words share it, because some writers cut a character in two. */
interface Run {
  readonly charset: string;
  readonly pieces: Uint8Array[];
}

/** Decodes an unfolded value whose bytes are given as latin1; what is no proper encoded-word stays as it is. */
export function decodeHeaderValue(latin1: string): string {
  const value = latin1.slice(0, DECODE_LIMITS.headerCharactersMax);
  if (!NEEDS_DECODING.test(value)) return value;
  const runs: Run[] = [];
  let at = 0;
  for (const match of value.matchAll(ENCODED_WORD)) {
    const [whole, charset = "", encoding = "", text = ""] = match;
    const bytes = decodeWord(encoding, text);
    if (bytes === null) continue;
    const between = value.slice(at, match.index);
    // RFC 2047 6.2: blanks between two encoded-words are not shown.
    if (at === 0 || !BLANKS.test(between)) addToRuns(runs, "", Buffer.from(between, "latin1"));
    // RFC 2231 5: a language may stand behind the charset.
    addToRuns(runs, charset.replace(/\*.*/, "").toLowerCase(), bytes);
    at = match.index + whole.length;
  }
  addToRuns(runs, "", Buffer.from(value.slice(at), "latin1"));
  return runs.map(({ charset, pieces }) => decodeCharset(Buffer.concat(pieces), charset)).join("");
}

function addToRuns(runs: Run[], charset: string, bytes: Uint8Array): void {
  const last = runs.at(-1);
  if (last?.charset === charset) last.pieces.push(bytes);
  else if (bytes.length > 0) runs.push({ charset, pieces: [bytes] });
}

/** The bytes of an encoded-word's text; null where it is broken. */
function decodeWord(encoding: string, text: string): Uint8Array | null {
  if (encoding.toLowerCase() === "b") return BASE64_TEXT.test(text) ? decodeBase64(Buffer.from(text, "latin1")) : null;
  // RFC 2047 4.2: like quoted-printable, but that a blank at the end stays.
  return BROKEN_ESCAPE.test(text)
    ? null
    : decodeQuotedPrintable(Buffer.from(text.replaceAll(/[_ ]/g, "=20"), "latin1"));
}
