// A message on its way in: the octets of a literal as they come, and then the end of the command's line.
import { printContinuation, SyntaxFault, type Literal } from "@pushmail/imap-wire";
import type { MessageLiteral } from "./command.ts";
import type { Connection } from "./connection.ts";

const IN_COMMAND = { isInCommand: true };

export class StreamedLiteral implements MessageLiteral {
  readonly sizeBytes: number;
  readonly #connection: Connection;
  readonly #literal: Literal;
  readonly #timeoutMs: number;
  #isOpen = true;
  #isTaken = false;

  constructor(connection: Connection, literal: Literal, timeoutMs: number) {
    this.sizeBytes = literal.octets;
    this.#connection = connection;
    this.#literal = literal;
    this.#timeoutMs = timeoutMs;
  }

  async *bytes(): AsyncGenerator<Uint8Array> {
    if (this.#isTaken) throw new Error("a literal can be taken once");
    this.#isTaken = true;
    this.#connection.framer.stream();
    // RFC 7888 4: the client waits for `+` unless it said that it does not.
    if (this.#literal.synchronizing) await this.#connection.write(printContinuation());
    await this.#connection.flush();
    for (let isLast = false; !isLast;) {
      const event = await this.#connection.read(this.#timeoutMs, IN_COMMAND);
      if (event.type !== "chunk") throw new Error("a literal ended before its last octet");
      isLast = event.last;
      // Before the last octets are given away: whoever stops at them leaves nothing of the command behind.
      if (isLast) await this.#endCommand();
      if (event.bytes.length > 0) yield event.bytes;
    }
  }

  /** Drops what was not taken: the command has been answered. */
  skip(): void {
    if (this.#isOpen) this.#connection.framer.refuse();
    this.#isOpen = false;
  }

  async #endCommand(): Promise<void> {
    this.#isOpen = false;
    const event = await this.#connection.read(this.#timeoutMs, IN_COMMAND);
    if (event.type === "fault") throw event.fault;
    if (event.type === "literal") this.#connection.framer.refuse();
    if (event.type !== "frame" || event.frame.text.slice(this.#literal.end).trim() !== "") {
      throw new SyntaxFault("Unexpected text behind the message", this.#literal.end + 1);
    }
  }
}
