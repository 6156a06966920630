// The level driver: the log in segment files is the truth, LevelDB its index. The same code runs on disk and in memory.
import type {
  AccountHead,
  BlobStore,
  Chunk,
  CommitResult,
  Directory,
  HintListener,
  LogPage,
  LogRecord,
  Snapshot,
  StoreDriver,
  SweepResult,
  Transaction,
} from "../driver.ts";
import { harmless } from "../harmless.ts";
import type { AccountId, Cursor, MailboxId } from "../ids.ts";
import { Refusal } from "../refusal.ts";
import { BodyChecks } from "./body-checks.ts";
import { BodyReader } from "./body-reader.ts";
import { BodyWriter } from "./body-writer.ts";
import { Checkpoints, readCheckpoint, type Checkpoint } from "./checkpoints.ts";
import { CommitQueue } from "./commit-queue.ts";
import { Compactor } from "./compactor.ts";
import { LevelDirectory } from "./directory.ts";
import type { DriverLog } from "./driver-log.ts";
import { cursorOf, HeadCache } from "./heads.ts";
import { KeyIndex, type IndexStorage } from "./key-index.ts";
import { everyHeadRange, parseHeadKey } from "./keys.ts";
import { checkLevelLimits, type LevelLimits } from "./limits.ts";
import { LogWriter } from "./log-writer.ts";
import { IndexRequest, type DriverInside } from "./maintenance/index-request.ts";
import { MailboxLog } from "./mailbox-log.ts";
import { RangeReader } from "./range-reader.ts";
import { removeLeftovers, replayLog } from "./recover.ts";
import type { SegmentFiles } from "./segment-files.ts";
import { Segments } from "./segments.ts";
import type { StepListener } from "./steps.ts";
import { Touched } from "./touched.ts";
import { periodOf, TransactionRequest, type TransactionContext } from "./transaction-request.ts";
import { StorageWatch } from "./storage-watch.ts";
import { WatchedFiles } from "./watched-files.ts";

/** What a driver stands on. */
export interface DriverParts {
  readonly files: SegmentFiles;
  readonly index: IndexStorage;
  readonly limits: LevelLimits;
  readonly log: DriverLog;
  readonly onStep: StepListener;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Called when all is closed: gives up the lock on the store. */
  readonly release: () => Promise<void>;
}

export class LevelDriver implements StoreDriver {
  readonly #parts: DriverParts;
  readonly #segments: Segments;
  readonly #index: KeyIndex;
  readonly #writer: LogWriter;
  readonly #heads: HeadCache;
  readonly #queue: CommitQueue;
  readonly #transactionContext: TransactionContext;
  readonly #checkpoints: Checkpoints;
  readonly #log: MailboxLog;
  readonly #compactor: Compactor;
  readonly #touched: Touched;
  readonly #listeners = new Set<{ readonly hear: HintListener }>();
  #checkpointing = false;
  #closing: Promise<void> | undefined;
  readonly blobs: BlobStore;
  readonly directory: Directory;
  readonly inside: DriverInside;

  constructor(parts: DriverParts, opened: OpenedLog) {
    const { limits, onStep, log } = parts;
    const { segments, index, writer, checkpoint } = opened;
    const heads = new HeadCache(index, limits.cachedAccountsMax);
    const tell = (records: readonly LogRecord[]): void => this.#tell(records);
    const queue = new CommitQueue({ writer, index, heads, limits, onStep, tell });
    const indexedEnd = (): LogWriter["end"] => queue.end;
    const { now } = parts;
    const { transactionIdKeptMs } = limits;
    const firstPeriodKept = (): number => periodOf(now(), transactionIdKeptMs) - 1;
    const checkpoints = new Checkpoints(
      { index, writer, segments, onStep, indexedEnd, firstPeriodKept },
      checkpoint?.end,
    );
    const bodyWriter = new BodyWriter({ segments, limits, onStep });
    const checks = new BodyChecks(limits.checkedBodiesMax);
    const reader = new BodyReader(segments, index, { pieceBytes: limits.readBytesMax, checks });
    const ranges = new RangeReader(segments, { ...limits, checks });
    const writers = { queue, writer: bodyWriter, checkpoints };
    const compactor = new Compactor({ segments, index, limits, log, onStep, ...writers });
    this.#parts = parts;
    this.#segments = segments;
    this.#index = index;
    this.#writer = writer;
    this.#heads = heads;
    this.#queue = queue;
    this.#transactionContext = { heads, segments, now, transactionIdKeptMs };
    this.#checkpoints = checkpoints;
    this.#log = new MailboxLog({ index, heads, checkpoints, limits, log, onStep });
    this.#compactor = compactor;
    this.#touched = new Touched(limits.touchedMax);
    this.directory = new LevelDirectory(queue, index, limits);
    this.blobs = {
      stage: (body) => bodyWriter.stage(body),
      read: (blob, range) => reader.read(blob, range),
      readRanges: (wanted, room) => ranges.read(wanted, room),
      compact: (references) => compactor.compact(references),
    };
    const write: DriverInside["write"] = async (operations) => {
      for (let at = 0; at < operations.length; at += limits.sliceEntriesMax) {
        const some = operations.slice(at, at + limits.sliceEntriesMax);
        await new Promise<void>((resolve, reject) => queue.add(new IndexRequest(some, { resolve, reject })));
      }
    };
    this.inside = { index, segments, openedAt: writer.end, write };
    index.replay = async () => {
      await replayLog(segments, index, { checkpoint: await readCheckpoint(index), until: queue.end });
    };
  }

  commit(
    transactions: readonly Transaction[],
    { allOrNone = false }: { readonly allOrNone?: boolean } = {},
  ): Promise<readonly CommitResult[]> {
    return new Promise((resolve, reject) => {
      const settle = { resolve, reject };
      this.#queue.add(new TransactionRequest(this.#transactionContext, transactions, { allOrNone, settle }));
    });
  }

  get committing(): Promise<void> | undefined {
    return this.#queue.committing;
  }

  head(account: AccountId): Promise<AccountHead | undefined> {
    return this.#heads.read(account);
  }

  log(
    account: AccountId,
    after: Cursor,
    options: { readonly mailbox?: MailboxId; readonly limit: number },
  ): Promise<LogPage> {
    return this.#log.page(account, after, options);
  }

  trimLog(account: AccountId, floor: Cursor): Promise<readonly MailboxId[]> {
    return this.#log.trim(account, floor);
  }

  chunks(
    account: AccountId,
    mailbox: MailboxId,
    range: { readonly column: number; readonly from: number; readonly to: number },
  ): Promise<readonly Chunk[]> {
    return this.#log.chunks(account, mailbox, range);
  }

  snapshotCursor(account: AccountId, mailbox: MailboxId): Promise<Cursor> {
    return this.#log.snapshotCursor(account, mailbox);
  }

  saveSnapshot(snapshot: Snapshot): Promise<boolean> {
    return this.#log.saveSnapshot(snapshot);
  }

  listen(listener: HintListener): () => void {
    const entry = { hear: listener };
    this.#listeners.add(entry);
    return () => this.#listeners.delete(entry);
  }

  async sweep(since: Uint8Array | null): Promise<SweepResult> {
    const next = this.#touched.cursor();
    const known = since === null ? undefined : this.#touched.since(since);
    return { cursor: next, touched: known ?? (await this.#everyAccount()) };
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #everyAccount(): Promise<[AccountId, Cursor][]> {
    const accounts: [AccountId, Cursor][] = [];
    await this.#index.settled();
    for await (const slice of this.#index.slices(everyHeadRange(), this.#parts.limits.sliceEntriesMax)) {
      for (const [key, value] of slice) {
        const { type, account } = parseHeadKey(key);
        if (type === "account") accounts.push([account, cursorOf(value)]);
      }
    }
    return accounts;
  }

  #tell(records: readonly LogRecord[]): void {
    for (const record of records) {
      this.#touched.note(record);
      for (const { hear } of this.#listeners) {
        try {
          hear(record);
        } catch (error) {
          // What is durable is durable, whatever a listener makes of it.
          this.#parts.log.warn({ error }, "a listener failed");
        }
      }
    }
    if (this.#checkpointing || this.#writer.bytesSinceCheckpoint < this.#parts.limits.checkpointBytes) return;
    this.#checkpointing = true;
    void this.#takeCheckpoint().then(() => {
      this.#checkpointing = false;
    });
  }

  /** Nothing is lost without one: the next open only reads more of the log. */
  async #takeCheckpoint(): Promise<void> {
    try {
      await this.#checkpoints.take();
    } catch (error) {
      // What the storage refuses, its watch has told.
      if (!(error instanceof Refusal)) this.#parts.log.warn({ error }, "no checkpoint could be taken");
    }
  }

  async #close(): Promise<void> {
    const { onStep, log } = this.#parts;
    onStep("close:begun");
    await this.#compactor.close();
    await this.#queue.close();
    try {
      await this.#writer.close();
    } catch (error) {
      log.warn({ error }, "the end of the log could not be closed");
    }
    await this.#takeCheckpoint();
    onStep("close:checkpointed");
    await this.#segments.close();
    try {
      await this.#index.close();
    } finally {
      await this.#parts.release();
    }
  }
}

interface OpenedLog {
  readonly segments: Segments;
  readonly index: KeyIndex;
  readonly writer: LogWriter;
  /** The one that the index was found with. */
  readonly checkpoint: Checkpoint | undefined;
}

/** Opens a store on its parts: replays what a crash left behind, and says in one line what that was. */
export async function openDriver(given: DriverParts): Promise<LevelDriver> {
  const parts = { ...given, log: harmless(given.log) };
  const { limits, onStep, log, now } = parts;
  checkLevelLimits(limits);
  const watch = new StorageWatch({ onStep, log, now, troubleLogMs: limits.troubleLogMs });
  const index = new KeyIndex(parts.index, watch);
  const segments = await Segments.list(new WatchedFiles(parts.files, watch), limits);
  try {
    return await openOn(parts, segments, index);
  } catch (error) {
    await segments.close();
    throw error;
  }
}

async function openOn(parts: DriverParts, segments: Segments, index: KeyIndex): Promise<LevelDriver> {
  const { limits, onStep, log } = parts;
  const beganMs = performance.now();
  const checkpoint = await readCheckpoint(index);
  segments.nextNumber = Math.max(segments.nextNumber, checkpoint?.nextNumber ?? 0);
  const recovery = await index.turn(() => replayLog(segments, index, { checkpoint }));
  const leftovers = await removeLeftovers(segments, checkpoint, recovery);
  const writer = await LogWriter.resume({ segments, limits, onStep }, recovery.end, {
    abandoned: recovery.cutBytes > 0 || recovery.short !== undefined,
  });
  const { transactions, bytes, cutBytes, damages } = recovery;
  writer.bytesSinceCheckpoint = bytes;
  if (recovery.short !== undefined) log.warn({ damage: recovery.short.message }, "the log is damaged");
  for (const { message } of damages) log.warn({ damage: message }, "a body is damaged");
  const ms = Math.round(performance.now() - beganMs);
  log.info({ transactions, bytes, cutBytes, leftovers, damaged: damages.length, ms }, "store recovered");
  return new LevelDriver(parts, { segments, index, writer, checkpoint });
}
