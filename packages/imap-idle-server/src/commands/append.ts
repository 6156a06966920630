// APPEND (RFC 9051 6.3.12): messages into a mailbox, byte for byte as the client sends them; of several all or none
// (RFC 3502). Whatever can be refused is refused before the client is asked for a message.
import { parseMailbox } from "@pushmail/imap-wire";
import { uidSetOf, type AccountInfo, type NewMessage } from "@pushmail/mailstore";
import { byRightsTo, intoTarget, type Reached } from "../access.ts";
import { refuseSize, stageMessage } from "../append-message.ts";
import { command, type Command, type Completion, type Session } from "../command.ts";
import { IncomingMessages } from "../incoming-messages.ts";
import { no, ok } from "../replies.ts";

interface AppendArguments {
  readonly mailbox: string;
  readonly messages: IncomingMessages;
}

/** What stands before the first message's literal: the mailbox at least, which may be a literal itself. */
const BEFORE_MESSAGE = /^APPEND +[^ ]/i;

export const append: Command = command({
  name: "APPEND",
  in: ["authenticated", "selected"],
  capability: ["CATENATE", "MULTIAPPEND", "URL-PARTIAL"],
  streamsLiteral: (before) => BEFORE_MESSAGE.test(before),
  parse(scan, { literal }): AppendArguments {
    scan.space();
    const mailbox = parseMailbox(scan);
    scan.space();
    return { mailbox, messages: new IncomingMessages({ scan, literal }) };
  },
  run: (session, { mailbox: name, messages: incoming }, { account }) =>
    intoTarget(session, { client: account, name }, async (target) => {
      const messages: NewMessage[] = [];
      try {
        const refused = await stageAll(session, { account, target, incoming }, messages);
        return refused ?? (await appendAll(session, target, messages));
      } finally {
        // What was appended is no longer theirs to discard.
        await Promise.all(messages.map(({ message }) => message.discard()));
      }
    }),
});

interface Appending {
  /** Of the client, whose mailboxes its URLs name. */
  readonly account: AccountInfo;
  readonly target: Reached;
  readonly incoming: IncomingMessages;
}

/** Takes in message after message; ends with an answer where one of them is refused. */
async function stageAll(
  session: Session,
  { account, target, incoming }: Appending,
  messages: NewMessage[],
): Promise<Completion | undefined> {
  const staged = { bytes: 0, messages: 0 };
  const admit = (sizeBytes: number): Promise<Completion | undefined> =>
    refusalBySize(session, target.owner, { sizeBytes, staged });
  for (let next = incoming.next(); next !== undefined; next = incoming.next()) {
    const { flags, internalDateMs } = next;
    const message = await stageMessage(session, next, { account, messages: incoming, admit });
    if ("status" in message) return message;
    const date = internalDateMs === undefined ? {} : { internalDateMs };
    messages.push({
      account: target.owner.id,
      mailbox: target.status.id,
      message,
      flags,
      by: "append",
      byRights: byRightsTo(target, account),
      ...date,
    });
    staged.bytes += message.sizeBytes;
    staged.messages++;
  }
  return undefined;
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
