// Checkpoints: a place in the log before which the index is known to be on stable storage.
// LevelDB always makes its memtable a synced table when it is asked to compact a range, even an empty one.
import { ByteReader, ByteWriter } from "../byte-codec.ts";
import type { AccountId } from "../ids.ts";
import type { KeyIndex } from "./key-index.ts";
import { checkpointKey, transactionIdsBefore } from "./keys.ts";
import type { LogPosition, LogWriter } from "./log-writer.ts";
import type { Segments } from "./segments.ts";
import type { StepListener } from "./steps.ts";

export interface Checkpoint {
  readonly end: LogPosition;
  /** Segments with this number or a higher one were created after it. */
  readonly nextNumber: number;
  /** Body segments that no transaction before it names. */
  readonly staged: readonly number[];
}

export interface CheckpointsOptions {
  readonly index: KeyIndex;
  readonly writer: LogWriter;
  readonly segments: Segments;
  readonly onStep: StepListener;
  /** The log up to there has been given to the index. */
  readonly indexedEnd: () => LogPosition;
  /** The first period whose transaction ids are kept. */
  readonly firstPeriodKept: () => number;
}

export class Checkpoints {
  readonly #options: CheckpointsOptions;
  #running: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  #owed = new Set<AccountId>();
  /** What the checkpoint under way makes durable. */
  #paying = new Set<AccountId>();
  #last: LogPosition | undefined;
  /** Until this run has taken one, the run before may have left something that is not durable. */
  #isFirst = true;

  constructor(options: CheckpointsOptions, last: LogPosition | undefined) {
    this.#options = options;
    this.#last = last;
  }

  /** Where the newest one is. */
  get last(): LogPosition | undefined {
    return this.#last;
  }

  /** Something of the account was written that replaying the log does not bring back. */
  owe(account: AccountId): void {
    this.#owed.add(account);
  }

  /** Whether the next checkpoint makes something of the account durable. */
  owes(account: AccountId): boolean {
    return this.#isFirst || this.#owed.has(account) || this.#paying.has(account);
  }

  /** Takes one that begins after the call; callers who wait at the same time share it. */
  take(): Promise<void> {
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      const run = this.#run();
      this.#running = run.catch(() => undefined);
      return run;
    });
    return this.#next;
  }

  async #run(): Promise<void> {
    const { index, writer, segments, onStep } = this.#options;
    const end = this.#options.indexedEnd();
    const checkpoint: Checkpoint = { end, nextNumber: segments.nextNumber, staged: [...segments.staged] };
    const bytes = writer.bytesSinceCheckpoint;
    this.#paying = this.#owed;
    this.#owed = new Set();
    try {
      await index.settled();
      await index.writable();
      await index.flush();
      onStep("checkpoint:flushed");
      const operation = { key: checkpointKey(), value: encodeCheckpoint(checkpoint) };
      await index.turn(() => index.apply([operation], { sync: true }));
      onStep("checkpoint:written");
    } catch (error) {
      for (const account of this.#paying) this.#owed.add(account);
      throw error;
    } finally {
      this.#paying = new Set();
    }
    this.#last = end;
    this.#isFirst = false;
    writer.bytesSinceCheckpoint -= bytes;
    await index.clear(transactionIdsBefore(this.#options.firstPeriodKept()));
  }
}

export function encodeCheckpoint({ end, nextNumber, staged }: Checkpoint): Buffer {
  const writer = new ByteWriter().integer(end.segment).integer(end.offset).integer(nextNumber).integer(staged.length);
  for (const number of staged) writer.integer(number);
  return writer.finish();
}

/** The newest checkpoint of an index; undefined before the first. */
export async function readCheckpoint(index: Pick<KeyIndex, "get">): Promise<Checkpoint | undefined> {
  const value = await index.get(checkpointKey());
  if (value === undefined) return undefined;
  const reader = new ByteReader(value);
  return {
    end: { segment: reader.integer(), offset: reader.integer() },
    nextNumber: reader.integer(),
    staged: Array.from({ length: reader.integer() }, () => reader.integer()),
  };
}
