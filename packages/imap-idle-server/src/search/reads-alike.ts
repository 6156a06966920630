// Whether a text is the same whether it is read whole or in pieces. SEARCH reads a message either way, as it happens,
// and of most that makes no difference; a message of which it may is not indexed.
import { decodeBody, decodeTransferEncoding, findParameter, unicodeCasemap, type BodyPart } from "@pushmail/mailstore";
import { isShifting, isWide } from "./text-reader.ts";

/** Charsets whose octets mean the same in each line, whatever the others have. */
const PLAIN = /^(utf-?8|iso-8859-\d+|windows-125\d|koi8-[ru]|gb2312|gbk|gb18030|big5|shift_jis|euc-(jp|kr))$/i;
/** At the beginning of a piece it is no part of the text. */
const BYTE_ORDER_MARK = "\ufeff";
const LF = 0x0a;
/** Below are blanks and punctuation, that no mark changes and that are no part of any longer character. */
const ZERO = 0x30;
// oxlint-disable-next-line no-control-regex
const ASCII = /^[\x00-\x7f]*$/;

/** Whether a part that is short enough to be held reads alike when it is cut at line ends. */
export function readsAlikeInLines(part: BodyPart, octets: Uint8Array): boolean {
  const charset = findParameter(part.parameters, "charset");
  const decoded = Buffer.from(decodeTransferEncoding(octets, part.encoding));
  const whole = decodeBody(decoded, "8bit", charset);
  // Pieces are folded twice.
  const folded = unicodeCasemap(whole);
  if (unicodeCasemap(folded) !== folded) return false;
  if (/^utf-?8$/i.test(charset ?? "") && !whole.includes(BYTE_ORDER_MARK)) return true;
  if (isWide(part)) return false;
  let lines = "";
  for (let start = 0; start < decoded.length;) {
    const lineEnd = decoded.indexOf(LF, start) + 1 || decoded.length;
    lines += decodeBody(decoded.subarray(start, lineEnd), "8bit", charset);
    start = lineEnd;
  }
  return lines === whole;
}

/** Follows the pieces of texts; one that is ASCII alone reads alike in any case. */
export class PieceCheck {
  #part: BodyPart | undefined;
  #isAscii = true;
  #isCutWell = true;
  #end = LF;

  /** Takes the next piece; returns whether its part reads alike, as far as it is known. */
  take(part: BodyPart, folded: string): boolean {
    if (this.#part === part) this.#isCutWell &&= this.#end < ZERO;
    else {
      this.#isAscii = true;
      this.#isCutWell = true;
    }
    this.#part = part;
    this.#end = folded === "" ? LF : folded.charCodeAt(folded.length - 1);
    this.#isAscii &&= ASCII.test(folded);
    if (isWide(part) || isShifting(part)) return false;
    if (this.#isAscii) return true;
    const isPlain = PLAIN.test(findParameter(part.parameters, "charset") ?? "");
    return isPlain && this.#isCutWell && !folded.includes(BYTE_ORDER_MARK);
  }
}
