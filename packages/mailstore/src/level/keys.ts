// The keys of the index: binary, big-endian, so that their order is the order of what they name.
import type { AccountId, BlobId, Cursor, MailboxId } from "../ids.ts";
import { accountId, blobId, cursor, mailboxId } from "../ids.ts";

/** `from <= key < to`. */
export interface KeyRange {
  readonly gte: Buffer;
  readonly lt: Buffer;
}

const HEAD = 0x01;
const FLOOR = 0x02;
const RECORD = 0x03;
const RECORD_OF_MAILBOX = 0x04;
const CHUNK = 0x05;
const MOVED = 0x06;
const CONTENTS = 0x07;
const TRANSACTION_ID = 0x08;
const DIRECTORY = 0x09;
const CHECKPOINT = 0x0a;
const INDEXED_END = 0x0b;
const LOST = 0x0c;

const ACCOUNT_HEAD_BYTES = 5;
const MAILBOX_HEAD_BYTES = 9;

/** Counters of an account. */
export function accountHeadKey(account: AccountId): Buffer {
  return key(HEAD, [account]);
}

/** Counters of a mailbox; right behind its account's, so that a head is one range. */
export function mailboxHeadKey(account: AccountId, mailbox: MailboxId): Buffer {
  return key(HEAD, [account, mailbox]);
}

/** Properties of a mailbox, beside its counters because they change rarely. */
export function propertiesKey(account: AccountId, mailbox: MailboxId): Buffer {
  return Buffer.concat([mailboxHeadKey(account, mailbox), Buffer.from([1])]);
}

export function headRange(account: AccountId): KeyRange {
  return within(accountHeadKey(account));
}

export function everyHeadRange(): KeyRange {
  return within(Buffer.from([HEAD]));
}

/** What a key of `headRange` or `everyHeadRange` names. */
export function parseHeadKey(bytes: Buffer): {
  readonly type: "account" | "mailbox" | "properties";
  readonly account: AccountId;
  readonly mailbox: MailboxId;
} {
  const account = accountId(bytes.readUInt32BE(1));
  if (bytes.length === ACCOUNT_HEAD_BYTES) return { type: "account", account, mailbox: mailboxId(0) };
  const type = bytes.length === MAILBOX_HEAD_BYTES ? "mailbox" : "properties";
  return { type, account, mailbox: mailboxId(bytes.readUInt32BE(5)) };
}

export function isAccountHeadKey(bytes: Buffer): boolean {
  return bytes[0] === HEAD && bytes.length === ACCOUNT_HEAD_BYTES;
}

export function isMailboxHeadKey(bytes: Buffer): boolean {
  return bytes[0] === HEAD && bytes.length === MAILBOX_HEAD_BYTES;
}

export function floorKey(account: AccountId): Buffer {
  return key(FLOOR, [account]);
}

export function recordKey(account: AccountId, at: Cursor): Buffer {
  return key(RECORD, [account, ...halves(at)]);
}

/** The records behind `after`, up to `through`. */
export function recordRange(account: AccountId, after: Cursor, through?: Cursor): KeyRange {
  return between(key(RECORD, [account]), after, through);
}

/** Stands in the name of a record that deletes mailboxes, whose names of records a trim would not find otherwise. */
export const DELETIONS: MailboxId = mailboxId(2 ** 32 - 1);

/** Names a record under each mailbox it touches. */
export function mailboxRecordKey(account: AccountId, mailbox: MailboxId, at: Cursor): Buffer {
  return key(RECORD_OF_MAILBOX, [account, mailbox, ...halves(at)]);
}

/** The names under a mailbox of the records behind `after`, up to `through`. */
export function mailboxRecordRange(account: AccountId, mailbox: MailboxId, after: Cursor, through?: Cursor): KeyRange {
  return between(key(RECORD_OF_MAILBOX, [account, mailbox]), after, through);
}

/** The account and cursor of a log key of either kind; undefined for any other key. */
export function parseLogKey(bytes: Buffer): { readonly account: AccountId; readonly cursor: Cursor } | undefined {
  if (bytes[0] !== RECORD && bytes[0] !== RECORD_OF_MAILBOX) return undefined;
  return { account: accountId(bytes.readUInt32BE(1)), cursor: cursor(wholeAt(bytes, bytes.length - 8)) };
}

export function isRecordKey(bytes: Buffer): boolean {
  return bytes[0] === RECORD;
}

export function chunkKey(
  account: AccountId,
  mailbox: MailboxId,
  chunk: readonly [column: number, number: number],
): Buffer {
  const [column, number] = chunk;
  const bytes = Buffer.allocUnsafe(14);
  snapshotCursorKey(account, mailbox).copy(bytes);
  bytes.writeUInt8(column, 9);
  bytes.writeUInt32BE(number, 10);
  return bytes;
}

export function chunkRange(
  account: AccountId,
  mailbox: MailboxId,
  { column, from, to }: { readonly column: number; readonly from: number; readonly to: number },
): KeyRange {
  return { gte: chunkKey(account, mailbox, [column, from]), lt: within(chunkKey(account, mailbox, [column, to])).lt };
}

export function chunkNumberOf(bytes: Buffer): number {
  return bytes.readUInt32BE(10);
}

export function snapshotCursorKey(account: AccountId, mailbox: MailboxId): Buffer {
  return key(CHUNK, [account, mailbox]);
}

/** A mailbox' snapshot cursor and chunks. */
export function snapshotRange(account: AccountId, mailbox: MailboxId): KeyRange {
  return within(snapshotCursorKey(account, mailbox));
}

/** Where compaction put a body whose segment is gone. */
export function movedKey(blob: BlobId): Buffer {
  return key(MOVED, halves(blob));
}

export function movedRange(): KeyRange {
  return within(Buffer.from([MOVED]));
}

export function blobOfMovedKey(bytes: Buffer): BlobId {
  return blobId(wholeAt(bytes, 1));
}

/** Offsets and lengths of a closed segment's bodies: a copy of what its record heads say. */
export function contentsKey(segment: number): Buffer {
  return key(CONTENTS, [segment]);
}

/** Periods are as long as ids are kept at least, so that two of them are looked into and older ones dropped whole. */
export function transactionIdKey(period: number, account: AccountId, id: Uint8Array): Buffer {
  return Buffer.concat([key(TRANSACTION_ID, [period, account]), id]);
}

export function transactionIdsBefore(period: number): KeyRange {
  return { gte: Buffer.from([TRANSACTION_ID]), lt: key(TRANSACTION_ID, [Math.max(0, period)]) };
}

export function directoryKey(name: string): Buffer {
  return Buffer.concat([Buffer.from([DIRECTORY]), Buffer.from(name, "utf8")]);
}

export function directoryRange(prefix: string): KeyRange {
  return within(directoryKey(prefix));
}

export function nameOfDirectoryKey(bytes: Buffer): string {
  return bytes.toString("utf8", 1);
}

export function checkpointKey(): Buffer {
  return Buffer.from([CHECKPOINT]);
}

/** Where the log ended that the index holds. */
export function indexedEndKey(): Buffer {
  return Buffer.from([INDEXED_END]);
}

/** A body that a repair found to be lost. */
export function lostKey(blob: BlobId): Buffer {
  return key(LOST, halves(blob));
}

/** A key behind all that are in use. */
export function lastKey(): Buffer {
  return Buffer.from([0xff]);
}

function key(prefix: number, words: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(1 + 4 * words.length);
  bytes[0] = prefix;
  for (let i = 0; i < words.length; i++) bytes.writeUInt32BE(words[i] as number, 1 + 4 * i);
  return bytes;
}

function halves(value: number): [number, number] {
  return [Math.floor(value / 2 ** 32), value % 2 ** 32];
}

function wholeAt(bytes: Buffer, offset: number): number {
  return bytes.readUInt32BE(offset) * 2 ** 32 + bytes.readUInt32BE(offset + 4);
}

/** All keys that begin with `prefix`. */
function within(prefix: Buffer): KeyRange {
  const end = Buffer.from(prefix);
  for (let i = end.length - 1; i >= 0; i--) {
    const byte = end[i] as number;
    if (byte === 0xff) continue;
    end[i] = byte + 1;
    return { gte: prefix, lt: end.subarray(0, i + 1) };
  }
  return { gte: prefix, lt: lastKey() };
}

/** The keys of `prefix` whose last eight bytes are behind `after`, and not behind `through`. */
function between(prefix: Buffer, after: number, through?: number): KeyRange {
  const from = Buffer.concat([prefix, key(0, halves(after + 1)).subarray(1)]);
  if (through === undefined) return { gte: from, lt: within(prefix).lt };
  return { gte: from, lt: Buffer.concat([prefix, key(0, halves(through + 1)).subarray(1)]) };
}
