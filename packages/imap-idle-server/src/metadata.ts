// The entries of metadata that a client sees (RFC 5464): those that clients have set, and those that the server has.
import type { MetadataOptions, MetadataValue } from "@pushmail/imap-wire";
import { utf8ToLatin1 } from "@pushmail/imap-wire";
import type { AccountId, MailboxId } from "@pushmail/mailstore";
import type { Reached } from "./access.ts";
import type { Session } from "./command.ts";
import { SPECIAL_USE_ENTRY } from "./special-use.ts";

/** What the server says of itself (RFC 5464 3.2.1.1): not for clients to change. */
export interface ServerMetadata {
  readonly comment?: string;
  /** A URI, as of mailto, by which the administrator is reached. */
  readonly admin?: string;
}

/** By name in small letters. */
export type MetadataEntries = ReadonlyMap<string, MetadataValue>;

/** The entries of a mailbox. */
export async function readMetadata(
  session: Session,
  { owner, prefix, status }: Pick<Reached, "owner" | "prefix" | "status">,
): Promise<MetadataEntries> {
  const values = await readStored(session, owner.id, status.id);
  if (prefix !== "") return byName(values.filter(([entry]) => isShared(entry)));
  if (status.specialUse !== null) values.push([SPECIAL_USE_ENTRY, `\\${status.specialUse}`]);
  return byName(values);
}

/** The entries of the server, with those that are one account's alone. */
export async function readServerMetadata(session: Session, account: AccountId): Promise<MetadataEntries> {
  const values = await readStored(session, account, null);
  const { comment = "", admin = "" } = session.server.metadata;
  if (comment !== "") values.push(["/shared/comment", utf8ToLatin1(comment)]);
  if (admin !== "") values.push(["/shared/admin", utf8ToLatin1(admin)]);
  return byName(values);
}

/** RFC 5464 3.2: what is not, is for the owner of a mailbox alone. */
export function isShared(entry: string): boolean {
  return /^\/shared\//i.test(entry);
}

async function readStored({ store }: Session, account: AccountId, mailbox: MailboxId | null): Promise<MetadataValue[]> {
  const stored = await store.metadata(account, mailbox);
  return stored.map(({ name, value }) => [name, Buffer.from(value).toString("latin1")]);
}

function byName(values: readonly MetadataValue[]): MetadataEntries {
  return new Map(values.map((value) => [value[0].toLowerCase(), value]));
}

/** What is found of entries that are named, and the size of the largest value that is too large. */
export interface Found {
  readonly values: readonly MetadataValue[];
  readonly longest: number;
}

export function findMetadata(
  entries: MetadataEntries,
  names: readonly string[],
  { depth, maxSize }: MetadataOptions,
): Found {
  // RFC 5464 4.2.2: what is not there is told of where it alone was named.
  const all =
    depth === "0"
      ? names.map((name): MetadataValue => [name, entries.get(name.toLowerCase())?.[1] ?? null])
      : [...entries].flatMap(([name, value]) => (names.some((top) => isBelow(name, top, depth)) ? [value] : []));
  const isLong = ([, value]: MetadataValue): boolean => (value?.length ?? 0) > (maxSize ?? Infinity);
  const longest = Math.max(0, ...all.filter(isLong).map(([, value]) => value?.length ?? 0));
  return { values: all.filter((value) => !isLong(value)), longest };
}

/** Whether an entry is another or below it. */
function isBelow(name: string, top: string, depth: MetadataOptions["depth"]): boolean {
  if (name === top.toLowerCase()) return true;
  const below = name.startsWith(`${top.toLowerCase()}/`) ? name.slice(top.length + 1) : undefined;
  return below !== undefined && (depth === "INFINITY" || !below.includes("/"));
}
