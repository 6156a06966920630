// Gives back the space of bodies that nobody refers to: removes dead body segments, and empties log segments that are
// mostly dead by copying what lives through the log. A crash at any point leaves every living body readable.
import { giveWay } from "../give-way.ts";
import type { BlobId } from "../ids.ts";
import { TurnQueue } from "../turn-queue.ts";
import { BodyMarks, type LiveBody } from "./body-marks.ts";
import { decodeMoved, encodeMoved, readWhole } from "./body-reader.ts";
import type { BodyWriter } from "./body-writer.ts";
import type { Checkpoints } from "./checkpoints.ts";
import type { CommitQueue, CommitRequest } from "./commit-queue.ts";
import type { DriverLog } from "./driver-log.ts";
import type { Group } from "./group.ts";
import type { KeyIndex, Operation } from "./key-index.ts";
import { blobOfMovedKey, contentsKey, movedKey, movedRange } from "./keys.ts";
import type { LevelLimits } from "./limits.ts";
import { placeOf, recordBytes } from "./record.ts";
import { readContents, type SegmentContents } from "./segment-contents.ts";
import type { SegmentLease, Segments } from "./segments.ts";
import { inlineBody, type InlineBody } from "./staged-body.ts";
import type { StepListener } from "./steps.ts";

export interface CompactorOptions {
  readonly segments: Segments;
  readonly index: KeyIndex;
  readonly queue: CommitQueue;
  readonly checkpoints: Checkpoints;
  readonly writer: BodyWriter;
  readonly limits: LevelLimits;
  readonly log: DriverLog;
  readonly onStep: StepListener;
}

export type References = () => AsyncIterable<Iterable<BlobId>>;

export class Compactor {
  readonly #options: CompactorOptions;
  readonly #turns = new TurnQueue();
  #closed = false;
  /** The compaction under way has kept a copy of the index. */
  #isIndexKept = false;

  constructor(options: CompactorOptions) {
    this.#options = options;
  }

  /** Returns the bytes given back. */
  compact(references: References): Promise<number> {
    return this.#turns.run(() => this.#compact(references));
  }

  /** Ends a compaction at its next step. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#turns.run(() => Promise.resolve());
  }

  async #compact(references: References): Promise<number> {
    const { segments, checkpoints, writer, onStep } = this.#options;
    const namedSince = (writer.namedSince = new Set<BlobId>());
    this.#isIndexKept = false;
    try {
      // Commits under way have named their bodies when the queue has come to this.
      await this.#move([]);
      // What replay may need lies behind the checkpoint: only closed segments before it can go.
      await checkpoints.take();
      const closedBefore = checkpoints.last?.segment ?? 0;
      const logs = segments.numbers("log").filter((number) => number < closedBefore);
      const bodies = segments.numbers("body").filter((number) => !segments.staged.has(number));
      const marks = await this.#mark(references);
      onStep("compact:marked");
      await this.#markMoved(marks);
      let freed = 0;
      for (const number of bodies) {
        if (!marks.hasAnyIn(number)) freed += await this.#remove(number, namedSince);
      }
      for (const number of logs) freed += await this.#emptyIfMostlyDead(number, marks.in(number), namedSince);
      return freed;
    } finally {
      writer.namedSince = undefined;
    }
  }

  async #mark(references: References): Promise<BodyMarks> {
    const { queue, limits } = this.#options;
    const marks = new BodyMarks();
    let count = 0;
    for await (const batch of references()) {
      for (const blob of batch) {
        marks.add(blob);
        if (++count % limits.sliceEntriesMax === 0) await giveWay(queue);
      }
      this.#checkOpen();
    }
    return marks;
  }

  /** Finds where the living bodies lie that were moved before. Entries that nobody needs go. */
  async #markMoved(marks: BodyMarks): Promise<void> {
    const { index, segments, limits } = this.#options;
    await index.settled();
    for await (const slice of index.slices(movedRange(), limits.sliceEntriesMax)) {
      const needless: Operation[] = [];
      for (const [key, value] of slice) {
        const blob = blobOfMovedKey(key);
        // Where the first segment is still there, a move was cut short: the body is read from there.
        if (!marks.has(blob) || segments.has(placeOf(blob).segment)) needless.push({ key, value: null });
        else marks.addMoved({ place: decodeMoved(value), blob });
      }
      if (needless.length > 0) await index.turn(() => index.apply(needless));
      this.#checkOpen();
    }
  }

  async #emptyIfMostlyDead(
    number: number,
    live: readonly LiveBody[],
    namedSince: ReadonlySet<BlobId>,
  ): Promise<number> {
    const { segments, log } = this.#options;
    if ((await segments.header(number)) === undefined) {
      if (live.length === 0 && (await segments.isUnbegun(number))) return this.#removeLog(number, namedSince);
      log.warn({ file: segments.path(number) }, "the segment is damaged: it is not compacted");
      return 0;
    }
    const lease = await segments.acquire(number);
    if (lease === undefined) return 0;
    const liveBytes = await this.#emptyOf(live, lease).finally(() => lease.release());
    if (liveBytes === undefined) return 0;
    return Math.max(0, (await this.#removeLog(number, namedSince)) - liveBytes);
  }

  /** Copies out what lives, and returns how much that is; undefined where the segment has to stay. */
  async #emptyOf(live: readonly LiveBody[], lease: SegmentLease): Promise<number | undefined> {
    const contents = await readContents(this.#options.index, lease);
    let liveBytes = 0;
    for (const { place } of live) {
      const bytes = contents.get(placeOf(place).offset);
      if (bytes === undefined) {
        this.#options.log.warn({ file: lease.path }, "the segment is damaged: it is not compacted");
        // Where it is mended, there is more in it.
        await this.#forgetContents(lease.header.number);
        return undefined;
      }
      liveBytes += bytes;
    }
    if (2 * liveBytes >= (await lease.file.size())) return undefined;
    return (await this.#copy(live, contents, lease)) ? liveBytes : undefined;
  }

  /** Copies bodies to the end of the log; false where one of them cannot be read. */
  async #copy(live: readonly LiveBody[], contents: SegmentContents, lease: SegmentLease): Promise<boolean> {
    const { limits, log, onStep } = this.#options;
    let longest = 0;
    for (const length of contents.values()) longest = Math.max(longest, length);
    // The same memory for each slice: were it new each time, V8 would collect the heap for every 15 MB or so.
    const room = Buffer.allocUnsafeSlow(limits.compactBytesMax + longest);
    let slice: Move[] = [];
    let bytes = 0;
    for (const [i, { place, blob }] of live.entries()) {
      this.#checkOpen();
      const { offset } = placeOf(place);
      const length = contents.get(offset) as number;
      try {
        slice.push({ blob, body: inlineBody([await readWhole(lease, { offset, length }, room.subarray(bytes))]) });
      } catch (error) {
        log.warn({ file: lease.path, error }, "a body cannot be read: its segment is not compacted");
        return false;
      }
      bytes += length;
      if (bytes < limits.compactBytesMax && i < live.length - 1) continue;
      await this.#move(slice);
      onStep("compact:copied");
      slice = [];
      bytes = 0;
    }
    return true;
  }

  #move(moves: readonly Move[]): Promise<void> {
    return new Promise((resolve, reject) => this.#options.queue.add(new MoveRequest(moves, { resolve, reject })));
  }

  /** Without it the log alone cannot make the index again. */
  async #removeLog(number: number, namedSince: ReadonlySet<BlobId>): Promise<number> {
    const { index, log } = this.#options;
    if (!this.#isIndexKept) {
      this.#isIndexKept = true;
      if (!(await index.keep())) log.warn({}, "no second copy of the index can be kept");
    }
    return this.#remove(number, namedSince);
  }

  /** The moves out of it are durable, and reads must find them before it goes. */
  async #remove(number: number, namedSince: ReadonlySet<BlobId>): Promise<number> {
    const { segments, index, onStep } = this.#options;
    await index.settled();
    for (const blob of namedSince) if (placeOf(blob).segment === number) return 0;
    const bytes = await segments.remove(number);
    onStep("compact:removed");
    await this.#forgetContents(number);
    return bytes;
  }

  #forgetContents(number: number): Promise<void> {
    const { index } = this.#options;
    return index.turn(() => index.apply([{ key: contentsKey(number), value: null }]));
  }

  #checkOpen(): void {
    if (this.#closed) throw new Error("the store is closing");
  }
}

interface Move {
  readonly blob: BlobId;
  readonly body: InlineBody;
}

class MoveRequest implements CommitRequest {
  readonly bytes: number;
  readonly heads: readonly [] = [];
  readonly lookups: readonly [] = [];
  readonly #moves: readonly Move[];
  readonly #settle: { readonly resolve: () => void; readonly reject: (error: unknown) => void };

  constructor(moves: readonly Move[], settle: { resolve: () => void; reject: (error: unknown) => void }) {
    this.#moves = moves;
    this.#settle = settle;
    this.bytes = moves.reduce((sum, { body }) => sum + recordBytes(body.length) + 64, 0);
  }

  decide(group: Group): void {
    for (const { blob, body } of this.#moves) group.put(movedKey(blob), encodeMoved(group.place(body)));
  }

  done(): void {
    this.#settle.resolve();
  }

  failed(error: unknown): void {
    this.#settle.reject(error);
  }
}
