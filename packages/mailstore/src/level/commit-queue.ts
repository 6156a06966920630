// The one place where the store is written: requests wait, and whatever waits when a group ends is the next group.
// A group is decided on heads in memory, written to the log with one sync, told, and only then applied to the index.
import { Group } from "./group.ts";
import type { HeadCache, PinnedHead } from "./heads.ts";
import { indexedEndOperation } from "./indexed-end.ts";
import type { KeyIndex } from "./key-index.ts";
import { REQUEST_BYTES_MAX, type LevelLimits } from "./limits.ts";
import type { LogPosition, LogWriter } from "./log-writer.ts";
import type { LogRecord } from "../driver.ts";
import { Refusal } from "../refusal.ts";
import type { StepListener } from "./steps.ts";

/** Something that wants to be written. */
export interface CommitRequest {
  /** The bytes it writes to the log: exact for bodies, near enough for the rest. */
  readonly bytes: number;
  readonly heads: readonly PinnedHead[];
  /** Keys whose values it needs to decide. */
  readonly lookups: readonly Buffer[];
  /** Adds what it writes to the group; throws, with nothing added, where the request itself is wrong. */
  decide(group: Group): void;
  /** What it added is durable and told to the listeners. */
  done(): void;
  failed(error: unknown): void;
}

export interface CommitQueueOptions {
  readonly writer: LogWriter;
  readonly index: KeyIndex;
  readonly heads: HeadCache;
  readonly limits: LevelLimits;
  readonly onStep: StepListener;
  /** Tells of what is durable, before any request is done. */
  readonly tell: (records: readonly LogRecord[]) => void;
}

export class CommitQueue {
  readonly #options: CommitQueueOptions;
  #waiting: CommitRequest[] = [];
  #applied: Promise<void> = Promise.resolve();
  #closed = false;
  /** While groups are on their way: resolves behind the last of them. */
  committing: Promise<void> | undefined;
  /** The log up to here has been given to the index. */
  end: LogPosition;

  constructor(options: CommitQueueOptions) {
    this.#options = options;
    this.end = options.writer.end;
  }

  add(request: CommitRequest): void {
    if (this.#closed) return this.#fail(request, new Error("the store is closed"));
    if (request.bytes > REQUEST_BYTES_MAX)
      return this.#fail(request, new Refusal("messageTooLarge", "more than the store takes at once"));
    this.#waiting.push(request);
    this.committing ??= this.#run();
  }

  /** Lets what waits come to its end; everything later is refused. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.committing;
    await this.#applied;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Requests made in one turn of the event loop share a group.
      await Promise.resolve();
      const open = new Set(this.#take());
      try {
        await this.#commit(open);
      } catch (error) {
        for (const request of open) this.#fail(request, error);
      }
    }
    this.committing = undefined;
  }

  #take(): CommitRequest[] {
    const { groupBytesMax, groupRequestsMax } = this.#options.limits;
    let bytes = 0;
    let count = 0;
    for (const request of this.#waiting) {
      bytes += request.bytes;
      if (count > 0 && (bytes > groupBytesMax || count === groupRequestsMax)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  /** Commits what is open; a request that is settled on the way is open no more. */
  async #commit(open: Set<CommitRequest>): Promise<void> {
    const { writer, index, onStep } = this.#options;
    await index.writable();
    await this.#load(open);
    const found = await this.#lookUp(open);
    let bytes = 0;
    for (const request of open) bytes += request.bytes;
    await writer.prepare(bytes);
    const group = new Group({ segment: writer.segment, offset: writer.end.offset }, found);
    for (const request of open) this.#decide(request, group, open);
    onStep("commit:decided");
    const sealed = group.seal();
    if (sealed !== undefined) {
      await writer.append(sealed.pieces, sealed.bytes);
      this.end = writer.end;
    }
    const before = this.#applied;
    const pushed = sealed === undefined ? before : index.push([...sealed.operations, indexedEndOperation(this.end)]);
    group.publish();
    this.#options.tell(group.records);
    onStep("commit:told");
    const settled = [...open];
    open.clear();
    for (const request of settled) request.done();
    this.#applied = pushed.then(() => {
      onStep("index:applied");
      for (const request of settled) this.#release(request);
    });
    // The index stays one batch behind at most.
    await before;
  }

  async #load(open: Set<CommitRequest>): Promise<void> {
    for (const request of open) {
      try {
        for (const { loading } of request.heads) if (loading !== undefined) await loading;
      } catch (error) {
        open.delete(request);
        this.#fail(request, error);
      }
    }
  }

  async #lookUp(open: Set<CommitRequest>): Promise<Map<string, Uint8Array | undefined>> {
    const keys = [...open].flatMap(({ lookups }) => lookups);
    if (keys.length === 0) return new Map();
    await this.#options.index.settled();
    const values = await this.#options.index.getMany(keys);
    return new Map(keys.map((key, i) => [key.toString("latin1"), values[i]]));
  }

  #decide(request: CommitRequest, group: Group, open: Set<CommitRequest>): void {
    try {
      request.decide(group);
    } catch (error) {
      open.delete(request);
      this.#fail(request, error);
    }
  }

  #fail(request: CommitRequest, error: unknown): void {
    request.failed(error);
    this.#release(request);
  }

  #release({ heads }: CommitRequest): void {
    for (const head of heads) this.#options.heads.release(head);
  }
}
