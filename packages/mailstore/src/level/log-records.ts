// Log records as the index keeps them; account and cursor are in the key.
import { ByteReader, ByteWriter } from "../byte-codec.ts";
import type { LogPart, LogRecord } from "../driver.ts";
import { blobId, mailboxId, type AccountId, type Cursor, type MailboxId } from "../ids.ts";
import { decodeOperations } from "./batch-payload.ts";
import { readMailboxCounters, writeMailboxCounters } from "./heads.ts";
import { isRecordKey, parseLogKey } from "./keys.ts";

const DELETED = 0;
const PRESENT = 1;

export function encodeLogRecord(record: LogRecord): Buffer {
  const { bytesMax, messagesMax } = record.limits;
  const writer = new ByteWriter().integer(record.atMs).integer(record.bytes).integer(record.messages);
  writer.integer(bytesMax).integer(messagesMax).integer(record.blobs.length);
  for (const blob of record.blobs) writer.integer(blob);
  writer.integer(record.parts.length);
  for (const { mailbox, firstUid, record: facts, head } of record.parts) {
    writer.integer(mailbox).integer(firstUid).bytes(facts);
    if (head === null) writer.integer(DELETED);
    else writeMailboxCounters(writer.integer(PRESENT), head).bytes(head.properties);
  }
  return writer.finish();
}

export function decodeLogRecord(account: AccountId, cursor: Cursor, value: Uint8Array): LogRecord {
  const reader = new ByteReader(value);
  return {
    account,
    cursor,
    atMs: reader.integer(),
    bytes: reader.integer(),
    messages: reader.integer(),
    limits: { bytesMax: reader.integer(), messagesMax: reader.integer() },
    blobs: Array.from({ length: reader.integer() }, () => blobId(reader.integer())),
    parts: Array.from({ length: reader.integer() }, () => decodePart(reader)),
  };
}

/** The records in a batch of the log. */
export function* recordsIn(payload: Buffer): Generator<LogRecord> {
  for (const { key, value } of decodeOperations(payload)) {
    const at = parseLogKey(key);
    if (at === undefined || !isRecordKey(key) || value === null) continue;
    yield decodeLogRecord(at.account, at.cursor, value);
  }
}

/** What stands under `DELETIONS`: the mailboxes that a record deletes. */
export function encodeDeleted(mailboxes: readonly MailboxId[]): Buffer {
  const writer = new ByteWriter().integer(mailboxes.length);
  for (const mailbox of mailboxes) writer.integer(mailbox);
  return writer.finish();
}

export function decodeDeleted(value: Uint8Array): MailboxId[] {
  const reader = new ByteReader(value);
  return Array.from({ length: reader.integer() }, () => mailboxId(reader.integer()));
}

function decodePart(reader: ByteReader): LogPart {
  const mailbox = mailboxId(reader.integer());
  const part = { mailbox, firstUid: reader.integer(), record: reader.bytes() };
  if (reader.integer() === DELETED) return { ...part, head: null };
  return { ...part, head: { ...readMailboxCounters(mailbox, reader), properties: reader.bytes() } };
}
