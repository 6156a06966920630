// All that is known of a loaded mailbox' messages: hot columns, the cold rows that no chunk holds yet, and what vanished.
// It changes by applying committed records in cursor order, and in no other way.
import { CHUNK_WIDTH, COLUMN, decodeHotChunk, decodeVanished, emailIdOf } from "./chunk-codec.ts";
import type { LogRecord, StoreDriver } from "./driver.ts";
import { FlagSets } from "./flag-sets.ts";
import { blobId, type Cursor, type Uid } from "./ids.ts";
import type { StoreLimits } from "./limits.ts";
import { decodeFacts, type AppendedRow, type MailboxFact } from "./log-record.ts";
import { MessageColumns } from "./message-columns.ts";
import type { MailboxAt, MessageMetadata } from "./store.ts";
import { uidSetHas, uidSetSize, type UidSet } from "./uid-set.ts";
import { VanishedLog } from "./vanished-log.ts";

/** Chunks asked for in one read while a mailbox loads. */
const CHUNKS_PER_READ = 64;
const RECORDS_PER_READ = 1_000;

/** A message that came after the last snapshot. */
export interface TailRow {
  readonly metadata: MessageMetadata;
  readonly summary: Uint8Array | null;
}

/** What a committed transaction says of one mailbox. */
export interface MailboxEvent {
  readonly cursor: Cursor;
  readonly atMs: number;
  readonly firstUid: Uid;
  readonly facts: readonly MailboxFact[];
  readonly blobs: LogRecord["blobs"];
  readonly recordBytes: number;
}

export class MailboxContents {
  readonly flagSets: FlagSets = new FlagSets();
  readonly columns: MessageColumns = new MessageColumns(this.flagSets);
  readonly tail: Map<Uid, TailRow> = new Map();
  readonly vanished: VanishedLog;
  /** Hot chunks that differ from what is stored. */
  dirtyChunks: Set<number> = new Set();
  /** Records, and their bytes, since the last snapshot. */
  tailRecords = 0;
  tailBytes = 0;
  through: Cursor;
  readonly #at: MailboxAt;

  constructor(at: MailboxAt, through: Cursor, vanished: VanishedLog) {
    this.#at = at;
    this.through = through;
    this.vanished = vanished;
  }

  apply(event: MailboxEvent): void {
    let uid = event.firstUid;
    for (const fact of event.facts) {
      if (fact.type === "appended") {
        for (const row of fact.rows) this.#append(uid++, row, event);
      } else if (fact.type === "flags") {
        this.#changeFlags(fact, event.cursor);
      } else if (fact.type === "expunged") {
        this.#expunge(fact.uids, event.cursor);
      }
    }
    this.through = event.cursor;
    this.tailRecords++;
    this.tailBytes += event.recordBytes;
  }

  #append(uid: Uid, row: AppendedRow, event: MailboxEvent): void {
    this.columns.append(uid, event.cursor, this.flagSets.intern(row.flags));
    this.dirtyChunks.add(Math.floor(uid / CHUNK_WIDTH.hot));
    const blob = "staged" in row.body ? event.blobs[row.body.staged] : blobId(row.body.blob);
    if (blob === undefined) throw new Error("a log record names a body that its transaction does not have");
    const metadata: MessageMetadata = {
      uid,
      sizeBytes: row.sizeBytes,
      internalDateMs: row.internalDateMs,
      saveDateMs: event.atMs,
      emailId: row.origin === null ? emailIdOf(this.#at.mailbox, uid) : emailIdOf(row.origin.mailbox, row.origin.uid),
      blob,
    };
    // A copy: the row keeps no more in memory than itself, whatever the record that it comes from lies in.
    this.tail.set(uid, { metadata, summary: row.summary && new Uint8Array(row.summary) });
  }

  #changeFlags(fact: Extract<MailboxFact, { type: "flags" }>, cursor: Cursor): void {
    const numbers = new Map<number, number>();
    for (const [first, end] of this.columns.rowRanges(fact.uids)) {
      for (let row = first; row < end; row++) {
        const before = this.columns.flagNumberAt(row);
        let after = numbers.get(before);
        if (after === undefined) numbers.set(before, (after = this.flagSets.changed(before, fact)));
        this.columns.setFlags(row, cursor, after);
      }
    }
    this.#markDirty(fact.uids);
  }

  #expunge(uids: UidSet, cursor: Cursor): void {
    this.columns.remove(uids);
    this.vanished.add(cursor, uids);
    this.#markDirty(uids);
    if (uidSetSize(uids) < this.tail.size) {
      for (const [first, last] of uids) for (let uid = first; uid <= last; uid++) this.tail.delete(uid);
    } else {
      for (const uid of this.tail.keys()) if (uidSetHas(uids, uid)) this.tail.delete(uid);
    }
  }

  #markDirty(uids: UidSet): void {
    for (const [first, last] of uids) {
      const end = Math.floor(last / CHUNK_WIDTH.hot);
      for (let chunk = Math.floor(first / CHUNK_WIDTH.hot); chunk <= end; chunk++) this.dirtyChunks.add(chunk);
    }
  }
}

export interface LoadOptions {
  readonly uidNext: Uid;
  readonly messages: number;
  readonly limits: StoreLimits;
}

/** Reads a mailbox from its newest snapshot and the log behind it; anew where either was replaced meanwhile. */
export async function loadContents(driver: StoreDriver, at: MailboxAt, options: LoadOptions): Promise<MailboxContents> {
  for (;;) {
    const contents = await readSnapshot(driver, at, options);
    const stillThere = contents.through === (await driver.snapshotCursor(at.account, at.mailbox));
    if (stillThere && (await readTail(driver, at, contents))) return contents;
  }
}

async function readSnapshot(
  driver: StoreDriver,
  { account, mailbox }: MailboxAt,
  options: LoadOptions,
): Promise<MailboxContents> {
  const snapshot = await driver.snapshotCursor(account, mailbox);
  const [stored] = await driver.chunks(account, mailbox, { column: COLUMN.vanished, from: 0, to: 0 });
  const vanished = new VanishedLog(
    options.limits.vanishedRangesMax,
    stored === undefined ? undefined : decodeVanished(stored.data),
  );
  const contents = new MailboxContents({ account, mailbox }, snapshot, vanished);
  const lastChunk = Math.floor(options.uidNext / CHUNK_WIDTH.hot);
  contents.columns.reserve(options.messages);
  for (let from = 0; from <= lastChunk; from += CHUNKS_PER_READ) {
    const to = Math.min(lastChunk, from + CHUNKS_PER_READ - 1);
    for (const chunk of await driver.chunks(account, mailbox, { column: COLUMN.hot, from, to })) {
      decodeHotChunk(chunk.data, contents.columns, contents.flagSets);
    }
  }
  return contents;
}

/** False where the log was cut behind what has been read of it. */
async function readTail(driver: StoreDriver, at: MailboxAt, contents: MailboxContents): Promise<boolean> {
  for (;;) {
    const options = { mailbox: at.mailbox, limit: RECORDS_PER_READ };
    const page = await driver.log(at.account, contents.through, options);
    if (contents.through < page.floor) return false;
    for (const record of page.records) {
      for (const event of mailboxEvents(record, at)) contents.apply(event);
    }
    if (page.records.length < RECORDS_PER_READ) return true;
  }
}

function* mailboxEvents(record: LogRecord, at: MailboxAt): Generator<MailboxEvent> {
  for (const part of record.parts) {
    if (part.mailbox !== at.mailbox) continue;
    yield {
      cursor: record.cursor,
      atMs: record.atMs,
      firstUid: part.firstUid,
      facts: decodeFacts(part.record),
      blobs: record.blobs,
      recordBytes: part.record.length,
    };
  }
}
