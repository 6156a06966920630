// APPEND (RFC 9051 6.3.12): a message into a mailbox, byte for byte as the client sends it.
// Whatever can be refused is refused before the client is asked for the message.
import { parseDateTime, parseFlagList, parseMailbox, SyntaxFault, type Scanner } from "@pushmail/imap-wire";
import { Refusal, type AccountInfo, type MailboxStatus, type StagedMessage } from "@pushmail/mailstore";
import { command, type Command, type Completion, type MessageLiteral, type Session } from "../command.ts";
import { no, ok } from "../replies.ts";

interface AppendArguments {
  readonly mailbox: string;
  readonly flags: readonly string[];
  /** Undefined for the time of arrival. */
  readonly internalDateMs: number | undefined;
  readonly literal: MessageLiteral;
}

/** What stands before the message's literal: the mailbox at least, which may be a literal itself. */
const BEFORE_MESSAGE = /^APPEND +[^ ]/i;

export const append: Command = command({
  name: "APPEND",
  in: ["authenticated", "selected"],
  streamsLiteral: (before) => BEFORE_MESSAGE.test(before),
  parse(scan, call): AppendArguments {
    scan.space();
    const mailbox = parseMailbox(scan);
    scan.space();
    const flags = scan.peek === "(" ? spaced(scan, parseFlagList(scan)) : [];
    const internalDateMs = scan.peek === '"' ? spaced(scan, parseDateTime(scan).ms) : undefined;
    // A message that is no literal, and a literal8 (RFC 6855 4), are none that this command takes.
    if (call.literal === undefined || scan.peek !== "{") throw scan.fault("Expected a literal");
    scan.literal();
    return { mailbox, flags, internalDateMs, literal: call.literal };
  },
  async run(session, args, { account }) {
    const mailbox = await session.store.mailbox(account.id, args.mailbox);
    if (mailbox === undefined) return tryCreate();
    const refusal = await refusalBySize(session, account, args.literal.sizeBytes);
    if (refusal !== undefined) return refusal;
    const message = await session.store.stage(withoutNul(args.literal.bytes()), {
      bytesMax: session.limits.messageBytesMax,
    });
    return await appendStaged(session, account, { ...args, mailbox, message });
  },
});

function spaced<Value>(scan: Scanner, value: Value): Value {
  scan.space();
  return value;
}

function tryCreate(): Completion {
  return no("TRYCREATE", "No such mailbox");
}

async function refusalBySize(
  session: Session,
  account: AccountInfo,
  sizeBytes: number,
): Promise<Completion | undefined> {
  // RFC 3502 6.3.11: an empty literal takes the command back.
  if (sizeBytes === 0) return { status: "NO", text: "An empty message is not appended" };
  const { messageBytesMax } = session.limits;
  if (sizeBytes > messageBytesMax) return no("TOOBIG", `At most ${messageBytesMax} octets are taken`);
  const { bytes, bytesMax, messages, messagesMax } = await session.store.quota(account.id);
  const isFull = (bytesMax > 0 && bytes + sizeBytes > bytesMax) || (messagesMax > 0 && messages >= messagesMax);
  return isFull ? no("OVERQUOTA", "The message would pass the quota") : undefined;
}

interface StagedAppend {
  readonly mailbox: MailboxStatus;
  readonly message: StagedMessage;
  readonly flags: readonly string[];
  readonly internalDateMs: number | undefined;
}

async function appendStaged(session: Session, account: AccountInfo, staged: StagedAppend): Promise<Completion> {
  const { mailbox, message, flags, internalDateMs } = staged;
  try {
    const date = internalDateMs === undefined ? {} : { internalDateMs };
    const request = { account: account.id, mailbox: mailbox.id, message, flags, by: "append", ...date } as const;
    const [appended] = await session.store.append([request]);
    if (appended === undefined) throw new Error("the store appended nothing");
    // RFC 4315 3
    const { uid, uidValidity, cursor } = appended;
    session.own(cursor, mailbox.id);
    return ok("APPEND completed", { code: "APPENDUID", uidValidity, uids: [[uid, uid]] });
  } catch (error) {
    await message.discard();
    // The mailbox may have gone while the message came in.
    if (error instanceof Refusal && error.code === "mailboxNotFound") return tryCreate();
    throw error;
  }
}

async function* withoutNul(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    // RFC 9051 9: CHAR8 is any octet but NUL.
    if (piece.includes(0)) throw new SyntaxFault("NUL in the message");
    yield piece;
  }
}
