// Size, date and body of messages of which the index has lost them: the records that brought these say them, as long as the
// index or a segment has those, be the log cut behind them or not.
import { CHUNK_WIDTH, COLUMN, decodeMetadataChunk, encodeMetadataChunk } from "../chunk-codec.ts";
import type { Uid } from "../ids.ts";
import type { LevelDriver } from "../level/driver.ts";
import { chunkKey } from "../level/keys.ts";
import { rowsOf } from "../mailbox-events.ts";
import type { MailboxAt, MessageMetadata } from "../store.ts";
import { uidSetHas } from "../uid-set.ts";
import { eachRecord } from "./every-record.ts";
import type { LostRows } from "./mail-listener.ts";

export interface FoundRows {
  readonly at: MailboxAt;
  readonly rows: readonly MessageMetadata[];
}

/** What there is of lost rows; none of a mailbox of which nothing is found. */
export async function findRows(driver: LevelDriver, lost: readonly LostRows[]): Promise<FoundRows[]> {
  const wanted = lost.map((messages) => ({ ...messages, found: new Map<Uid, MessageMetadata>() }));
  const mailboxes = wanted.map(({ at }) => at);
  await eachRecord(driver, mailboxes, (record) => {
    for (const { at, uids, found } of wanted) {
      if (at.account !== record.account) continue;
      for (const [uid, { metadata }] of rowsOf(record, at)) if (uidSetHas(uids, uid)) found.set(uid, metadata);
    }
  });
  return wanted.flatMap(({ at, found }) => (found.size === 0 ? [] : { at, rows: [...found.values()] }));
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
