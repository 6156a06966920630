// Sizes, dates, bodies and summaries of messages: from the rows that came since the last snapshot, else from chunks.
import { blobsOfMetadataChunk, CHUNK_WIDTH, COLUMN, decodeMetadataChunk, decodeSummaryChunk } from "./chunk-codec.ts";
import type { BlobId, Uid } from "./ids.ts";
import { lossOf } from "./lost-rows.ts";
import type { MailboxContents } from "./mailbox-contents.ts";
import type { MessageColumns } from "./message-columns.ts";
import { readRowsInLog } from "./mailbox-events.ts";
import { decodeSummary, encodeSummary } from "./message/encode-summary.ts";
import { MessageScanner } from "./message/scan-message.ts";
import { StoredSummary } from "./message/stored-summary.ts";
import type { MailboxAt, MessageDetails, MessageMetadata } from "./store.ts";
import type { StoreContext } from "./store-context.ts";
import { rowBytes, type RowsInLog, type TailRow } from "./tail-rows.ts";
import type { UidRange, UidSet } from "./uid-set.ts";

/** A decoded metadata row takes about this many times its encoded bytes. */
const DECODED_METADATA_FACTOR = 5;

/** The metadata of the messages of a set that exist, ascending, a batch a chunk. */
export async function* readMetadata(
  context: StoreContext,
  at: MailboxAt,
  contents: MailboxContents,
  uids: UidSet,
): AsyncGenerator<MessageMetadata[]> {
  for (const { number, wanted } of byChunk(contents, uids, CHUNK_WIDTH.metadata)) {
    const fresh = await tailRows(context, at, contents, wanted);
    const stored = fresh.every((row) => row !== undefined) ? null : await metadataChunk(context, at, number);
    // What is in neither was expunged meanwhile.
    const rows = wanted.flatMap((uid, i) => fresh[i]?.metadata ?? stored?.get(uid) ?? []);
    if (rows.length > 0) yield rows;
  }
}

/** The same with summaries. */
export async function* readDetails(
  context: StoreContext,
  at: MailboxAt,
  contents: MailboxContents,
  uids: UidSet,
): AsyncGenerator<MessageDetails[]> {
  for (const { number, wanted, next } of byChunk(contents, uids, CHUNK_WIDTH.summary)) {
    const fresh = await tailRows(context, at, contents, wanted);
    const isIn = (row: TailRow | undefined): boolean => row !== undefined && row.summary !== null;
    const summaries = fresh.every(isIn) ? undefined : await summaryChunk(context, at, number);
    const widths = CHUNK_WIDTH.metadata / CHUNK_WIDTH.summary;
    const metadata = fresh.includes(undefined)
      ? await metadataChunk(context, at, Math.floor(number / widths))
      : undefined;
    // Whoever reads up to the end of a chunk mostly goes on: meanwhile the next one is read. If that fails, it is read again.
    if (summaries !== undefined && next !== undefined) summaryChunk(context, at, next).catch(() => undefined);
    const { rows, unread } = joinDetails(wanted, { fresh, metadata, summaries });
    const damaged: number[] = [];
    for (const i of unread) {
      const row = rows[i] as MessageDetails;
      const summary = await scanStored(context, row);
      if (summary === undefined) damaged.push(i);
      else rows[i] = detailsOf(row, summary);
    }
    for (const i of damaged.toReversed()) rows.splice(i, 1);
    if (rows.length > 0) yield rows;
  }
}

/**
 * The bodies of all messages, a batch a chunk; some may be named twice. What is cached for others stays. Rejects where one
 * is not known: whoever asks takes all others for garbage.
 */
export async function* readBlobs(
  context: StoreContext,
  at: MailboxAt,
  contents: MailboxContents,
): AsyncGenerator<BlobId[]> {
  const exists = (uid: Uid): boolean => contents.columns.rowOf(uid) >= 0;
  const all = [[1, contents.columns.uids[contents.columns.count - 1] ?? 1]] as const;
  for (const { number, wanted } of byChunk(contents, all, CHUNK_WIDTH.metadata)) {
    const fresh = await tailRows(context, at, contents, wanted);
    yield fresh.flatMap((row) => row?.metadata.blob ?? []);
    if (!fresh.includes(undefined)) continue;
    const range = { column: COLUMN.metadata, from: number, to: number };
    const chunks = await context.driver.chunks(at.account, at.mailbox, range);
    const blobs = chunks.flatMap(({ data }) => blobsOfMetadataChunk(data, exists));
    const missing = wanted.filter((uid, i) => fresh[i] === undefined && exists(uid));
    if (blobs.length < missing.length) throw lossOf(at);
    yield blobs;
  }
}

interface ReadColumns {
  readonly fresh: readonly (TailRow | undefined)[];
  readonly metadata: ReadonlyMap<Uid, MessageMetadata> | undefined;
  readonly summaries: ReadonlyMap<Uid, Uint8Array> | undefined;
}

/** The rows of UIDs, and which of them still lack their summary. Here nothing is awaited: V8 compiles such a loop while it runs. */
function joinDetails(
  wanted: readonly Uid[],
  { fresh, metadata, summaries }: ReadColumns,
): { readonly rows: MessageDetails[]; readonly unread: readonly number[] } {
  const rows: MessageDetails[] = [];
  const unread: number[] = [];
  for (let i = 0; i < wanted.length; i++) {
    const uid = wanted[i] as Uid;
    const row = fresh[i]?.metadata ?? metadata?.get(uid);
    // What is in neither was expunged meanwhile.
    if (row === undefined) continue;
    const encoded = fresh[i]?.summary ?? summaries?.get(uid);
    const summary = encoded === undefined ? undefined : decodeSummary(encoded);
    if (summary === undefined) unread.push(rows.length);
    rows.push(detailsOf(row, summary as StoredSummary));
  }
  return { rows, unread };
}

/** Field by field: many times as quick as spreading the row, of which there are thousands. */
function detailsOf(row: MessageMetadata, summary: StoredSummary): MessageDetails {
  const { uid, sizeBytes, internalDateMs, saveDateMs, emailId, blob } = row;
  return { uid, sizeBytes, internalDateMs, saveDateMs, emailId, blob, summary };
}

/** Rows that came after the last snapshot. They are asked for first: a snapshot moves them to the chunks, never back. */
async function tailRows(
  context: StoreContext,
  at: MailboxAt,
  { tail }: MailboxContents,
  wanted: readonly Uid[],
): Promise<(TailRow | undefined)[]> {
  const { inLog } = tail;
  const rows = wanted.map((uid) => tail.get(uid));
  const isInLog = (uid: Uid, i: number): boolean =>
    rows[i] === undefined && inLog !== null && inLog.uids[0] <= uid && uid <= inLog.uids[1];
  if (inLog === null || !wanted.some(isInLog)) return rows;
  const read = await rowsInLog(context, at, inLog);
  return rows.map((row, i) => row ?? read.get(wanted[i] as Uid));
}

/** The rows of a mailbox that were let go, but for those that a snapshot has taken in meanwhile. */
export async function rowsInLog(
  context: StoreContext,
  at: MailboxAt,
  { after, through }: RowsInLog,
): Promise<ReadonlyMap<Uid, TailRow>> {
  for (let from = after; ; from = await context.driver.snapshotCursor(at.account, at.mailbox)) {
    const rows = await context.cache.get(at, `log/${from}/${through}`, async () => {
      const value = await readRowsInLog(context.driver, at, { after: from, through });
      let bytes = 0;
      for (const row of value?.values() ?? []) bytes += rowBytes(row);
      return { value, bytes };
    });
    if (rows !== undefined) return rows;
    // The log was cut, and maybe by another store: then what is known of the chunks is old.
    context.cache.deleteAll(at);
  }
}

export function metadataChunk(
  context: StoreContext,
  at: MailboxAt,
  number: number,
): Promise<Map<Uid, MessageMetadata>> {
  return readChunk(context, at, { column: COLUMN.metadata, number, decode: decodeMetadataChunk });
}

export function summaryChunk(context: StoreContext, at: MailboxAt, number: number): Promise<Map<Uid, Uint8Array>> {
  return readChunk(context, at, { column: COLUMN.summary, number, decode: decodeSummaryChunk });
}

export function cacheKey({ column, number }: { readonly column: number; readonly number: number }): string {
  return `${column}/${number}`;
}

function readChunk<T>(
  context: StoreContext,
  at: MailboxAt,
  of: { column: number; number: number; decode: (data: Uint8Array) => Map<Uid, T> },
): Promise<Map<Uid, T>> {
  return context.cache.get(at, cacheKey(of), async () => {
    const range = { column: of.column, from: of.number, to: of.number };
    const [chunk] = await context.driver.chunks(at.account, at.mailbox, range);
    if (chunk === undefined) return { value: new Map<Uid, T>(), bytes: 0 };
    const factor = of.column === COLUMN.metadata ? DECODED_METADATA_FACTOR : 1;
    return { value: of.decode(chunk.data), bytes: chunk.data.length * factor };
  });
}

/**
 * A summary that a large copy did not carry along, or that is of an older version, is made again from the body. Undefined
 * where that is damaged: all others are there.
 */
async function scanStored(context: StoreContext, row: MessageMetadata): Promise<StoredSummary | undefined> {
  const scanner = new MessageScanner();
  try {
    for await (const piece of context.driver.blobs.read(row.blob)) scanner.push(piece);
  } catch (error) {
    if ((error as { readonly code?: unknown }).code === "STORE_DAMAGED") return undefined;
    throw error;
  }
  return new StoredSummary(encodeSummary(scanner.finish()));
}

/** What is wanted of one chunk. */
interface Wanted {
  readonly number: number;
  readonly wanted: readonly Uid[];
  /** The chunk that follows, where this one is wanted up to its end. */
  readonly next: number | undefined;
}

/** The UIDs of a set that exist, by the chunk that holds them; looked up anew for each chunk, as rows may shift. */
function* byChunk(contents: MailboxContents, uids: UidSet, width: number): Generator<Wanted> {
  const from: Place = { range: 0, uid: 0 };
  for (;;) {
    const chunk = nextChunk(contents.columns, uids, { width, from });
    if (chunk === undefined) return;
    yield chunk;
  }
}

/** Where in a set one is: in which range, behind all below a UID. */
interface Place {
  range: number;
  uid: Uid;
}

/** All that is wanted of the chunk which holds the first message from a place on, which moves behind it. */
function nextChunk(
  columns: MessageColumns,
  uids: UidSet,
  { width, from }: { readonly width: number; readonly from: Place },
): Wanted | undefined {
  const wanted: Uid[] = [];
  let [number, chunkEnd, end] = [-1, columns.count, 0];
  for (; from.range < uids.length; from.range++) {
    const [first, last] = uids[from.range] as UidRange;
    const row = columns.lowerBound(Math.max(first, from.uid));
    if (row >= chunkEnd) break;
    if ((columns.uids[row] as Uid) > last) continue;
    if (number < 0) {
      number = Math.floor((columns.uids[row] as Uid) / width);
      chunkEnd = columns.lowerBound((number + 1) * width);
    }
    end = Math.min(chunkEnd, columns.lowerBound(last + 1));
    for (let at = row; at < end; at++) wanted.push(columns.uids[at] as Uid);
    from.uid = (columns.uids[end - 1] as Uid) + 1;
    // There may be more of this range in the next one.
    if (end === chunkEnd) break;
  }
  if (number < 0) return undefined;
  const goesOn = end === chunkEnd && end < columns.count;
  return { number, wanted, next: goesOn ? Math.floor((columns.uids[end] as Uid) / width) : undefined };
}
