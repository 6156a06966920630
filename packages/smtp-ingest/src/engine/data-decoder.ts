// Turns the bytes behind DATA into the message: finds its end, takes out the dots that were put in for transport, and
// watches the line ends. CR LF . CR LF alone is the end, so nothing within a message can pass for a second one; every
// line end that is given out is CRLF.
import { endOfPlainRun } from "./plain-run.ts";

/** What becomes of a CR or LF that stands alone: `normalize` makes it a CRLF, `refuse` spoils the message. */
export type LineEndPolicy = "normalize" | "refuse";

/** What spoils the content; it is read to its end all the same. */
export type ContentFault = "bareLineEnd" | "nul";

export interface DecodedChunk {
  /** Piece by piece; what needs no change lies in the chunk itself. */
  readonly content: readonly Buffer[];
  /** Where in the chunk the mark that ends the content was complete, -1 where it was not. */
  readonly end: number;
}

interface Changed {
  readonly content: Buffer;
  readonly end: number;
}

const NUL = 0x00;
const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;

type Place = "lineStart" | "text" | "afterCr" | "afterDot" | "afterDotCr";

/** Decodes the content of one message, chunk by chunk, wherever the cuts between chunks lie. */
export class DataDecoder {
  fault: ContentFault | null = null;
  readonly #lineEnds: LineEndPolicy;
  #place: Place = "lineStart";
  #out: Buffer = Buffer.alloc(0);
  #length = 0;

  constructor(lineEnds: LineEndPolicy) {
    this.#lineEnds = lineEnds;
  }

  decode(chunk: Buffer): DecodedChunk {
    // Where the chunk before ended in a CR or a dot, the first byte tells what that was.
    const runStart = this.#isBetween ? 1 : 0;
    const head = this.#change(chunk.subarray(0, runStart));
    if (head.end >= 0) return { content: [head.content], end: head.end };
    // One run alone is passed on as it is, so that no sender makes crumbs of a chunk.
    const runEnd = this.#isBetween ? runStart : this.#pass(chunk, runStart);
    const tail = this.#change(chunk.subarray(runEnd));
    const pieces = [head.content, chunk.subarray(runStart, runEnd), tail.content];
    return { content: pieces.filter(({ length }) => length > 0), end: tail.end < 0 ? -1 : runEnd + tail.end };
  }

  /** Whether it takes the next byte to know what the one before was. */
  get #isBetween(): boolean {
    return this.#place !== "lineStart" && this.#place !== "text";
  }

  /** Returns where the run from `start` ends that needs no change. */
  #pass(chunk: Buffer, start: number): number {
    const end = endOfPlainRun(chunk, start, { atLineStart: this.#place === "lineStart" });
    if (end > start) this.#place = chunk[end - 1] === LF ? "lineStart" : "text";
    return end;
  }

  /** Goes through the bytes one by one. */
  #change(chunk: Buffer): Changed {
    // Each byte yields two at most (a bare line end), and two may be owed for a CR of the chunk before.
    this.#out = Buffer.allocUnsafe(2 * chunk.length + 2);
    this.#length = 0;
    let position = 0;
    while (position < chunk.length) {
      const byte = chunk[position++] as number;
      // A CR is written with what follows it, for only then is it known what it was.
      if (byte !== LF && (this.#place === "afterCr" || this.#place === "afterDotCr")) this.#endBareLine();
      if (byte === LF) {
        // RFC 5321 4.1.1.4
        if (this.#place === "afterDotCr") return { content: this.#taken(), end: position };
        if (this.#place === "afterCr") this.#endLine("lineStart");
        else this.#endBareLine();
      } else if (byte === CR) {
        this.#place = this.#place === "afterDot" ? "afterDotCr" : "afterCr";
      } else if (byte === DOT && this.#place === "lineStart") {
        // RFC 5321 4.5.2: the dot that begins a line is never part of it.
        this.#place = "afterDot";
      } else {
        position = this.#takeText(chunk, position - 1);
      }
    }
    return { content: this.#taken(), end: -1 };
  }

  /** Copies from `start` up to the next CR, LF or NUL; returns where that is. */
  #takeText(chunk: Buffer, start: number): number {
    const out = this.#out;
    let length = this.#length;
    let position = start;
    for (; position < chunk.length; position++) {
      const byte = chunk[position] as number;
      if (byte <= CR) {
        if (byte === LF || byte === CR) break;
        if (byte === NUL) this.fault ??= "nul";
      }
      out[length++] = byte;
    }
    this.#length = length;
    this.#place = "text";
    return position;
  }

  #endLine(place: Place): void {
    this.#out[this.#length++] = CR;
    this.#out[this.#length++] = LF;
    this.#place = place;
  }

  /** What stands behind it is no line start: a dot there was not put in for transport, and ends nothing. */
  #endBareLine(): void {
    if (this.#lineEnds === "refuse") this.fault ??= "bareLineEnd";
    this.#endLine("text");
  }

  #taken(): Buffer {
    return this.#out.subarray(0, this.#length);
  }
}
