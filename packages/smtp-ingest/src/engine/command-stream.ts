// The bytes of a client, parsed: command lines, and the content behind DATA. Takes the place of smtp-server's SMTPStream,
// which takes a bare LF for a line end, passes bare CR and LF on, and spends a turn of the event loop on every stuffed dot.
// A command line ends with CRLF and has no other CR, LF or NUL; what breaks this ends the connection.
import { isUtf8 } from "node:buffer";
import { PassThrough } from "node:stream";
import { setImmediate as nextTurn } from "node:timers/promises";
import { callbackify } from "node:util";
import { Refusal } from "@pushmail/mailstore";
import type { SMTPServerDataStream } from "smtp-server";
import { SMTPStream } from "smtp-server/lib/smtp-stream.js";
import { NegativeReply } from "../replies.ts";
import { DataDecoder } from "./data-decoder.ts";
import type { ContentFault, LineEndPolicy } from "./data-decoder.ts";

export interface CommandStreamOptions {
  readonly commandBytesMax: number;
  readonly lineEnds: LineEndPolicy;
}

const FAULT_TEXTS: Readonly<Record<ContentFault, string>> = {
  bareLineEnd: "The message has a CR or LF that is not part of a CRLF",
  nul: "The message has a NUL byte",
};
const COMMANDS_PER_TURN = 100;
const EMPTY = Buffer.alloc(0);
const LF = 0x0a;
const CR = 0x0d;

/**
 * Calls `oncommand` with one line at a time, and after `startDataMode` gives the content to the stream returned there.
 * That stream ends, or fails with a Refusal, when the client has sent all of it; never before.
 */
export class CommandStream extends SMTPStream {
  readonly #options: CommandStreamOptions;
  readonly #feed: (chunk: Buffer, next: (error?: Error | null) => void) => void = callbackify((chunk: Buffer) =>
    this.#consume(chunk),
  );
  #line: Buffer = EMPTY;
  #commands = 0;
  #decoder: DataDecoder | null = null;
  #answered: () => void = () => {};

  constructor(options: CommandStreamOptions) {
    super();
    this.#options = options;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding | "buffer", next: (error?: Error | null) => void): void {
    this.#feed(chunk, next);
  }

  override startDataMode(maxBytes?: number | string | null): SMTPServerDataStream {
    const stream = Object.assign(new PassThrough(), { byteLength: 0, sizeExceeded: false });
    // A failure waits for the reader; there may be none yet.
    stream.on("error", () => {});
    this.#decoder = new DataDecoder(this.#options.lineEnds);
    this._dataMode = true;
    this._dataStream = stream;
    this._maxBytes = Number(maxBytes) || Infinity;
    this.dataBytes = 0;
    return stream;
  }

  /** The message has been answered: the next command may be read. */
  override continue(): void {
    this.#answered();
  }

  async #consume(chunk: Buffer): Promise<void> {
    let rest = chunk;
    while (rest.length > 0 && !this.isClosed) {
      const taken = this._dataStream === null ? await this.#takeLine(rest) : await this.#takeContent(rest);
      rest = rest.subarray(taken);
    }
  }

  /** Takes up to the end of the first line, or all that is there of it; returns how much that is. */
  async #takeLine(input: Buffer): Promise<number> {
    const end = input.indexOf(LF) + 1;
    const piece = end > 0 ? input.subarray(0, end) : input;
    this.#line = Buffer.concat([this.#line, piece]);
    if (this.#line.length > this.#options.commandBytesMax) throw new NegativeReply("500 5.5.6", "Line too long");
    if (end === 0) return piece.length;
    const line = this.#line;
    this.#line = EMPTY;
    await this.#run(line);
    return piece.length;
  }

  async #run(line: Buffer): Promise<void> {
    const command = line.subarray(0, -2);
    // RFC 5321 2.3.8
    if (line.at(-2) !== CR || command.includes(CR))
      throw new NegativeReply("500 5.5.2", "CR and LF may stand in a CRLF alone");
    if (command.includes(0) || !isUtf8(command)) throw new NegativeReply("500 5.5.2", "A command is UTF-8 without NUL");
    await new Promise<void>((resolve) => this.oncommand(command, resolve));
    if (++this.#commands % COMMANDS_PER_TURN === 0) await nextTurn();
  }

  async #takeContent(input: Buffer): Promise<number> {
    const decoder = this.#decoder as DataDecoder;
    const stream = this._dataStream as SMTPServerDataStream;
    const { content, end } = decoder.decode(input);
    for (const piece of content) this.dataBytes += piece.length;
    const fault = this.#faultOf(decoder);
    if (end < 0) {
      if (fault === null && stream.writable && !write(stream, content)) await drained(stream);
      return input.length;
    }
    const answered = new Promise<void>((resolve) => (this.#answered = resolve));
    this._dataMode = false;
    this._dataStream = null;
    if (fault === null) {
      write(stream, content);
      stream.end();
    } else stream.destroy(fault);
    await answered;
    return end;
  }

  #faultOf(decoder: DataDecoder): Refusal | null {
    if (this.dataBytes > this._maxBytes) {
      return new Refusal("messageTooLarge", `The message is larger than ${this._maxBytes} bytes`);
    }
    return decoder.fault === null ? null : new Refusal("messageInvalid", FAULT_TEXTS[decoder.fault]);
  }
}

/** Whether the stream takes more. */
function write(stream: PassThrough, pieces: readonly Buffer[]): boolean {
  return pieces.reduce((_, piece) => stream.write(piece), true);
}

/** Resolves when the stream takes more, or will never again. */
function drained(stream: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      stream.off("drain", go).off("close", go);
      resolve();
    };
    stream.on("drain", go).on("close", go);
  });
}
