// The text of a part out of the octets of its body: of a short one at once, of a long one folded, piece by piece, so that
// little is held.
import { isAscii } from "node:buffer";
import {
  charsetByMark,
  decodeBody,
  decodeTransferEncoding,
  findParameter,
  unicodeCasemap,
  type BodyPart,
} from "@pushmail/mailstore";
import { SearchedText } from "./sought-text.ts";
import { transferDecoder, type TransferDecoder } from "./transfer-decoder.ts";

const LF = 0x0a;
const ZERO = 0x30;
const NOTHING = Buffer.alloc(0);
const LINE_END = Buffer.of(LF);
/** In UTF-8. */
const BYTE_ORDER_MARK = Buffer.of(0xef, 0xbb, 0xbf);
/** Charsets with two octets to each character. */
const WIDE = /ucs|unicode|utf-?16/i;
/** Those of them whose first octet is the higher one. */
const BIG_ENDIAN = /16be|fffe/i;
/** Charsets whose octets below 128 are ASCII in some places only; at a line end they are. */
const SHIFTING = /2022|hz/i;

/** The text of a whole body. */
export function readText({ parameters, encoding }: BodyPart, octets: Uint8Array): SearchedText {
  const charset = findParameter(parameters, "charset");
  const decoded = decodeTransferEncoding(octets, encoding);
  if (!isAsciiIn(charset, decoded)) return new SearchedText(decodeBody(decoded, "8bit", charset), { isAscii: false });
  return new SearchedText(asBuffer(decoded).toString("latin1"), { isAscii: true });
}

/** Whether a part is in a charset that is not cut at line ends. */
export function isWide({ parameters }: BodyPart): boolean {
  return WIDE.test(findParameter(parameters, "charset") ?? "");
}

/** Whether a part is in a charset whose octets mean this or that by what is before them. */
export function isShifting({ parameters }: BodyPart): boolean {
  return SHIFTING.test(findParameter(parameters, "charset") ?? "");
}

/** Whether octets in a charset are ASCII, and nothing else. */
function isAsciiIn(charset: string | null, octets: Uint8Array): boolean {
  return !WIDE.test(charset ?? "") && !SHIFTING.test(charset ?? "") && isAscii(octets);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Where octets of two to each unit can be cut: behind the first half of a character they cannot. */
function endOfPairs(octets: Buffer, isBigEndian: boolean): number {
  const end = octets.length - (octets.length % 2);
  const high = octets[isBigEndian ? end - 2 : end - 1] ?? 0;
  return (high & 0xfc) === 0xd8 ? end - 2 : end;
}

/** Reads one body; what it gives is its text from the beginning on. */
export class TextReader {
  #charset: string | null;
  readonly #isWide: boolean;
  readonly #lineBytesMax: number;
  readonly #decode: TransferDecoder;
  #held: Buffer = NOTHING;
  #isBegun = false;
  #isAscii = true;

  /** At most about `lineBytesMax` octets are looked at together: up to a line end where they have one. */
  constructor({ parameters, encoding }: BodyPart, lineBytesMax: number) {
    this.#charset = findParameter(parameters, "charset");
    this.#isWide = WIDE.test(this.#charset ?? "");
    this.#lineBytesMax = lineBytesMax;
    this.#decode = transferDecoder(encoding);
  }

  /** Whether all octets so far are ASCII. */
  get isAscii(): boolean {
    return this.#isAscii;
  }

  /** Takes the next octets; returns as much more of the text as can be told by now. */
  push(piece: Buffer): string {
    const octets = this.#take(this.#decode(piece, { isLast: false }));
    if (this.#isWide && !this.#isBegun && octets.length > 1) this.#charset = charsetByMark(octets, this.#charset ?? "");
    const end = this.#endOfCharacters(octets);
    this.#held = octets.subarray(end);
    return this.#textOf(octets.subarray(0, end));
  }

  /** The rest of the text. */
  end(): string {
    return this.#textOf(this.#take(this.#decode(NOTHING, { isLast: true })));
  }

  #take(decoded: Buffer): Buffer {
    return this.#held.length === 0 ? decoded : Buffer.concat([this.#held, decoded]);
  }

  /** Where the octets can be cut, so that no character is cut in two. */
  #endOfCharacters(octets: Buffer): number {
    if (this.#isWide) return endOfPairs(octets, BIG_ENDIAN.test(this.#charset ?? ""));
    const lineEnd = octets.lastIndexOf(LF) + 1;
    if (lineEnd > 0 || octets.length <= this.#lineBytesMax) return lineEnd;
    // Octets below those of digits are blanks and punctuation, and no part of any longer character.
    let end = octets.length;
    while (end > 0 && (octets[end - 1] as number) >= ZERO) end--;
    return end > 0 ? end : octets.length;
  }

  #textOf(octets: Buffer): string {
    const isBegun = this.#isBegun;
    this.#isBegun ||= octets.length > 0;
    this.#isAscii &&= isAsciiIn(this.#charset, octets);
    // The same as in the general case, many times quicker.
    if (isAsciiIn(this.#charset, octets)) return octets.toString("latin1").toUpperCase();
    if (!isBegun || octets.indexOf(BYTE_ORDER_MARK) !== 0) return this.#decoded(octets);
    // At the beginning it would be left out; within the text it is a part of it.
    return this.#decoded(Buffer.concat([LINE_END, octets])).slice(LINE_END.length);
  }

  #decoded(octets: Buffer): string {
    return unicodeCasemap(decodeBody(octets, "8bit", this.#charset));
  }
}
