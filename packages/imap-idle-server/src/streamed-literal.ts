// A message on its way in: the octets of a literal as they come, and then what stands behind them in the command.
import { printContinuation, type Frame, type Literal } from "@pushmail/imap-wire";
import type { MessageLiteral, RestOfCommand } from "./command.ts";
import type { Connection } from "./connection.ts";

export class StreamedLiteral implements MessageLiteral {
  readonly sizeBytes: number;
  readonly isBinary: boolean;
  readonly #connection: Connection;
  readonly #literal: Literal;
  readonly #timeoutMs: number;
  #isOpen = true;
  #isTaken = false;
  #rest: { readonly frame: Frame; readonly literal: StreamedLiteral | undefined } | undefined;

  constructor(connection: Connection, literal: Literal, timeoutMs: number) {
    this.sizeBytes = literal.octets;
    this.isBinary = literal.binary;
    this.#connection = connection;
    this.#literal = literal;
    this.#timeoutMs = timeoutMs;
  }

  get rest(): RestOfCommand {
    if (this.#rest === undefined) throw new Error("what stands behind a literal is known when it has been taken");
    return this.#rest;
  }

  async *bytes(): AsyncGenerator<Uint8Array> {
    if (this.#isTaken) throw new Error("a literal can be taken once");
    this.#isTaken = true;
    this.#connection.framer.stream();
    // RFC 7888 4: the client waits for `+` unless it said that it does not.
    if (this.#literal.synchronizing) await this.#connection.write(printContinuation());
    await this.#connection.flush();
    for (let isLast = false; !isLast;) {
      const event = await this.#connection.read(this.#timeoutMs);
      if (event.type !== "chunk") throw new Error("a literal ended before its last octet");
      isLast = event.last;
      // Before the last octets are given away: whoever stops at them leaves nothing of the command behind.
      if (isLast) await this.#readOn();
      if (event.bytes.length > 0) yield event.bytes;
    }
  }

  /** Drops what was not taken: the command has been answered. */
  skip(): void {
    if (this.#isOpen) this.#connection.framer.refuse();
    this.#isOpen = false;
    this.#rest?.literal?.skip();
  }

  /** Reads up to the next literal, or to the end of the command. */
  async #readOn(): Promise<void> {
    this.#isOpen = false;
    const event = await this.#connection.read(this.#timeoutMs);
    if (event.type === "fault") throw event.fault;
    if (event.type === "chunk") throw new Error("a literal has octets behind its last one");
    const literal =
      event.type === "literal" ? new StreamedLiteral(this.#connection, event.literal, this.#timeoutMs) : undefined;
    this.#rest = { frame: behind(event.frame, this.#literal.end), literal };
  }
}

/** What stands behind a place in a command, as if it were all. */
function behind({ text, literals }: Frame, place: number): Frame {
  const later = literals.filter(({ start }) => start >= place);
  return {
    text: text.slice(place),
    literals: later.map((literal) => ({ ...literal, start: literal.start - place, end: literal.end - place })),
  };
}
