// A message on its way into the store: put together of the pieces that it comes in, and refused where it is not taken.
import { SyntaxFault } from "@pushmail/imap-wire";
import type { AccountInfo, StagedMessage } from "@pushmail/mailstore";
import { catenatedPart, type CatenatedPart } from "./catenated-part.ts";
import type { Completion, MessageLiteral, Session } from "./command.ts";
import type { IncomingMessage, IncomingMessages, Piece } from "./incoming-messages.ts";
import { no } from "./replies.ts";

/** RFC 3502 6.3.11: an empty literal takes the command back. */
const EMPTY: Completion = { status: "NO", text: "An empty message is not appended" };

/** Why a message of this size is not taken, if it is not. */
export type Admission = (sizeBytes: number) => Promise<Completion | undefined>;

/** The answer to a message that is larger than any that is taken. */
export function refuseSize({ limits }: Session, sizeBytes: number): Completion | undefined {
  const { messageBytesMax } = limits;
  return sizeBytes > messageBytesMax ? no("TOOBIG", `At most ${messageBytesMax} octets are taken`) : undefined;
}

/** A message whose octets are not taken. */
class Refused extends Error {
  readonly completion: Completion;

  constructor(completion: Completion) {
    super(completion.text);
    this.completion = completion;
  }
}

export interface Staging {
  readonly account: AccountInfo;
  readonly messages: IncomingMessages;
  /** Asked before a piece is read, with the size that the message has with it. */
  readonly admit: Admission;
}

/** Takes a message in; an answer where it is none that is kept. */
export async function stageMessage(
  session: Session,
  message: IncomingMessage,
  staging: Staging,
): Promise<StagedMessage | Completion> {
  try {
    const { messageBytesMax: bytesMax } = session.limits;
    const staged = await session.store.stage(octetsOf(session, message, staging), { bytesMax });
    const isTaken = session.acceptsUtf8 || !session.server.strict.has("eightBitHeader");
    if (isTaken || !staged.summary.isInternationalized) return staged;
    await staged.discard();
    // RFC 9755 4
    return { status: "NO", text: "Headers beyond ASCII are for clients that enable UTF8=ACCEPT" };
  } catch (error) {
    if (error instanceof Refused) return error.completion;
    throw error;
  }
}

async function* octetsOf(
  session: Session,
  { isWhole }: IncomingMessage,
  { account, messages, admit }: Staging,
): AsyncGenerator<Uint8Array> {
  const { catenatedBytesMax } = session.limits;
  let sizeBytes = 0;
  for await (const piece of messages.pieces()) {
    const part = await partOf(session, account, piece);
    sizeBytes += part.sizeBytes;
    const refused = isWhole && sizeBytes === 0 ? EMPTY : await admit(sizeBytes);
    if (refused !== undefined) throw new Refused(refused);
    if (typeof piece === "string") messages.catenatedBytes += part.sizeBytes;
    if (messages.catenatedBytes > catenatedBytesMax) {
      throw new Refused(no("LIMIT", `At most ${catenatedBytesMax} octets are taken from other messages`));
    }
    for await (const octets of part.bytes()) {
      if (octets.includes(0)) throw nulIn(piece);
      yield octets;
    }
  }
  if (sizeBytes === 0) throw new Refused(EMPTY);
}

async function partOf(session: Session, account: AccountInfo, piece: Piece): Promise<MessageLiteral | CatenatedPart> {
  if (typeof piece !== "string") return piece;
  const part = await catenatedPart(session, account, piece);
  if ("status" in part) throw new Refused(part);
  return part;
}

/** RFC 9051 9: CHAR8 is any octet but NUL. */
function nulIn(piece: Piece): Error {
  // RFC 3516 4.4: of a literal8 it is no fault, but a message that could be told by BINARY alone is not kept.
  if (typeof piece === "string" || !piece.isBinary) return new SyntaxFault("NUL in the message");
  return new Refused(no("UNKNOWN-CTE", "Messages with NUL in them are not kept"));
}
