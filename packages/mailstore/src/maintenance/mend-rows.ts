// Size, date and body of messages of which the index has lost them: the records that brought these say them, as long as the
// index or a segment has those, be the log cut behind them or not.
import { CHUNK_WIDTH, COLUMN, decodeMetadataChunk, encodeMetadataChunk } from "../chunk-codec.ts";
import type { LogRecord } from "../driver.ts";
import { cursor, type Uid } from "../ids.ts";
import type { LevelDriver } from "../level/driver.ts";
import { chunkKey } from "../level/keys.ts";
import { recordsIn } from "../level/log-records.ts";
import { walkSegment } from "../level/maintenance/segment-walk.ts";
import { statedEnds } from "../level/maintenance/whole-log.ts";
import type { Segments } from "../level/segments.ts";
import { rowsOf } from "../mailbox-events.ts";
import type { MailboxAt, MessageMetadata } from "../store.ts";
import { uidSetHas } from "../uid-set.ts";
import type { LostRows } from "./mail-listener.ts";

const RECORDS_PER_READ = 1_000;

export interface FoundRows {
  readonly at: MailboxAt;
  readonly rows: readonly MessageMetadata[];
}

/** What there is of lost rows; none of a mailbox of which nothing is found. */
export async function findRows(driver: LevelDriver, lost: readonly LostRows[]): Promise<FoundRows[]> {
  const wanted = lost.map((messages) => ({ ...messages, found: new Map<Uid, MessageMetadata>() }));
  const take = (record: LogRecord): void => {
    for (const { at, uids, found } of wanted) {
      if (at.account !== record.account) continue;
      for (const [uid, { metadata }] of rowsOf(record, at)) if (uidSetHas(uids, uid)) found.set(uid, metadata);
    }
  };
  for (const { at } of wanted) for await (const record of indexedRecords(driver, at)) take(record);
  for await (const record of writtenRecords(driver.inside.segments)) take(record);
  return wanted.flatMap(({ at, found }) => (found.size === 0 ? [] : { at, rows: [...found.values()] }));
}

async function* indexedRecords(driver: LevelDriver, { account, mailbox }: MailboxAt): AsyncGenerator<LogRecord> {
  let after = (await driver.log(account, cursor(0), { limit: 1 })).floor;
  for (;;) {
    const { records } = await driver.log(account, after, { mailbox, limit: RECORDS_PER_READ });
    yield* records;
    const last = records.at(-1);
    if (last === undefined) return;
    after = last.cursor;
  }
}

/** All that the segments have. */
async function* writtenRecords(segments: Segments): AsyncGenerator<LogRecord> {
  const ends = await statedEnds(segments);
  for (const number of segments.numbers("log")) {
    const lease = (await segments.header(number)) && (await segments.acquire(number));
    if (lease === undefined) continue;
    try {
      for await (const step of walkSegment(lease, { until: ends.get(number) })) {
        if (step.type === "batch") yield* recordsIn(step.payload);
      }
    } finally {
      lease.release();
    }
  }
}

/** To the index alone: chunks are caches of the log, which a replay is not to put over newer ones. */
export async function writeRows(
  { inside: { index } }: LevelDriver,
  { account, mailbox }: MailboxAt,
  rows: readonly MessageMetadata[],
): Promise<void> {
  const chunks = new Map<number, Map<Uid, MessageMetadata>>();
  for (const row of rows) {
    const number = Math.floor(row.uid / CHUNK_WIDTH.metadata);
    let chunk = chunks.get(number);
    if (chunk === undefined) {
      const stored = await index.get(chunkKey(account, mailbox, [COLUMN.metadata, number]));
      chunks.set(number, (chunk = stored === undefined ? new Map() : decodeMetadataChunk(stored)));
    }
    chunk.set(row.uid, row);
  }
  const operations = Array.from(chunks, ([number, chunk]) => ({
    key: chunkKey(account, mailbox, [COLUMN.metadata, number]),
    value: encodeMetadataChunk([...chunk.values()].sort((a, b) => a.uid - b.uid)),
  }));
  await index.turn(() => index.apply(operations, { sync: true }));
}
