// Sizes, dates, bodies and summaries of messages: from the rows that came since the last snapshot, else from chunks.
import { CHUNK_WIDTH, COLUMN, decodeMetadataChunk, decodeSummaryChunk } from "./chunk-codec.ts";
import type { Uid } from "./ids.ts";
import type { MailboxContents } from "./mailbox-contents.ts";
import { decodeSummary } from "./message/encode-summary.ts";
import { MessageScanner } from "./message/scan-message.ts";
import type { MessageSummary } from "./message/summary.ts";
import type { MailboxAt, MessageDetails, MessageMetadata } from "./store.ts";
import type { StoreContext } from "./store-context.ts";
import { uidSetOf, type UidSet } from "./uid-set.ts";

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
    const fresh = wanted.map((uid) => contents.tail.get(uid)?.metadata);
    const stored = fresh.every((row) => row !== undefined) ? null : await metadataChunk(context, at, number);
    // What is in neither was expunged meanwhile.
    const rows = wanted.flatMap((uid, i) => fresh[i] ?? stored?.get(uid) ?? []);
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
  for (const { number, wanted } of byChunk(contents, uids, CHUNK_WIDTH.summary)) {
    const fresh = wanted.map((uid) => contents.tail.get(uid)?.summary);
    const stored = fresh.every((summary) => summary !== undefined && summary !== null)
      ? null
      : await summaryChunk(context, at, number);
    const summaries = new Map(wanted.map((uid, i) => [uid, fresh[i] ?? stored?.get(uid)]));
    for await (const batch of readMetadata(context, at, contents, uidSetOf(wanted))) {
      const rows: MessageDetails[] = [];
      for (const row of batch) {
        const encoded = summaries.get(row.uid);
        const summary = encoded === undefined ? await scanStored(context, row) : decodeSummary(encoded);
        rows.push({ ...row, summary });
      }
      yield rows;
    }
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

export function cacheKey({ account, mailbox }: MailboxAt, column: number, number: number): string {
  return `${account}/${mailbox}/${column}/${number}`;
}

function readChunk<T>(
  context: StoreContext,
  at: MailboxAt,
  of: { column: number; number: number; decode: (data: Uint8Array) => Map<Uid, T> },
): Promise<Map<Uid, T>> {
  return context.cache.get(cacheKey(at, of.column, of.number), async () => {
    const range = { column: of.column, from: of.number, to: of.number };
    const [chunk] = await context.driver.chunks(at.account, at.mailbox, range);
    if (chunk === undefined) return { value: new Map<Uid, T>(), bytes: 0 };
    const factor = of.column === COLUMN.metadata ? DECODED_METADATA_FACTOR : 1;
    return { value: of.decode(chunk.data), bytes: chunk.data.length * factor };
  });
}

/** A summary that a large copy did not carry along is made again from the body. */
async function scanStored(context: StoreContext, row: MessageMetadata): Promise<MessageSummary> {
  const scanner = new MessageScanner();
  for await (const piece of context.driver.blobs.read(row.blob)) scanner.push(piece);
  return scanner.finish();
}

/** The UIDs of a set that exist, by the chunk that holds them; looked up anew for each chunk, as rows may shift. */
function* byChunk(
  contents: MailboxContents,
  uids: UidSet,
  width: number,
): Generator<{ readonly number: number; readonly wanted: readonly Uid[] }> {
  const { columns } = contents;
  for (const [first, last] of uids) {
    let next = first;
    while (next <= last) {
      const row = columns.lowerBound(next);
      if (row >= columns.count) return;
      const uid = columns.uids[row] as Uid;
      if (uid > last) break;
      const number = Math.floor(uid / width);
      const end = Math.min(columns.lowerBound((number + 1) * width), columns.lowerBound(last + 1));
      const wanted = Array.from(columns.uids.subarray(row, end));
      next = (wanted.at(-1) as Uid) + 1;
      yield { number, wanted };
    }
  }
}
