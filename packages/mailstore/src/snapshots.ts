// Writes a mailbox' columns as chunks, so that it opens without its whole log; then the log may be cut.
// A snapshot is of one cursor: what it needs of the hot columns is copied before the first await. One that is under way
// when the store closes is left: the log has it all.
import type { AccountState } from "./account-state.ts";
import {
  CHUNK_WIDTH,
  COLUMN,
  encodeHotChunk,
  encodeMetadataChunk,
  encodeSummaryChunk,
  encodeVanished,
} from "./chunk-codec.ts";
import { cacheKey, metadataChunk, rowsInLog, summaryChunk } from "./cold-rows.ts";
import type { Snapshot } from "./driver.ts";
import { giveWay } from "./give-way.ts";
import { cursor, type Uid } from "./ids.ts";
import type { MailboxContents } from "./mailbox-contents.ts";
import type { MailboxState } from "./mailbox-state.ts";
import type { HotRows } from "./message-columns.ts";
import { contentsOf, type StoreContext } from "./store-context.ts";
import type { RowRun, TailRow } from "./tail-rows.ts";

/** Cold rows that are encoded before the event loop gets its turn. */
const ROWS_PER_TURN = 2_000;

type Chunks = { column: number; number: number; data: Uint8Array | null }[];

/** Writes a snapshot of a mailbox as it is when its turn comes. Where many want one, a store that closes waits for one. */
export function writeSnapshot(context: StoreContext, mailbox: MailboxState): Promise<void> {
  mailbox.snapshotRunning ??= context.snapshotTurns
    .run(async () => {
      context.closing.throwIfAborted();
      const release = context.indexes.hold(mailbox);
      await contentsOf(context, mailbox)
        .then((contents) => write(context, mailbox, contents))
        .catch((error: unknown) => {
          // Deleted meanwhile, it needs none.
          if (!mailbox.deleted) throw error;
        })
        .finally(release);
    })
    .finally(() => {
      mailbox.snapshotRunning = null;
    });
  return mailbox.snapshotRunning;
}

/** A snapshot that is under way may be of an earlier state: then another follows it. */
const SNAPSHOT_TRIES_MAX = 2;

/** Snapshots whatever lags and lets the log of an account begin `logRecordsKept` records before its end. */
export async function trimLog(context: StoreContext, account: AccountState): Promise<void> {
  const floor = cursor(Math.max(0, account.cursor - context.limits.logRecordsKept));
  for (let tries = 0; floor > 0; tries++) {
    context.closing.throwIfAborted();
    const lacking = await context.driver.trimLog(account.id, floor);
    if (lacking.length === 0) return;
    if (tries === SNAPSHOT_TRIES_MAX) throw new Error(`mailbox ${lacking[0]} of account ${account.id} has no snapshot`);
    for (const id of lacking) {
      const mailbox = account.mailboxes.get(id);
      if (mailbox !== undefined) await writeSnapshot(context, mailbox);
    }
  }
}

async function write(context: StoreContext, mailbox: MailboxState, contents: MailboxContents): Promise<void> {
  if (mailbox.deleted) return;
  const dirty = contents.dirtyChunks;
  contents.dirtyChunks = new Set();
  // Changes that the log has lost are not to come any more.
  const through = cursor(Math.max(contents.through, mailbox.head.modSeq));
  const tail = contents.tail.take();
  const { inLog } = contents.tail;
  const hot = copyRows(contents, dirty);
  // The flag sets of the copies: others may take their place meanwhile.
  const { vanished, flagSets } = contents;
  const chunks: Chunks = [
    { column: COLUMN.vanished, number: 0, data: encodeVanished(vanished.floor, vanished.entries) },
  ];
  try {
    for (const [number, rows] of hot) {
      // Of runs there are few.
      if (rows !== null && "uids" in rows) await giveWay(context.driver);
      context.closing.throwIfAborted();
      pushHot(chunks, number, rows && encodeHotChunk(rows, flagSets));
    }
    const read = inLog === null ? [] : [await rowsInLog(context, mailbox.at, inLog)];
    await pushCold(context, mailbox, contents, { tail: [...read, ...tail.rows], chunks });
    const snapshot: Snapshot = { ...mailbox.at, cursor: through, chunks };
    await context.driver.saveSnapshot(snapshot);
  } catch (error) {
    for (const number of dirty) contents.dirtyChunks.add(number);
    throw error;
  }
  for (const chunk of chunks) context.cache.delete(mailbox.at, cacheKey(chunk));
  contents.tail.saved(through, tail);
}

/** The rows of the changed hot chunks; null for those that are empty now. */
function copyRows(contents: MailboxContents, dirty: ReadonlySet<number>): Map<number, HotRows | null> {
  const copies = new Map<number, HotRows | null>();
  for (const number of dirty) {
    const first = contents.columns.lowerBound(number * CHUNK_WIDTH.hot);
    const end = contents.columns.lowerBound((number + 1) * CHUNK_WIDTH.hot);
    copies.set(number, first === end ? null : contents.columns.copy([first, end]));
  }
  return copies;
}

function pushHot(chunks: Chunks, number: number, data: Uint8Array | null): void {
  chunks.push({ column: COLUMN.hot, number, data });
  if (data !== null) return;
  // No row left: the cold columns of the same UIDs go too.
  chunks.push({ column: COLUMN.metadata, number, data: null });
  const summaries = CHUNK_WIDTH.hot / CHUNK_WIDTH.summary;
  for (let i = 0; i < summaries; i++) {
    chunks.push({ column: COLUMN.summary, number: number * summaries + i, data: null });
  }
}

/** Cold chunks are rewritten only where rows are added; rows of expunged messages are dropped on the way. */
async function pushCold(
  context: StoreContext,
  mailbox: MailboxState,
  contents: MailboxContents,
  { tail, chunks }: { tail: readonly RowRun[]; chunks: Chunks },
): Promise<void> {
  const exists = (uid: Uid): boolean => contents.columns.rowOf(uid) >= 0;
  let rowsSinceTurn = 0;
  const pace = async (rows: number): Promise<void> => {
    context.closing.throwIfAborted();
    rowsSinceTurn += rows;
    if (rowsSinceTurn < ROWS_PER_TURN) return;
    rowsSinceTurn = 0;
    await giveWay(context.driver);
  };
  for (const [number, rows] of byChunk(tail, CHUNK_WIDTH.metadata)) {
    await pace(rows.length);
    const merged = new Map(await metadataChunk(context, mailbox.at, number));
    for (const [uid, row] of rows) merged.set(uid, row.metadata);
    const kept = [...merged.values()].filter(({ uid }) => exists(uid));
    if (kept.length > 0) chunks.push({ column: COLUMN.metadata, number, data: encodeMetadataChunk(kept) });
  }
  for (const [number, rows] of byChunk(tail.map(summarizedOf), CHUNK_WIDTH.summary)) {
    await pace(rows.length);
    const merged = new Map(await summaryChunk(context, mailbox.at, number));
    for (const [uid, row] of rows) if (row.summary !== null) merged.set(uid, row.summary);
    for (const uid of merged.keys()) if (!exists(uid)) merged.delete(uid);
    if (merged.size > 0) chunks.push({ column: COLUMN.summary, number, data: encodeSummaryChunk(merged) });
  }
}

/** Very many that were copied have none. */
function summarizedOf(run: RowRun): AscendingRows {
  return "summarized" in run ? run.summarized() : run;
}

type AscendingRows = Iterable<readonly [Uid, TailRow]>;

/** Row by row ascending, those of one run behind those of the one before. */
function* byChunk(tail: readonly AscendingRows[], width: number): Generator<[number: number, rows: [Uid, TailRow][]]> {
  let number = 0;
  let rows: [Uid, TailRow][] = [];
  for (const source of tail) {
    for (const [uid, row] of source) {
      const own = Math.floor(uid / width);
      if (own !== number && rows.length > 0) {
        yield [number, rows];
        rows = [];
      }
      number = own;
      rows.push([uid, row]);
    }
  }
  if (rows.length > 0) yield [number, rows];
}
