// One message of a command that takes messages: what stands before it, and its octets on their way into the store.
import { parseDateTime, parseFlagList, Scanner, SyntaxFault } from "@pushmail/imap-wire";
import type { StagedMessage } from "@pushmail/mailstore";
import type { Completion, MessageLiteral, Session } from "./command.ts";
import type { ImapLimits } from "./limits.ts";
import { no } from "./replies.ts";

export interface AppendMessage {
  readonly flags: readonly string[];
  /** Undefined for the time of arrival. */
  readonly internalDateMs: number | undefined;
  readonly literal: MessageLiteral;
  /** Whether the literal stands in the parentheses of `UTF8 (...)` (RFC 6855 4). */
  readonly isInUtf8: boolean;
}

/** Reads flags and date, and steps over the announcement of the literal (RFC 9051 9 append-message). */
export function parseAppendMessage(scan: Scanner, literal: MessageLiteral | undefined): AppendMessage {
  const flags = scan.peek === "(" ? spaced(scan, parseFlagList(scan)) : [];
  const internalDateMs = scan.peek === '"' ? spaced(scan, parseDateTime(scan).ms) : undefined;
  const isInUtf8 = scan.skip("UTF8 (");
  const isLiteral = scan.peek === "~" || (scan.peek === "{" && !isInUtf8);
  if (literal === undefined || !isLiteral) throw scan.fault("Expected a literal");
  scan.literal();
  return { flags, internalDateMs, literal, isInUtf8 };
}

function spaced<Value>(scan: Scanner, value: Value): Value {
  scan.space();
  return value;
}

/** What stands behind the message, once that has come: undefined at the command's end. */
export function readBehind({ literal, isInUtf8 }: AppendMessage, { wire }: ImapLimits): Scanner | undefined {
  const { frame, literal: next } = literal.rest;
  const scan = new Scanner(frame, wire);
  if (isInUtf8) scan.expect(")");
  if (next !== undefined) return scan;
  // Spaces at the end do no harm.
  return frame.text.slice(scan.position).trim() === "" ? undefined : scan;
}

/** The answer to a message that is refused by its size alone. */
export function refuseSize({ limits }: Session, sizeBytes: number): Completion | undefined {
  // RFC 3502 6.3.11: an empty literal takes the command back.
  if (sizeBytes === 0) return { status: "NO", text: "An empty message is not appended" };
  const { messageBytesMax } = limits;
  return sizeBytes > messageBytesMax ? no("TOOBIG", `At most ${messageBytesMax} octets are taken`) : undefined;
}

/** Takes a message in; an answer where it is of a kind that is not kept. */
export async function stageMessage(session: Session, literal: MessageLiteral): Promise<StagedMessage | Completion> {
  const message = await stage(session, literal);
  if (session.acceptsUtf8 || "status" in message || !message.summary.isInternationalized) return message;
  await message.discard();
  // RFC 9755 4
  return { status: "NO", text: "Headers beyond ASCII are for clients that enable UTF8=ACCEPT" };
}

async function stage(session: Session, literal: MessageLiteral): Promise<StagedMessage | Completion> {
  let hasNul = false;
  async function* withoutNul(): AsyncGenerator<Uint8Array> {
    for await (const piece of literal.bytes()) {
      hasNul = piece.includes(0);
      // RFC 9051 9: CHAR8 is any octet but NUL.
      if (hasNul) throw new SyntaxFault("NUL in the message");
      yield piece;
    }
  }
  try {
    return await session.store.stage(withoutNul(), { bytesMax: session.limits.messageBytesMax });
  } catch (error) {
    // RFC 3516 4.4: of a literal8 it is no fault, but a message that could be told by BINARY alone is not kept.
    if (hasNul && literal.isBinary) return no("UNKNOWN-CTE", "Messages with NUL in them are not kept");
    throw error;
  }
}
