// What committed transactions say of one mailbox, read from the log again where memory does not have it.
import { emailIdOf } from "./chunk-codec.ts";
import type { LogRecord, StoreDriver } from "./driver.ts";
import { giveWay } from "./give-way.ts";
import { blobId, type Cursor, type Uid } from "./ids.ts";
import type { AppendedRow, PackedRows } from "./appended-rows.ts";
import { decodeFacts, type MailboxFact } from "./log-record.ts";
import type { MailboxAt } from "./store.ts";
import type { PackedRun, RowsInLog, TailRow } from "./tail-rows.ts";
import type { UidRange } from "./uid-set.ts";

/** Few enough that what is made of them, by code that may run for the first time, holds up nobody. */
const RECORDS_PER_READ = 250;
/** One record may bring very many. */
const ROWS_PER_TURN = 2_000;

/** What a committed transaction says of one mailbox. */
export interface MailboxEvent {
  readonly cursor: Cursor;
  readonly atMs: number;
  readonly firstUid: Uid;
  readonly facts: readonly MailboxFact[];
  readonly blobs: LogRecord["blobs"];
  readonly recordBytes: number;
}

/** What its rows have of a transaction. */
type RowSource = Pick<MailboxEvent, "atMs" | "blobs">;

/** The next events behind a cursor; undefined where the log was cut behind it. */
export async function readEvents(
  driver: StoreDriver,
  at: MailboxAt,
  after: Cursor,
): Promise<{ readonly events: readonly MailboxEvent[]; readonly more: boolean } | undefined> {
  const page = await driver.log(at.account, after, { mailbox: at.mailbox, limit: RECORDS_PER_READ });
  if (after < page.floor) return undefined;
  const events = page.records.flatMap((record) => [...mailboxEvents(record, at)]);
  return { events, more: page.records.length === RECORDS_PER_READ };
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

/** The cold rows of records in the log, those of expunged messages too; undefined where it was cut. */
export async function readRowsInLog(
  driver: StoreDriver,
  at: MailboxAt,
  { after, through }: Pick<RowsInLog, "after" | "through">,
): Promise<Map<Uid, TailRow> | undefined> {
  const rows = new Map<Uid, TailRow>();
  let read = after;
  while (read < through) {
    const page = await readEvents(driver, at, read);
    if (page === undefined) return undefined;
    for (const event of page.events) {
      // The rows of later ones are in memory: a snapshot that took them twice would write their chunk without what is before.
      if (event.cursor > through) return rows;
      for (const [uid, row] of coldRows(at, event)) {
        rows.set(uid, row);
        if (rows.size % ROWS_PER_TURN === 0) await giveWay(driver);
      }
      read = event.cursor;
    }
    if (!page.more) return rows;
  }
  return rows;
}

/** The cold rows that a record brings to a mailbox. */
export function* rowsOf(record: LogRecord, at: MailboxAt): Generator<[Uid, TailRow]> {
  for (const event of mailboxEvents(record, at)) yield* coldRows(at, event);
}

function* coldRows(at: MailboxAt, event: MailboxEvent): Generator<[Uid, TailRow]> {
  let uid = event.firstUid;
  for (const fact of event.facts) {
    if (fact.type !== "appended") continue;
    for (const row of fact.rows) yield [uid, coldRow(at, uid++, { row, event })];
  }
}

/** The cold rows of very many messages that one record brought. */
export class PackedColdRows implements PackedRun {
  readonly uids: UidRange;
  readonly #at: MailboxAt;
  readonly #rows: PackedRows;
  readonly #event: RowSource;

  constructor(at: MailboxAt, first: Uid, { rows, event }: { readonly rows: PackedRows; readonly event: RowSource }) {
    this.#at = at;
    this.#rows = rows;
    this.#event = { atMs: event.atMs, blobs: event.blobs };
    this.uids = [first, first + rows.length - 1];
  }

  get bytes(): number {
    return this.#rows.bytes;
  }

  get(uid: Uid): TailRow | undefined {
    const [first, last] = this.uids;
    if (uid < first || uid > last) return undefined;
    return coldRow(this.#at, uid, { row: this.#rows.at(uid - first), event: this.#event });
  }

  [Symbol.iterator](): Generator<readonly [Uid, TailRow]> {
    return this.#first(this.#rows.length);
  }

  summarized(): Generator<readonly [Uid, TailRow]> {
    return this.#first(this.#rows.summarized);
  }

  *#first(count: number): Generator<readonly [Uid, TailRow]> {
    const [first] = this.uids;
    for (let uid = first; uid < first + count; uid++) yield [uid, this.get(uid) as TailRow];
  }
}

/** The cold row of a message, as the record says that brought it. */
export function coldRow(
  at: MailboxAt,
  uid: Uid,
  { row, event }: { readonly row: AppendedRow; readonly event: RowSource },
): TailRow {
  const blob = "staged" in row.body ? event.blobs[row.body.staged] : blobId(row.body.blob);
  if (blob === undefined) throw new Error("a log record names a body that its transaction does not have");
  const { mailbox, uid: first } = row.origin ?? { mailbox: at.mailbox, uid };
  const { sizeBytes, internalDateMs } = row;
  const emailId = emailIdOf(mailbox, first);
  const metadata = { uid, sizeBytes, internalDateMs, saveDateMs: event.atMs, emailId, blob };
  // A copy: the row keeps no more in memory than itself, whatever the record that it comes from lies in.
  return { metadata, summary: row.summary && new Uint8Array(row.summary) };
}
