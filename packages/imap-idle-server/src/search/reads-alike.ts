// Whether a text is the same whether it is read whole or in pieces. SEARCH reads a message either way, as it happens,
// and of most that makes no difference; a message of which it may is not indexed.
import { decodeBody, decodeTransferEncoding, findParameter, unicodeCasemap, type BodyPart } from "@pushmail/mailstore";
import type { PartPiece } from "./message-texts.ts";
import { isShifting, isWide } from "./text-reader.ts";

/** Charsets whose octets mean the same in each line, whatever the others have. */
const PLAIN = /^(utf-?8|iso-8859-\d+|windows-125\d|koi8-[ru]|gb2312|gbk|gb18030|big5|shift_jis|euc-(jp|kr))$/i;
/** At the beginning of a piece it is no part of the text. */
const BYTE_ORDER_MARK = "\ufeff";
const LF = 0x0a;
/** Below are blanks and punctuation, that no mark changes and that are no part of any longer character. */
const ZERO = 0x30;

/** Whether a part that is short enough to be held reads alike when it is cut at line ends; longer lines are cut elsewhere. */
export function readsAlikeInLines(part: BodyPart, octets: Uint8Array, lineBytesMax: number): boolean {
  const charset = findParameter(part.parameters, "charset");
  const decoded = Buffer.from(decodeTransferEncoding(octets, part.encoding));
  if (decoded.length > lineBytesMax) return false;
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

/** Follows the pieces of texts; of a part that is ASCII alone they are alike in any case. */
export class PieceCheck {
  #part: BodyPart | undefined;
  #isCutWell = true;
  #end = LF;

  /** Takes the next piece; returns whether its part reads alike, as far as it is known. */
  take({ piece, part, isAscii }: PartPiece): boolean {
    const { folded, isFolded } = piece;
    this.#isCutWell = this.#part !== part || (this.#isCutWell && this.#end < ZERO);
    this.#part = part;
    this.#end = folded === "" ? LF : folded.charCodeAt(folded.length - 1);
    if (isWide(part) || isShifting(part)) return false;
    if (isAscii) return true;
    const isPlain = PLAIN.test(findParameter(part.parameters, "charset") ?? "");
    return isPlain && this.#isCutWell && isFolded && !folded.includes(BYTE_ORDER_MARK);
  }
}
