// The MIME tree while it grows: the parts that are open, outermost first, and the header that is being read, if any.
// It is told of header lines, boundary lines and the end, each with its place; it never sees a body.
import { Boundaries } from "./boundaries.ts";
import type { BoundaryLine } from "./boundaries.ts";
import { makeEnvelope } from "./envelope.ts";
import { messageIds } from "./message-ids.ts";
import { HeaderCollector } from "./header-collector.ts";
import { fieldColon } from "./header-line.ts";
import type { MessageLimits } from "./limits.ts";
import {
  asOpaque,
  asPlainText,
  boundaryOf,
  describePart,
  isDigest,
  isIdentityEncoded,
  isMessage,
  isMultipart,
  isText,
  MESSAGE,
  OPAQUE,
  PLAIN_TEXT,
} from "./part-description.ts";
import type { PartDescription } from "./part-description.ts";
import type { BodyPart, EmbeddedMessage, Envelope } from "./summary.ts";
import type { TextBeginnings } from "./text-beginnings.ts";

/** An offset in the message, and the line feeds counted up to it. */
export interface Place {
  readonly offset: number;
  readonly lineFeeds: number;
}

/** A line without its line end, and its places in the message: where it begins and where the next one does. */
export interface Line {
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  readonly from: Place;
  readonly next: Place;
}

interface OpenPart {
  readonly description: PartDescription;
  readonly holds: "bytes" | "parts" | "message";
  readonly headerStart: number;
  readonly body: Place;
  /** Whether the lines of all that lies inside are counted, because they are lines of a message that is a part. */
  readonly countsInside: boolean;
  /** The parts that are complete; of a message its one and only. */
  readonly children: BodyPart[];
  /** The envelope of the message it holds, once that message's header is complete. */
  envelope: Envelope | null;
}

const MESSAGE_START: Place = { offset: 0, lineFeeds: 0 };

export class PartTree {
  readonly #limits: MessageLimits;
  readonly #boundaries: Boundaries = new Boundaries();
  /** The first is no part: it holds the message itself. The depth of a part is its index. */
  readonly #open: OpenPart[];
  #header: HeaderCollector | null = null;
  #headerStart: Place = MESSAGE_START;
  #partCount = 0;
  /** Of fields, that may still be kept. */
  #bytesLeft: number;
  #references: readonly string[] | null = null;
  readonly #texts: TextBeginnings;

  constructor(limits: MessageLimits, texts: TextBeginnings) {
    this.#limits = limits;
    this.#bytesLeft = limits.fieldBytesTotalMax;
    this.#texts = texts;
    const description = describePart({}, MESSAGE, limits);
    this.#open = [
      {
        description,
        holds: "message",
        headerStart: 0,
        body: MESSAGE_START,
        countsInside: false,
        children: [],
        envelope: null,
      },
    ];
    this.#beginHeader(MESSAGE_START);
  }

  /** What the message refers to, once its header is complete. */
  get references(): readonly string[] {
    return this.#references ?? [];
  }

  get isInHeader(): boolean {
    return this.#header !== null;
  }

  /** Whether a boundary line may come; else all that follows belongs to the part that is open. */
  get awaitsBoundary(): boolean {
    return !this.#boundaries.isEmpty;
  }

  /** Whether line feeds must be counted here. A multipart counts its own, because without any part it is text. */
  get countsLines(): boolean {
    const last = this.#last;
    return last.countsInside || last.holds === "parts" || isText(last.description);
  }

  /** Whose boundary line this is; null where it is none. */
  findBoundary(line: Line): BoundaryLine | null {
    return this.#boundaries.match(line.bytes, line.start, line.end);
  }

  /** Takes a boundary line: what is open inside its multipart ends at `end`, and a part may begin at `next`. */
  takeBoundary(boundary: BoundaryLine, end: Place, next: Place): void {
    this.#closeBelow(boundary.depth, end);
    if (boundary.closes) this.#boundaries.dropFrom(boundary.depth);
    else this.#beginPart(next);
  }

  /** Takes a line of the header that is being read. */
  takeHeaderLine(line: Line): void {
    const { bytes, start, end } = line;
    const isFirst = line.from.offset === this.#headerStart.offset;
    // RFC 5322 2.1
    if (start === end) this.#endHeader(line.next);
    // A part that begins with something else than a field has no header, nor the blank line that should say so.
    else if (isFirst && this.#last.holds === "parts" && fieldColon(bytes, start, end) < 0) this.#endHeader(line.from);
    else this.#header?.takeLine(bytes, start, end);
  }

  /** Closes everything at the end of the message. */
  finish(end: Place): EmbeddedMessage {
    this.#closeBelow(0, end);
    return messageIn(this.#last);
  }

  get #last(): OpenPart {
    return this.#open[this.#open.length - 1] as OpenPart;
  }

  get #isFull(): boolean {
    return this.#partCount >= this.#limits.partsMax || this.#bytesLeft === 0;
  }

  /** Begins a part of the multipart that is last; where no more are kept, one that takes all the rest. */
  #beginPart(start: Place): void {
    if (!this.#isFull) {
      this.#beginHeader(start);
      return;
    }
    this.#headerStart = start;
    this.#boundaries.dropFrom(0);
    this.#push(describePart({}, OPAQUE, this.#limits), "bytes", start);
  }

  #beginHeader(start: Place): void {
    this.#partCount++;
    this.#headerStart = start;
    this.#header = new HeaderCollector(this.#limits.fieldBytesMax, this.#bytesLeft);
  }

  /** Ends the header that is being read and opens its part, whose body begins at `body`. */
  #endHeader(body: Place): void {
    const header = this.#header as HeaderCollector;
    const fields = header.finish();
    this.#header = null;
    this.#bytesLeft = header.bytesLeft;
    const holder = this.#last;
    // The first header is that of the message itself.
    this.#references ??= messageIds(fields.references ?? "").slice(-this.#limits.referencesMax);
    if (holder.holds === "message") holder.envelope = makeEnvelope(fields, this.#limits.addressesMax);
    const byDefault = isDigest(holder.description) ? MESSAGE : PLAIN_TEXT;
    this.#openPart(describePart(fields, byDefault, this.#limits), body);
  }

  #openPart(part: PartDescription, body: Place): void {
    const boundary = isMultipart(part) ? boundaryOf(part) : null;
    const mayHold = !this.#isFull && this.#open.length <= this.#limits.depthMax;
    if (isMultipart(part) && boundary === null) {
      this.#push(asPlainText(part), "bytes", body);
    } else if (boundary !== null && mayHold) {
      this.#push(part, "parts", body);
      this.#boundaries.add(boundary, this.#open.length - 1);
    } else if (isMessage(part) && isIdentityEncoded(part) && mayHold) {
      this.#push(part, "message", body);
      this.#beginHeader(body);
    } else {
      this.#push(isMultipart(part) || isMessage(part) ? asOpaque(part) : part, "bytes", body);
    }
  }

  #push(description: PartDescription, holds: OpenPart["holds"], body: Place): void {
    const countsInside = holds === "message" || this.#last.countsInside;
    // What is in a message that is a part is no text of the message itself.
    if (!countsInside) this.#texts.begin(description, body.offset);
    const headerStart = this.#headerStart.offset;
    this.#open.push({ description, holds, headerStart, body, countsInside, children: [], envelope: null });
  }

  /** Closes what is open below `depth`; `end` is where the bodies end that had begun by then. */
  #closeBelow(depth: number, end: Place): void {
    // A header that ends without a blank line; of a message it is followed by another, of the message inside.
    while (this.#header !== null) this.#endHeader(later(end, this.#headerStart));
    this.#boundaries.dropFrom(depth + 1);
    let at = end;
    while (this.#open.length > depth + 1) {
      const part = this.#open.pop() as OpenPart;
      // A body ends no earlier than it began, and no earlier than what lies in it.
      at = later(at, part.body);
      this.#last.children.push(completePart(part, at));
    }
  }
}

function later(a: Place, b: Place): Place {
  return a.offset < b.offset ? b : a;
}

function completePart(part: OpenPart, end: Place): BodyPart {
  const holdsNothing = part.holds === "parts" && part.children.length === 0;
  const description = holdsNothing ? asPlainText(part.description) : part.description;
  const { type, subtype, parameters, id, encoding, md5, disposition, language, location } = description;
  // Spelt out, because a spread of this size takes as long as all the rest of a small message.
  return {
    type,
    subtype,
    parameters,
    id,
    description: description.description,
    encoding,
    md5,
    disposition,
    language,
    location,
    headerStart: part.headerStart,
    bodyStart: part.body.offset,
    bodyEnd: end.offset,
    lines: part.holds === "message" || isText(description) ? end.lineFeeds - part.body.lineFeeds : 0,
    parts: part.holds === "parts" ? part.children : [],
    message: part.holds === "message" ? messageIn(part) : null,
  };
}

function messageIn(part: OpenPart): EmbeddedMessage {
  return { envelope: part.envelope as Envelope, structure: part.children[0] as BodyPart };
}
