// The index of the log in LevelDB. It is behind the log by one batch at most and may lose what it was not told to sync:
// everything in it either comes back by replaying the log from the checkpoint, or is a cache.
import { TurnQueue } from "../turn-queue.ts";
import { isMailboxHeadKey, parseHeadKey, snapshotRange, type KeyRange } from "./keys.ts";
import { type RangeIterator, readAll } from "./range-iterator.ts";
import type { StorageWatch } from "./storage-watch.ts";

/** What of an AbstractLevel the driver uses; keys and values are buffers. */
export interface KeyDatabase {
  open(): Promise<void>;
  close(): Promise<void>;
  get(key: Buffer): Promise<Buffer | undefined>;
  getMany(keys: Buffer[], options?: ReadOptions): Promise<(Buffer | undefined)[]>;
  iterator(range: KeyRange & { readonly limit?: number }): RangeIterator<[Buffer, Buffer]>;
  keys(range: KeyRange & { readonly limit?: number }): RangeIterator<Buffer>;
  clear(range: KeyRange): Promise<void>;
  /** Chained, because the array form takes several times the CPU. */
  batch(): {
    put(key: Buffer, value: Buffer): unknown;
    del(key: Buffer): unknown;
    write(options: { readonly sync: boolean }): Promise<void>;
  };
}

export interface ReadOptions {
  /** Whether LevelDB's cache takes in what is read; it does where nothing is said. */
  readonly fillCache: boolean;
}

/** The database with what keeps it. */
export interface IndexStorage {
  /** For messages. */
  readonly location: string;
  /** Open, with keys and values as buffers. */
  readonly database: KeyDatabase;
  /** Makes durable what was written to the database before. */
  readonly flush: () => Promise<void>;
  /** Keeps a second copy of the database, and no other. */
  readonly keep: () => Promise<void>;
  /** Gives the second copy up. */
  readonly dropKept: () => Promise<void>;
  /** Rejects where the database, once closed, could not be opened again. */
  readonly tryOpen: () => Promise<void>;
}

/** Sets a key; null removes it. */
export interface Operation {
  readonly key: Buffer;
  readonly value: Uint8Array | null;
}

export class KeyIndex {
  readonly #storage: IndexStorage;
  readonly #watch: StorageWatch;
  readonly #turns = new TurnQueue();
  #pushed: Promise<void> = Promise.resolve();
  /**
   * A write failed: LevelDB may find nothing of its log behind that place again, synced or not, so nothing more is
   * written until it was opened anew.
   */
  #fault: Error | undefined;
  /** Neither closed nor given a part of the log anew: over a newer index, that is a step back. */
  #isReadable = true;
  /** Those that have come to their end. */
  #writes = 0;
  /** Set when it closes for good: nobody may come to a closed database. */
  #isOver = false;
  #reads = 0;
  #lastRead: () => void = () => undefined;
  /** What was pushed and could not be written: reads see it all the same. */
  readonly #owed = new OwedEntries();
  #repairing: Promise<void> | undefined;
  /** Brings the index up to the log's end; set by the driver, which knows where that is. */
  replay: () => Promise<void> = () => Promise.resolve();

  constructor(storage: IndexStorage, watch: StorageWatch) {
    this.#storage = storage;
    this.#watch = watch;
  }

  /** Applies what is durable in the log, in the order of the calls. It never rejects: what fails is owed. */
  push(operations: readonly Operation[]): Promise<void> {
    this.#pushed = this.turn(() => this.apply(operations)).then(
      () => this.#watch.worked(),
      () => this.#owed.add(operations),
    );
    return this.#pushed;
  }

  /** When it resolves, reads see all that was pushed before the call. */
  async settled(): Promise<void> {
    await this.#pushed;
    await this.readable();
  }

  /** Waits for a repair under way; one that left nothing to be read is tried again, and rejects where it fails. */
  async readable(): Promise<void> {
    if (this.#repairing !== undefined) await this.#repairing.catch(() => undefined);
    if (!this.#isReadable) await this.writable();
  }

  /** After a failed write: opens the database again and replays the log. Rejects where that cannot be. */
  async writable(): Promise<void> {
    if (this.#fault === undefined) return;
    this.#repairing ??= this.turn(() => this.#repair()).finally(() => {
      this.#repairing = undefined;
    });
    await this.#repairing;
  }

  /** Runs a task that reads and writes while no other writes. */
  turn<T>(task: () => Promise<T>): Promise<T> {
    return this.#turns.run(task);
  }

  /** One atomic batch; only within a turn. The chunks of a mailbox that it removes go right behind it. */
  async apply(operations: readonly Operation[], options: { readonly sync: boolean } = { sync: false }): Promise<void> {
    await this.#write(async (database) => {
      const batch = database.batch();
      for (const { key, value } of operations) {
        if (value === null) batch.del(key);
        else batch.put(key, bufferOf(value));
      }
      await batch.write(options);
    });
    for (const { key, value } of operations) {
      if (value !== null || !isMailboxHeadKey(key)) continue;
      const { account, mailbox } = parseHeadKey(key);
      await this.clear(snapshotRange(account, mailbox));
    }
  }

  /** Makes durable everything applied before. */
  async flush(): Promise<void> {
    this.#checkOpen();
    await this.#watch.run("index:flush", this.#storage.location, this.#storage.flush);
  }

  /** Keeps a second copy of the index as it is now, or of a later moment; false where it cannot be, and there is none. */
  async keep(): Promise<boolean> {
    const { location, keep, dropKept } = this.#storage;
    try {
      await this.#watch.run("index:copy", location, keep);
      return true;
    } catch {
      await dropKept();
      return false;
    }
  }

  clear(range: KeyRange): Promise<void> {
    return this.#write((database) => database.clear(range));
  }

  async get(key: Buffer): Promise<Buffer | undefined> {
    const [value] = await this.getMany([key]);
    return value;
  }

  async getMany(keys: Buffer[], options?: ReadOptions): Promise<(Buffer | undefined)[]> {
    const found = await this.#read((database) => database.getMany(keys, options));
    return this.#owed.isEmpty ? found : keys.map((key, i) => this.#owed.over(key, found[i]));
  }

  /** The entries of a range in their order, at most `limit`; all of them where it is negative. */
  async entries(range: KeyRange, limit: number = -1): Promise<[Buffer, Buffer][]> {
    if (this.#owed.isEmpty) return this.#read((database) => readAll(database.iterator({ ...range, limit })));
    // What is owed may remove as many.
    const more = limit < 0 ? -1 : limit + this.#owed.size;
    const found = await this.#read((database) => readAll(database.iterator({ ...range, limit: more })));
    return this.#owed.merged(found, range).slice(0, limit < 0 ? undefined : limit);
  }

  async keys(range: KeyRange, limit: number): Promise<Buffer[]> {
    if (this.#owed.isEmpty) return this.#read((database) => readAll(database.keys({ ...range, limit })));
    return (await this.entries(range, limit)).map(([key]) => key);
  }

  /** The entries of a range as they were when the reading began, in slices. */
  async *slices(range: KeyRange, size: number): AsyncGenerator<[Buffer, Buffer][]> {
    this.#checkOpen();
    if (!this.#owed.isEmpty) return yield await this.entries(range);
    const iterator = this.#storage.database.iterator(range);
    try {
      for (;;) {
        const entries = await this.#read(() => iterator.nextv(size));
        if (entries.length === 0) return;
        yield entries;
      }
    } finally {
      await iterator.close();
    }
  }

  /** Lets reads and turns under way come to their end; everything later is refused. */
  async close(): Promise<void> {
    await this.turn(async () => {
      this.#isOver = true;
      if (this.#reads > 0) await new Promise<void>((resolve) => (this.#lastRead = resolve));
      await this.#storage.database.close();
    });
  }

  #checkOpen(): void {
    if (this.#isOver) throw new Error("the store is closed");
  }

  async #read<T>(read: (database: KeyDatabase) => Promise<T>): Promise<T> {
    this.#checkOpen();
    const { location, database } = this.#storage;
    this.#reads++;
    try {
      return await this.#watch.run("index:read", location, () => read(database));
    } finally {
      if (--this.#reads === 0) this.#lastRead();
    }
  }

  async #write(write: (database: KeyDatabase) => Promise<void>): Promise<void> {
    this.#checkOpen();
    if (this.#fault !== undefined) throw this.#fault;
    const { location, database } = this.#storage;
    try {
      await this.#watch.run("index:write", location, () => write(database));
      this.#writes++;
    } catch (error) {
      this.#fault ??= error as Error;
      throw error;
    }
  }

  /** What it needs to open is tried first: as long as it is open, it answers reads. */
  async #repair(): Promise<void> {
    this.#checkOpen();
    const { location, database, tryOpen } = this.#storage;
    const wasReadable = this.#isReadable;
    if (wasReadable) await this.#watch.run("index:open", location, tryOpen);
    this.#isReadable = false;
    await database.close();
    await this.#watch.run("index:open", location, () => database.open());
    this.#fault = undefined;
    const before = this.#writes;
    await this.replay().catch((error: Error) => {
      this.#fault ??= error;
      this.#isReadable = wasReadable && this.#writes === before;
      throw error;
    });
    this.#isReadable = true;
    this.#owed.clear();
  }
}

/** Few: commits are refused as long as there are any. */
class OwedEntries {
  readonly #values = new Map<string, Buffer | undefined>();

  get size(): number {
    return this.#values.size;
  }

  get isEmpty(): boolean {
    return this.#values.size === 0;
  }

  add(operations: readonly Operation[]): void {
    for (const { key, value } of operations) {
      this.#values.set(key.toString("latin1"), value === null ? undefined : bufferOf(value));
    }
  }

  clear(): void {
    this.#values.clear();
  }

  over(key: Buffer, found: Buffer | undefined): Buffer | undefined {
    const name = key.toString("latin1");
    return this.#values.has(name) ? this.#values.get(name) : found;
  }

  merged(found: readonly [Buffer, Buffer][], { gte, lt }: KeyRange): [Buffer, Buffer][] {
    const values = new Map(found.map(([key, value]) => [key.toString("latin1"), value]));
    const [first, end] = [gte.toString("latin1"), lt.toString("latin1")];
    for (const [name, value] of this.#values) {
      if (name < first || name >= end) continue;
      if (value === undefined) values.delete(name);
      else values.set(name, value);
    }
    const names = [...values.keys()].sort((a, b) => (a < b ? -1 : 1));
    return names.map((name) => [Buffer.from(name, "latin1"), values.get(name) as Buffer]);
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
