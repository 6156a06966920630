// What the client sends, command by command. Literals are taken into memory within a bound, save the one that a command
// takes as a stream.
import { printContinuation, SyntaxFault, tagOf, type Frame, type FrameEvent } from "@pushmail/imap-wire";
import type { Connection, ReadOptions } from "./connection.ts";
import { streamsLiteral } from "./invocation.ts";
import type { ImapLimits } from "./limits.ts";
import { StreamedLiteral } from "./streamed-literal.ts";

/** A command, up to the literal where that is streamed; or what could not be framed as one. */
export interface Incoming {
  /** Null where it has none. */
  readonly tag: string | null;
  readonly frame: Frame | SyntaxFault;
  readonly literal?: StreamedLiteral;
}

export interface CommandOptions extends ReadOptions {
  readonly timeoutMs: number;
}

/** The next command. */
export async function readCommand(
  connection: Connection,
  limits: ImapLimits,
  { timeoutMs, ...options }: CommandOptions,
): Promise<Incoming> {
  // In the midst of a command the client is left in peace, and is not one that may be silent as long as he likes.
  const restTimeoutMs = Math.min(timeoutMs, limits.autologoutMs);
  for (let event = await connection.read(timeoutMs, options); ; event = await connection.read(restTimeoutMs)) {
    if (event.type === "chunk") throw new Error("octets of a literal that nobody streams");
    if (event.type === "fault") return { tag: event.tag, frame: event.fault };
    const { frame } = event;
    const tag = tagOf(frame.text);
    if (event.type === "frame") return { tag, frame };
    if (streamsLiteral(frame, limits))
      return { tag, frame, literal: new StreamedLiteral(connection, event.literal, restTimeoutMs) };
    try {
      connection.framer.keep();
    } catch (fault) {
      if (!(fault instanceof SyntaxFault)) throw fault;
      return { tag, frame: fault };
    }
    if (event.literal.synchronizing) await connection.write(printContinuation());
    await connection.flush();
  }
}

/** What was read, as a line: no command, but what some commands go on with. */
export function lineOf(event: FrameEvent, connection: Connection): string {
  if (event.type === "frame") return event.frame.text;
  if (event.type === "fault") throw event.fault;
  if (event.type === "literal") connection.framer.refuse();
  throw new SyntaxFault("Expected a line without literals");
}
