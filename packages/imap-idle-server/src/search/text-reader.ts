// The text of a part out of the octets of its body, folded, piece by piece: however long it is, little is held.
import { isAscii } from "node:buffer";
import { decodeBody, findParameter, foldForSearch, type BodyPart } from "@pushmail/mailstore";
import { SEARCH_LIMITS } from "./limits.ts";
import { transferDecoder, type TransferDecoder } from "./transfer-decoder.ts";

const LF = 0x0a;
const ZERO = 0x30;
const NOTHING = Buffer.alloc(0);
/** Charsets with two octets to each character. */
const WIDE = /ucs|unicode|utf-?16/i;
/** Charsets whose octets below 128 are ASCII in some places only; at a line end they are. */
const SHIFTING = /2022|hz/i;

/** Reads one body; what it gives is its text from the beginning on. */
export class TextReader {
  readonly #charset: string | null;
  readonly #isWide: boolean;
  readonly #isAsciiBased: boolean;
  readonly #decode: TransferDecoder;
  #held: Buffer = NOTHING;

  constructor({ parameters, encoding }: BodyPart) {
    this.#charset = findParameter(parameters, "charset");
    this.#isWide = WIDE.test(this.#charset ?? "");
    this.#isAsciiBased = !this.#isWide && !SHIFTING.test(this.#charset ?? "");
    this.#decode = transferDecoder(encoding);
  }

  /** Takes the next octets; returns as much more of the text as can be told by now. */
  push(piece: Buffer): string {
    const octets = this.#take(this.#decode(piece, { isLast: false }));
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
    if (this.#isWide) return octets.length - (octets.length % 2);
    const lineEnd = octets.lastIndexOf(LF) + 1;
    if (lineEnd > 0 || octets.length <= SEARCH_LIMITS.lineBytesMax) return lineEnd;
    // Octets below those of digits are blanks and punctuation, and no part of any longer character.
    let end = octets.length;
    while (end > 0 && (octets[end - 1] as number) >= ZERO) end--;
    return end > 0 ? end : octets.length;
  }

  #textOf(octets: Buffer): string {
    // The same as in the general case, many times quicker.
    if (this.#isAsciiBased && isAscii(octets)) return octets.toString("latin1").toLowerCase();
    return foldForSearch(decodeBody(octets, "8bit", this.#charset));
  }
}
