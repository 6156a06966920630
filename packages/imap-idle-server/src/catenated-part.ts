// What a URL in CATENATE stands for: octets of a message that the client could select and fetch (RFC 4469 3).
import { parseMessageUrl, type MessageUrl } from "@pushmail/imap-wire";
import { Refusal, type AccountInfo, type MessageDetails, type RefusalCode } from "@pushmail/mailstore";
import { reachMailbox, type Reached } from "./access.ts";
import type { Completion, Session } from "./command.ts";
import { countOf, readOctets } from "./fetch/section-octets.ts";
import { sectionValues, wantSections } from "./fetch/section-values.ts";
import { inAscii } from "./fetch/surrogate-octets.ts";
import { no } from "./replies.ts";
import { unlessGone } from "./unless-gone.ts";

const NOT_REACHED: ReadonlySet<RefusalCode> = new Set(["mailboxNameInvalid", "mailboxNotFound", "notPermitted"]);

export interface CatenatedPart {
  readonly sizeBytes: number;
  bytes(): AsyncIterable<Uint8Array>;
}

/** The octets that a URL means; an answer where there are none of them. */
export async function catenatedPart(
  session: Session,
  account: AccountInfo,
  url: string,
): Promise<CatenatedPart | Completion> {
  const meant = parseMessageUrl(url);
  const message = meant && (await find(session, account, meant));
  return (message && (await partOf(session, message, meant))) ?? no({ code: "BADURL", url }, "There is no such part");
}

async function find(
  session: Session,
  account: AccountInfo,
  { mailbox, uidValidity, uid }: MessageUrl,
): Promise<MessageDetails | undefined> {
  const found = await reach(session, account, mailbox);
  if (found === undefined || (uidValidity !== null && uidValidity !== found.status.uidValidity)) return undefined;
  const handle = await unlessGone(session.store.open({ account: found.owner.id, mailbox: found.status.id }));
  if (handle === undefined) return undefined;
  try {
    for await (const [message] of handle.details([[uid, uid]])) return message;
    return undefined;
  } finally {
    handle.release();
  }
}

/** The mailbox of a name, where the client could select it. */
async function reach(session: Session, account: AccountInfo, name: string): Promise<Reached | undefined> {
  try {
    return await reachMailbox(session, account, { name, right: "r" });
  } catch (error) {
    if (error instanceof Refusal && NOT_REACHED.has(error.code)) return undefined;
    throw error;
  }
}

async function partOf(
  session: Session,
  message: MessageDetails,
  { section, partial }: MessageUrl,
): Promise<CatenatedPart | undefined> {
  const { store, limits } = session;
  const told = session.acceptsUtf8 ? message : inAscii(message);
  const fetched = { name: "BODY", section, partial, peek: true } as const;
  const { item } = wantSections(told, [fetched], limits.fetch);
  const [value] = await sectionValues(store, { item: { ...item, isHeld: false }, octets: [] });
  if (typeof value !== "object") return undefined;
  return { sizeBytes: countOf(value), bytes: () => readOctets(store, message, value) };
}
