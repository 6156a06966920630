// APPEND (RFC 9051 6.3.12): messages into a mailbox, byte for byte as the client sends them; of several all or none
// (RFC 3502). Whatever can be refused is refused before the client is asked for a message.
import { parseMailbox } from "@pushmail/imap-wire";
import { Refusal, uidSetOf, type AccountInfo, type NewMessage } from "@pushmail/mailstore";
import { flagsAllowed, reachTarget, type Reached } from "../access.ts";
import { parseAppendMessage, readBehind, refuseSize, stageMessage, type AppendMessage } from "../append-message.ts";
import { command, type Command, type Completion, type Session } from "../command.ts";
import { no, ok } from "../replies.ts";

interface AppendArguments {
  readonly mailbox: string;
  readonly first: AppendMessage;
}

/** What stands before the first message's literal: the mailbox at least, which may be a literal itself. */
const BEFORE_MESSAGE = /^APPEND +[^ ]/i;

export const append: Command = command({
  name: "APPEND",
  in: ["authenticated", "selected"],
  capability: "MULTIAPPEND",
  streamsLiteral: (before) => BEFORE_MESSAGE.test(before),
  parse(scan, { literal }): AppendArguments {
    scan.space();
    const mailbox = parseMailbox(scan);
    scan.space();
    return { mailbox, first: parseAppendMessage(scan, literal) };
  },
  async run(session, { mailbox, first }, { account }) {
    const target = await reachTarget(session, account, mailbox);
    if (target === undefined) return tryCreate();
    const messages: NewMessage[] = [];
    try {
      const refused = await stageAll(session, { target, first }, messages);
      return refused ?? (await appendAll(session, target, messages));
    } catch (error) {
      // The mailbox may have gone while the messages came in.
      if (error instanceof Refusal && error.code === "mailboxNotFound") return tryCreate();
      throw error;
    } finally {
      // What was appended is no longer theirs to discard.
      await Promise.all(messages.map(({ message }) => message.discard()));
    }
  },
});

function tryCreate(): Completion {
  return no("TRYCREATE", "No such mailbox");
}

interface Appending {
  readonly target: Reached;
  readonly first: AppendMessage;
}

/** Takes in message after message; ends with an answer where one of them is refused. */
async function stageAll(
  session: Session,
  { target, first }: Appending,
  messages: NewMessage[],
): Promise<Completion | undefined> {
  const staged = { bytes: 0, messages: 0 };
  for (let next: AppendMessage | undefined = first; next !== undefined;) {
    const current: AppendMessage = next;
    const { literal, flags, internalDateMs } = current;
    const refused = await refusalBySize(session, target.owner, { sizeBytes: literal.sizeBytes, staged });
    if (refused !== undefined) return refused;
    const message = await stageMessage(session, literal);
    if ("status" in message) return message;
    const date = internalDateMs === undefined ? {} : { internalDateMs };
    messages.push({
      account: target.owner.id,
      mailbox: target.status.id,
      message,
      flags: flagsAllowed(target.rights, flags),
      by: "append",
      ...date,
    });
    staged.bytes += message.sizeBytes;
    staged.messages++;
    next = nextMessage(session, current);
  }
  return undefined;
}

/** The message that the command goes on with; undefined at its end. */
function nextMessage({ limits }: Session, message: AppendMessage): AppendMessage | undefined {
  const scan = readBehind(message, limits);
  if (scan === undefined) return undefined;
  scan.space();
  const next = parseAppendMessage(scan, message.literal.rest.literal);
  scan.end();
  return next;
}

interface Coming {
  readonly sizeBytes: number;
  /** What came before it in the same command. */
  readonly staged: { readonly bytes: number; readonly messages: number };
}

async function refusalBySize(
  session: Session,
  account: AccountInfo,
  { sizeBytes, staged }: Coming,
): Promise<Completion | undefined> {
  const refused = refuseSize(session, sizeBytes);
  if (refused !== undefined) return refused;
  const { bytes, bytesMax, messages, messagesMax } = await session.store.quota(account.id);
  const isFull =
    (bytesMax > 0 && bytes + staged.bytes + sizeBytes > bytesMax) ||
    (messagesMax > 0 && messages + staged.messages >= messagesMax);
  return isFull ? no("OVERQUOTA", "The message would pass the quota") : undefined;
}

async function appendAll(session: Session, target: Reached, messages: readonly NewMessage[]): Promise<Completion> {
  const appended = await session.progress.during(session.store.append(messages));
  const [first] = appended;
  if (first === undefined) throw new Error("the store appended nothing");
  session.own(first.cursor, { account: target.owner.id, mailbox: target.status.id });
  // RFC 4315 3: in the order of the messages, which is that of their UIDs.
  const uids = uidSetOf(appended.map(({ uid }) => uid));
  return ok("APPEND completed", { code: "APPENDUID", uidValidity: first.uidValidity, uids });
}
