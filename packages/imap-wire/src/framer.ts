// Bytes as they come, in any split, to commands: lines with their literals. Pull it: push a chunk, then take events
// until there is none. A line ends with CRLF or a bare LF. Between commands it holds no buffer.
import type { Frame, FrameEvent, Literal } from "./frame.ts";
import { HeldLine } from "./held-line.ts";
import type { WireLimits } from "./limits.ts";
import { SyntaxFault } from "./syntax-fault.ts";
import { tagOf } from "./tag.ts";

type Mode = "line" | "decide" | "keep" | "stream" | "skip";

const LF = 10;
const ANNOUNCEMENT = /(~?)\{(\d{1,20})(\+?)\}$/;
/** Longer than any announcement with its line end: all that is held of a line that is skipped. */
const TAIL_BYTES = 32;
const NO_BYTES = Buffer.alloc(0);
const NO_LITERALS: readonly Literal[] = [];
/** Shared by all framers between commands: an array that was used keeps the room that it had. */
const NO_INPUT: Buffer[] = [];

/** Turns the bytes of one connection into commands. */
export class Framer {
  #limits: WireLimits;
  #mode: Mode = "line";
  /** Set once the command has been answered: the rest of it is skipped. */
  #discarding = false;
  #input = NO_INPUT;
  #pendingBytes = 0;
  readonly #line: HeldLine = new HeldLine();
  #text = "";
  #literals: readonly Literal[] = NO_LITERALS;
  #kept: Buffer = NO_BYTES;
  #keptBytes = 0;
  /** Octets of the current literal that are still to come. */
  #remaining = 0;

  constructor(limits: WireLimits) {
    this.#limits = limits;
  }

  /** Goes by other limits from now on. */
  setLimits(limits: WireLimits): void {
    this.#limits = limits;
  }

  /** Takes what the socket gave. Stop reading the socket while `pendingBytes` is large. */
  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    if (this.#input === NO_INPUT) this.#input = [chunk];
    else this.#input.push(chunk);
    this.#pendingBytes += chunk.length;
  }

  /** Bytes pushed that no event has used up. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** Bytes held for a command that is not complete. */
  get heldBytes(): number {
    return this.#line.capacity + this.#text.length + this.#keptBytes;
  }

  /** Forgets the bytes that no event has used up: nothing sent in clear may be read after STARTTLS. */
  discardPending(): void {
    this.#input = NO_INPUT;
    this.#pendingBytes = 0;
    this.#reset();
  }

  /** The next event, or undefined: push more, or decide on the literal. */
  next(): FrameEvent | undefined {
    for (;;) {
      if (this.#mode === "decide") return undefined;
      const inLine = this.#mode === "line";
      const chunk = this.#input[0];
      if (chunk === undefined && (inLine || this.#remaining > 0)) return undefined;
      const event = inLine ? this.#readLine(chunk as Buffer) : this.#readLiteral(chunk ?? NO_BYTES);
      if (event !== undefined) return event;
    }
  }

  /** Keeps the announced literal in memory. Throws, with the command refused, where that passes the bound. */
  keep(): void {
    const literal = this.#announced();
    if (this.#keptBytes + literal.octets > this.#limits.literalBytesMax) {
      this.refuse();
      throw new SyntaxFault("Literal too large", literal.start + 1);
    }
    this.#kept = Buffer.allocUnsafeSlow(literal.octets);
    this.#keptBytes += literal.octets;
    this.#mode = "keep";
  }

  /** Gives the announced literal as chunks. */
  stream(): void {
    this.#announced();
    this.#mode = "stream";
  }

  /** Drops the command, before the literal or while it is streamed; the caller answers it at once. */
  refuse(): void {
    // RFC 9051 4.3: without `+` the client does not send the octets, and the command is over.
    if (this.#mode === "stream" || !this.#announced().synchronizing) this.#discard("skip");
    else this.#reset();
  }

  #announced(): Literal {
    const literal = this.#literals.at(-1);
    if (this.#mode !== "decide" || literal === undefined) throw new Error("no literal waits for a decision");
    return literal;
  }

  #readLine(chunk: Buffer): FrameEvent | undefined {
    const end = chunk.indexOf(LF);
    let bytes = end < 0 ? chunk : chunk.subarray(0, end);
    this.#consume(end < 0 ? chunk.length : end + 1);
    let fault: FrameEvent | undefined;
    const { lineBytesMax } = this.#limits;
    if (!this.#discarding && this.#text.length + this.#line.length + bytes.length > lineBytesMax) {
      const line = this.#line.take(bytes);
      const head = (this.#text + line).slice(0, lineBytesMax);
      fault = faultEvent("Command line too long", head.includes(" ") ? tagOf(head) : null);
      this.#discard("line");
      bytes = Buffer.from(line.slice(-TAIL_BYTES), "latin1");
    }
    if (end >= 0) return this.#endLine(this.#line.take(bytes)) ?? fault;
    this.#line.append(this.#discarding ? bytes.subarray(-TAIL_BYTES) : bytes);
    if (this.#discarding) this.#line.keepEnd(TAIL_BYTES);
    return fault;
  }

  #endLine(ended: string): FrameEvent | undefined {
    const line = ended.endsWith("\r") ? ended.slice(0, -1) : ended;
    const announcement = line.endsWith("}") ? ANNOUNCEMENT.exec(line) : null;
    if (this.#discarding) return this.#endDiscarded(announcement);
    let problem: string | undefined;
    if (line.includes("\0")) problem = "NUL in command";
    else if (announcement !== null && this.#literals.length >= this.#limits.literalsMax) problem = "Too many literals";
    const text = this.#text + line;
    if (problem !== undefined) {
      this.#endDiscarded(announcement);
      return faultEvent(problem, tagOf(text));
    }
    if (announcement === null) {
      const frame: Frame = { text, literals: this.#literals };
      this.#reset();
      return { type: "frame", frame };
    }
    const literal = announced(announcement, text);
    this.#text = text;
    this.#literals = [...this.#literals, literal];
    this.#remaining = literal.octets;
    this.#mode = "decide";
    return { type: "literal", literal, frame: { text, literals: this.#literals } };
  }

  /** The end of a line that is dropped: so is the literal that it announces, if the client sends it unasked. */
  #endDiscarded(announcement: RegExpExecArray | null): undefined {
    this.#reset();
    if (announcement?.[3] !== "+") return;
    this.#remaining = Number(announcement[2]);
    this.#discard("skip");
  }

  #readLiteral(chunk: Buffer): FrameEvent | undefined {
    const bytes = chunk.length > this.#remaining ? chunk.subarray(0, this.#remaining) : chunk;
    if (this.#mode === "keep") bytes.copy(this.#kept, this.#kept.length - this.#remaining);
    this.#consume(bytes.length);
    this.#remaining -= bytes.length;
    const last = this.#remaining === 0;
    const streams = this.#mode === "stream";
    if (last) {
      if (this.#mode === "keep") {
        this.#literals = this.#literals.with(-1, { ...(this.#literals.at(-1) as Literal), bytes: this.#kept });
      }
      this.#kept = NO_BYTES;
      this.#mode = "line";
    }
    return streams ? { type: "chunk", bytes, last } : undefined;
  }

  #consume(bytes: number): void {
    const chunk = this.#input[0];
    if (chunk === undefined) return;
    if (bytes < chunk.length) this.#input[0] = chunk.subarray(bytes);
    else if (this.#input.length > 1) this.#input.shift();
    else this.#input = NO_INPUT;
    this.#pendingBytes -= bytes;
  }

  #discard(mode: "line" | "skip"): void {
    const remaining = this.#remaining;
    this.#reset();
    this.#remaining = remaining;
    this.#discarding = true;
    this.#mode = mode;
  }

  #reset(): void {
    this.#mode = "line";
    this.#discarding = false;
    this.#line.clear();
    this.#text = "";
    this.#literals = NO_LITERALS;
    this.#kept = NO_BYTES;
    this.#keptBytes = 0;
    this.#remaining = 0;
  }
}

function faultEvent(message: string, tag: string | null): FrameEvent {
  return { type: "fault", fault: new SyntaxFault(message), tag };
}

function announced(announcement: RegExpExecArray, text: string): Literal {
  return {
    start: text.length - announcement[0].length,
    end: text.length,
    octets: Number(announcement[2]),
    synchronizing: announcement[3] !== "+",
    binary: announcement[1] === "~",
    bytes: null,
  };
}
