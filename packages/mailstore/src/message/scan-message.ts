// Finds the structure of a message while it streams by: where its parts lie and what their headers say.
// Any bytes are a message; the pieces in which they come make no difference; memory is bounded by the limits.
import { isAscii } from "node:buffer";
import { asBuffer } from "./as-buffer.ts";
import { CR, DASH, LF } from "./characters.ts";
import { endOfContent } from "./header-line.ts";
import { MESSAGE_LIMITS } from "./limits.ts";
import type { MessageLimits } from "./limits.ts";
import { LineBuffer } from "./line-buffer.ts";
import { makePreview, previewedPart } from "./make-preview.ts";
import { PartTree } from "./part-tree.ts";
import type { Place } from "./part-tree.ts";
import type { BodyPart, MessageSummary } from "./summary.ts";
import { TextBeginnings } from "./text-beginnings.ts";

/** What a line in a body must begin with to be a boundary line (RFC 2046 5.1.1), with the line end before it. */
const DELIMITER = Buffer.from("\n--", "latin1");
const LINE_END_BYTES_MAX = 2;

/** Scans one message. Header lines and boundary lines are read whole; bodies are leapt over. */
export class MessageScanner {
  readonly #limits: MessageLimits;
  readonly #texts: TextBeginnings;
  readonly #tree: PartTree;
  /** The beginning of a line whose end is still to come. */
  readonly #line: LineBuffer;
  #isInLine = true;
  #lineStart: Place = { offset: 0, lineFeeds: 0 };
  /** The length of the line end before `#lineStart`. */
  #lineStartGap = 0;
  #offset = 0;
  #lineFeeds = 0;
  /** The length of the line end just before `#offset`; 0 in the middle of a line. */
  #gap = 0;
  #endsInCr = false;
  /** Whether the chunk is ASCII, once that has been asked; most are, and then no line is looked at for it. */
  #isChunkAscii: boolean | undefined;
  #isLineAscii = true;
  #isInternationalized = false;

  constructor(limits: MessageLimits = MESSAGE_LIMITS) {
    this.#limits = limits;
    this.#texts = new TextBeginnings(limits.previewOctetsMax);
    this.#tree = new PartTree(limits, this.#texts);
    this.#line = new LineBuffer(limits.fieldBytesMax + LINE_END_BYTES_MAX);
  }

  /** Takes the next bytes of the message; the chunk is the caller's again on return. */
  push(chunk: Uint8Array): void {
    const bytes = asBuffer(chunk);
    this.#isChunkAscii = undefined;
    let at = 0;
    while (at < bytes.length) at = this.#isInLine ? this.#takeLine(bytes, at) : this.#leap(bytes, at);
  }

  /** Ends the message. */
  finish(): MessageSummary {
    if (!this.#line.isEmpty) this.#endLine(this.#line.take());
    const { envelope, structure } = this.#tree.finish(this.#place());
    const preview = this.#preview(structure);
    this.#texts.release();
    return {
      sizeBytes: this.#offset,
      references: this.#tree.references,
      isInternationalized: this.#isInternationalized,
      preview,
      envelope,
      structure,
    };
  }

  #preview(structure: BodyPart): string | undefined {
    const part = previewedPart(structure);
    if (part === undefined) return "";
    const octets = this.#texts.of(part);
    return octets && makePreview(octets, part, this.#limits);
  }

  /** Reads a line to its end or that of the chunk, and returns where it got to. */
  #takeLine(bytes: Buffer, at: number): number {
    if (this.#line.isEmpty) {
      this.#lineStart = this.#place();
      this.#lineStartGap = this.#gap;
    }
    const lineFeed = bytes.indexOf(LF, at);
    const end = lineFeed < 0 ? bytes.length : lineFeed + 1;
    this.#advance(bytes, at, end);
    this.#isChunkAscii ??= isAscii(bytes);
    if (!this.#isChunkAscii && !isAscii(bytes.subarray(at, end))) this.#isLineAscii = false;
    if (this.#line.isEmpty && lineFeed >= 0) {
      this.#endLine(bytes, at, end);
    } else {
      this.#line.append(bytes, at, end);
      if (lineFeed >= 0) this.#endLine(this.#line.take());
    }
    return end;
  }

  #endLine(bytes: Buffer, start = 0, end: number = bytes.length): void {
    const contentEnd = Math.min(endOfContent(bytes, start, end), start + this.#limits.fieldBytesMax);
    const line = { bytes, start, end: contentEnd, from: this.#lineStart, next: this.#place() };
    const boundary = this.#tree.findBoundary(line);
    if (boundary !== null) this.#tree.takeBoundary(boundary, this.#beforeLineEnd(), line.next);
    else if (this.#tree.isInHeader) {
      this.#tree.takeHeaderLine(line);
      if (!this.#isLineAscii) this.#isInternationalized = true;
    }
    this.#isLineAscii = true;
    this.#isInLine = this.#tree.isInHeader;
  }

  /** Skips the body up to what may be a boundary line, or to the end of the chunk. */
  #leap(bytes: Buffer, at: number): number {
    if (!this.#tree.awaitsBoundary) return this.#advance(bytes, at, bytes.length);
    if (this.#gap > 0 && bytes[at] === DASH && (at + 1 === bytes.length || bytes[at + 1] === DASH)) {
      this.#isInLine = true;
      return at;
    }
    const delimiter = bytes.indexOf(DELIMITER, at);
    if (delimiter >= 0) return this.#advance(bytes, at, delimiter + 1);
    // A dash that begins the last line may be half of a boundary line's two: leave it to the next step.
    const endsInDash = bytes.length - at >= 2 && bytes.at(-1) === DASH && bytes.at(-2) === LF;
    return this.#advance(bytes, at, endsInDash ? bytes.length - 1 : bytes.length);
  }

  #advance(bytes: Buffer, start: number, end: number): number {
    if (this.#texts.isTaking) this.#texts.take(bytes.subarray(start, end), this.#offset);
    if (this.#tree.countsLines) this.#lineFeeds += countLineFeeds(bytes, start, end);
    this.#offset += end - start;
    const endsInCr = end - start >= 2 ? bytes[end - 2] === CR : this.#endsInCr;
    this.#gap = bytes[end - 1] !== LF ? 0 : endsInCr ? 2 : 1;
    this.#endsInCr = bytes[end - 1] === CR;
    return end;
  }

  #place(): Place {
    return { offset: this.#offset, lineFeeds: this.#lineFeeds };
  }

  /** Where a body ends before a boundary line: the line end before it is the boundary's (RFC 2046 5.1.1). */
  #beforeLineEnd(): Place {
    const { offset, lineFeeds } = this.#lineStart;
    return this.#lineStartGap === 0
      ? this.#lineStart
      : { offset: offset - this.#lineStartGap, lineFeeds: lineFeeds - 1 };
  }
}

/** Scans a message that is in memory as a whole. */
export function scanMessage(whole: Uint8Array, limits: MessageLimits = MESSAGE_LIMITS): MessageSummary {
  const scanner = new MessageScanner(limits);
  scanner.push(whole);
  return scanner.finish();
}

function countLineFeeds(bytes: Buffer, start: number, end: number): number {
  let count = 0;
  for (let at = bytes.indexOf(LF, start); at >= 0 && at < end; at = bytes.indexOf(LF, at + 1)) count++;
  return count;
}
