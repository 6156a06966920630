// The text of a part out of the octets of its body, folded, piece by piece: however long it is, little is held.
import { isAscii } from "node:buffer";
import { decodeBody, findParameter, foldForSearch, type BodyPart } from "@pushmail/mailstore";
import { SEARCH_LIMITS } from "./limits.ts";
import { transferDecoder, type TransferDecoder } from "./transfer-decoder.ts";

const LF = 10;
const NOTHING = Buffer.alloc(0);
/** Charsets in which octets below 128 may mean something else than ASCII. */
const NOT_ASCII = /2022|hz|ucs|unicode|utf-?16/i;

/** Reads one body; what it gives is its text from the beginning on. */
export class TextReader {
  readonly #charset: string | null;
  readonly #isAsciiBased: boolean;
  readonly #decode: TransferDecoder;
  #held: Buffer = NOTHING;

  constructor({ parameters, encoding }: BodyPart) {
    this.#charset = findParameter(parameters, "charset");
    this.#isAsciiBased = this.#charset === null || !NOT_ASCII.test(this.#charset);
    this.#decode = transferDecoder(encoding);
  }

  /** Takes the next octets; returns as much more of the text as can be told by now. */
  push(piece: Buffer): string {
    const octets = this.#take(this.#decode(piece, { isLast: false }));
    // No character of a charset in use on the net is cut in two behind a line end.
    const lineEnd = octets.lastIndexOf(LF) + 1;
    const end = lineEnd === 0 && octets.length > SEARCH_LIMITS.lineBytesMax ? octets.length : lineEnd;
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

  #textOf(octets: Buffer): string {
    // The same as in the general case, many times quicker.
    if (this.#isAsciiBased && isAscii(octets)) return octets.toString("latin1").toLowerCase();
    return foldForSearch(decodeBody(octets, "8bit", this.#charset));
  }
}
