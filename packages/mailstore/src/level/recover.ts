// Brings the index up to the log: replays what was written since the checkpoint and finds where the log ends.
import type { AccountId } from "../ids.ts";
import { decodeOperations } from "./batch-payload.ts";
import type { Checkpoint } from "./checkpoints.ts";
import type { KeyIndex, Operation } from "./key-index.ts";
import { floorKey, isRecordKey, parseLogKey } from "./keys.ts";
import { decodeLogRecord } from "./log-records.ts";
import { readIndexedEnd } from "./indexed-end.ts";
import { LogScanner, type ScanRange, type ScanResult } from "./log-scanner.ts";
import type { LogPosition } from "./log-writer.ts";
import { decodeCursor } from "./mailbox-log.ts";
import { placeOf, SEGMENT_HEADER_BYTES, type SegmentHeader } from "./record.ts";
import type { SegmentLease, Segments } from "./segments.ts";
import { StoreDamage } from "./store-damage.ts";

/** Operations that go to the index at once. */
const OPERATIONS_PER_BATCH = 2_000;

export interface Recovery {
  /** Undefined for a store that has no log yet. */
  readonly end: LogPosition | undefined;
  readonly transactions: number;
  readonly bytes: number;
  /** Bytes of a group that was never completed. */
  readonly cutBytes: number;
  readonly damages: readonly StoreDamage[];
  /** Set where the last segment's file ends before its records do: the index has them, their bodies are gone. */
  readonly short: StoreDamage | undefined;
  /** The segments of the log that were read. */
  readonly chain: ReadonlySet<number>;
  /** Body segments that the replayed transactions name. */
  readonly bodies: ReadonlySet<number>;
}

/** Replays the log behind a checkpoint, up to `until` or its end. Within a turn of the index. */
export async function replayLog(segments: Segments, index: KeyIndex, options: ReplayOptions): Promise<Recovery> {
  const { checkpoint } = options;
  const chain = await logChain(segments, checkpoint);
  const indexedEnd = await readIndexedEnd(index);
  checkReaches(segments, chain, indexedEnd);
  // All of it is read before any of it is applied: over a newer index, a part would be a step back.
  await eachSegment(segments, chain, { ...options, indexedEnd }, (lease, range) => {
    return new LogScanner(lease).scan(
      range,
      () => Promise.resolve(),
      () => undefined,
    );
  });
  const replay = new Replay(index);
  let end: LogPosition | undefined;
  let [bytes, cutBytes] = [0, 0];
  let short: StoreDamage | undefined;
  await eachSegment(segments, chain, { ...options, indexedEnd }, async (lease, range) => {
    // The process before may have ended between a write and its sync; what is shown from now on must stay.
    if (options.until === undefined) await lease.file.sync();
    const result = await replay.scan(lease, range);
    const size = await lease.file.size();
    end = { segment: lease.header.number, offset: result.end };
    short = size < result.end ? new StoreDamage("the log segment is cut short", lease.path, size) : undefined;
    bytes += result.end - range.from;
    cutBytes += result.cutBytes;
  });
  await replay.apply();
  const { transactions, damages, bodies } = replay;
  const numbers = new Set(chain.map(({ number }) => number));
  return { end, transactions, bytes, cutBytes, damages, short, bodies, chain: numbers };
}

interface ReplayOptions {
  readonly checkpoint: Checkpoint | undefined;
  readonly until?: LogPosition;
}

async function eachSegment(
  segments: Segments,
  chain: readonly SegmentHeader[],
  { checkpoint, until, indexedEnd }: ReplayOptions & { readonly indexedEnd: LogPosition | undefined },
  read: (lease: SegmentLease, range: ScanRange) => Promise<unknown>,
): Promise<void> {
  for (const [i, { number }] of chain.entries()) {
    const from = number === checkpoint?.end.segment ? checkpoint.end.offset : SEGMENT_HEADER_BYTES;
    const known = number === until?.segment ? until.offset : chain[i + 1]?.previousEnd;
    const proven = number === indexedEnd?.segment ? indexedEnd.offset : from;
    const lease = await leaseOf(segments, number);
    try {
      await read(lease, known === undefined ? { from, proven } : { from, until: known });
    } finally {
      lease.release();
    }
    if (number === until?.segment) break;
  }
}

/** What the index holds of the log was synced before. */
function checkReaches(segments: Segments, chain: readonly SegmentHeader[], known: LogPosition | undefined): void {
  if (known === undefined || known.segment <= (chain.at(-1)?.number ?? 0)) return;
  throw new StoreDamage("a log segment is missing, or has lost its header", segments.path(known.segment), 0);
}

class Replay {
  readonly #index: KeyIndex;
  #operations: Operation[] = [];
  readonly #floors = new Map<AccountId, number>();
  transactions = 0;
  readonly damages: StoreDamage[] = [];
  readonly bodies: Set<number> = new Set();

  constructor(index: KeyIndex) {
    this.#index = index;
  }

  scan(lease: SegmentLease, range: ScanRange): Promise<ScanResult> {
    return new LogScanner(lease).scan(
      range,
      (payload) => this.#take(payload),
      (damage) => this.damages.push(damage),
    );
  }

  async apply(): Promise<void> {
    const operations = this.#operations;
    this.#operations = [];
    await this.#index.apply(operations);
  }

  async #take(payload: Buffer): Promise<void> {
    for (const operation of decodeOperations(payload)) {
      this.#noteBodies(operation);
      if (await this.#isTrimmed(operation.key)) continue;
      this.#operations.push(operation);
      if (isRecordKey(operation.key) && operation.value !== null) this.transactions++;
    }
    if (this.#operations.length >= OPERATIONS_PER_BATCH) await this.apply();
  }

  /** Of trimmed records too: messages elsewhere may refer to the bodies that came with them. */
  #noteBodies({ key, value }: Operation): void {
    const at = isRecordKey(key) ? parseLogKey(key) : undefined;
    if (at === undefined || value === null) return;
    const { blobs } = decodeLogRecord(at.account, at.cursor, value);
    for (const blob of blobs) this.bodies.add(placeOf(blob).segment);
  }

  /** A record below its account's floor must not come back. */
  async #isTrimmed(key: Buffer): Promise<boolean> {
    const at = parseLogKey(key);
    if (at === undefined) return false;
    let floor = this.#floors.get(at.account);
    if (floor === undefined) {
      floor = decodeCursor(await this.#index.get(floorKey(at.account)));
      this.#floors.set(at.account, floor);
    }
    return at.cursor <= floor;
  }
}

/** The log segments from the checkpoint's to the last one, each named by the next as the one before it. */
async function logChain(segments: Segments, checkpoint: Checkpoint | undefined): Promise<SegmentHeader[]> {
  const first = checkpoint?.end.segment;
  const headers: SegmentHeader[] = [];
  for (const number of segments.numbers("log")) {
    if (number < (first ?? 0)) continue;
    const header = await segments.header(number);
    if (header !== undefined) headers.push(header);
  }
  // Where making a segment failed half-way there may be two that name the same one before them: the later counts.
  const after = (known: number): SegmentHeader | undefined => headers.findLast(({ previous }) => previous === known);
  const start = first === undefined ? after(0) : headers.find(({ number }) => number === first);
  if (start === undefined && (first !== undefined || headers.length > 0)) {
    throw new StoreDamage("the log segment to start from is missing", segments.path(first ?? 1), 0);
  }
  const chain: SegmentHeader[] = [];
  for (let next = start; next !== undefined; next = after(next.number)) chain.push(next);
  return chain;
}

async function leaseOf(segments: Segments, number: number): Promise<SegmentLease> {
  const lease = await segments.acquire(number);
  if (lease === undefined) throw new Error(`a log segment is missing: ${number}`);
  return lease;
}

/** Removes the files of what was never completed: segments cut short in the making, bodies that nothing names. */
export async function removeLeftovers(
  segments: Segments,
  checkpoint: Checkpoint | undefined,
  { chain, bodies }: Recovery,
): Promise<number> {
  const unchained = segments.numbers("log").filter((n) => n >= (checkpoint?.end.segment ?? 0) && !chain.has(n));
  const unnamed = segments.numbers("body").filter((n) => {
    return (n >= (checkpoint?.nextNumber ?? 0) || checkpoint?.staged.includes(n) === true) && !bodies.has(n);
  });
  for (const number of unchained) await checkEmpty(segments, number);
  for (const number of [...unchained, ...unnamed]) await segments.remove(number);
  return unchained.length + unnamed.length;
}

/** A log segment that holds records, or may hold some, is never taken for a leftover. */
async function checkEmpty(segments: Segments, number: number): Promise<void> {
  if ((await segments.header(number)) === undefined) {
    if (await segments.isUnbegun(number)) return;
    throw new StoreDamage("the segment has no valid header", segments.path(number), 0);
  }
  const lease = await leaseOf(segments, number);
  try {
    for await (const { offset } of new LogScanner(lease).heads(SEGMENT_HEADER_BYTES)) {
      throw new StoreDamage("a log segment is not connected to the log", lease.path, offset);
    }
  } finally {
    lease.release();
  }
}
