// What STATUS tells of a mailbox, and LIST with it (RFC 9051 6.3.11, RFC 5819): from its head, but for the few figures
// that are counted.
import { printStatus, type StatusItem } from "@pushmail/imap-wire";
import { uidSetOf, type MailboxHandle, type MailboxStatus, type Uid } from "@pushmail/mailstore";
import type { Reached } from "./access.ts";
import type { Session } from "./command.ts";
import { mailboxIdOf } from "./object-ids.ts";

/** A mailbox as the client calls it. */
export type FiguresOf = Pick<Reached, "owner" | "prefix" | "status">;

type Known = number | string;
type Value = Known | Promise<number>;

/** Tells the values of the items, in their order. */
export async function tellFigures(session: Session, of: FiguresOf, items: readonly StatusItem[]): Promise<void> {
  await session.write(await printFigures(session, of, items));
}

/** The same as text; a promise only where something has to be counted. */
export function printFigures(session: Session, of: FiguresOf, items: readonly StatusItem[]): string | Promise<string> {
  const { name } = of.status;
  const print = (values: readonly Known[]): string =>
    printStatus({ name, values: items.map((item, i) => [item, values[i] as Known]), ...session.names });
  const values = items.map((item) => FIGURES[item](of.status, session, of));
  return values.every(isKnown) ? print(values) : Promise.all(values.map(async (value) => value)).then(print);
}

function isKnown(value: Value): value is Known {
  return typeof value !== "object";
}

const FIGURES: Record<StatusItem, (status: MailboxStatus, session: Session, of: FiguresOf) => Value> = {
  APPENDLIMIT: (_, { limits }) => limits.messageBytesMax,
  DELETED: ({ deleted }) => deleted,
  "DELETED-STORAGE": (status, session, of) => {
    return status.deleted === 0 ? 0 : counting(session, of, deletedBytes);
  },
  HIGHESTMODSEQ: ({ highestModSeq }) => highestModSeq,
  MAILBOXID: (_, _session, of) => mailboxIdOf(of),
  MESSAGES: ({ messages }) => messages,
  RECENT: (_, session, of) => counting(session, of, countRecent),
  SIZE: ({ sizeBytes }) => sizeBytes,
  UIDNEXT: ({ uidNext }) => uidNext,
  UIDVALIDITY: ({ uidValidity }) => uidValidity,
  UNSEEN: ({ unseen }) => unseen,
};

async function counting(
  { store }: Session,
  { owner, status }: FiguresOf,
  count: (handle: MailboxHandle, status: MailboxStatus) => Promise<number>,
): Promise<number> {
  const handle = await store.open({ account: owner.id, mailbox: status.id });
  try {
    return await count(handle, status);
  } finally {
    handle.release();
  }
}

/** How many messages a SELECT would make `\Recent`. */
async function countRecent(handle: MailboxHandle, { uidNext }: MailboxStatus): Promise<number> {
  const { recentFrom } = handle;
  if (recentFrom >= uidNext) return 0;
  const index = await handle.ready();
  return index.count - index.lowerBound(recentFrom);
}

/** The octets that an EXPUNGE would give back (RFC 9208 4.4). */
async function deletedBytes(handle: MailboxHandle): Promise<number> {
  const index = await handle.ready();
  const deleted: Uid[] = [];
  for (let row = 0; row < index.count; row++) if (index.flagsAt(row).deleted) deleted.push(index.uids[row] as Uid);
  let bytes = 0;
  for await (const batch of handle.metadata(uidSetOf(deleted))) for (const { sizeBytes } of batch) bytes += sizeBytes;
  return bytes;
}
