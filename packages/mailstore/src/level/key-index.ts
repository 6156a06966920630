// The index of the log in LevelDB. It is behind the log by one batch at most and may lose what it was not told to sync:
// everything in it either comes back by replaying the log from the checkpoint, or is a cache.
import { TurnQueue } from "../turn-queue.ts";
import { isMailboxHeadKey, parseHeadKey, snapshotRange, type KeyRange } from "./keys.ts";

/** What of an AbstractLevel the driver uses; keys and values are buffers. */
export interface KeyDatabase {
  open(): Promise<void>;
  close(): Promise<void>;
  get(key: Buffer): Promise<Buffer | undefined>;
  getMany(keys: Buffer[]): Promise<(Buffer | undefined)[]>;
  iterator(range: KeyRange & { readonly limit?: number }): {
    all(): Promise<[Buffer, Buffer][]>;
    nextv(size: number): Promise<[Buffer, Buffer][]>;
    close(): Promise<void>;
  };
  keys(range: KeyRange & { readonly limit?: number }): { all(): Promise<Buffer[]> };
  clear(range: KeyRange): Promise<void>;
  /** Chained, because the array form takes several times the CPU. */
  batch(): {
    put(key: Buffer, value: Buffer): unknown;
    del(key: Buffer): unknown;
    write(options: { readonly sync: boolean }): Promise<void>;
  };
}

/** Sets a key; null removes it. */
export interface Operation {
  readonly key: Buffer;
  readonly value: Uint8Array | null;
}

export class KeyIndex {
  readonly #database: KeyDatabase;
  readonly #flush: () => Promise<void>;
  readonly #turns = new TurnQueue();
  #pushed: Promise<void> = Promise.resolve();
  #fault: unknown;
  #repairing: Promise<void> | undefined;
  /** Brings the index up to the log's end; set by the driver, which knows where that is. */
  replay: () => Promise<void> = () => Promise.resolve();

  /** `flush` makes durable all that was written before. */
  constructor(database: KeyDatabase, flush: () => Promise<void>) {
    this.#database = database;
    this.#flush = flush;
  }

  /** Applies what is durable in the log, in the order of the calls. It never rejects: reads repair what failed. */
  push(operations: readonly Operation[]): Promise<void> {
    this.#pushed = this.turn(async () => {
      if (this.#fault === undefined) await this.apply(operations);
    }).catch((error: unknown) => {
      this.#fault ??= error;
    });
    return this.#pushed;
  }

  /** When it resolves, reads see all that was pushed before the call. */
  async settled(): Promise<void> {
    await this.#pushed;
    await this.healthy();
  }

  /** After a failed write: opens the database again and replays the log. Rejects where that fails too. */
  async healthy(): Promise<void> {
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
    const batch = this.#database.batch();
    for (const { key, value } of operations) {
      if (value === null) batch.del(key);
      else batch.put(key, bufferOf(value));
    }
    await batch.write(options);
    for (const { key, value } of operations) {
      if (value !== null || !isMailboxHeadKey(key)) continue;
      const { account, mailbox } = parseHeadKey(key);
      await this.#database.clear(snapshotRange(account, mailbox));
    }
  }

  /** Makes durable everything applied before. */
  async flush(): Promise<void> {
    await this.#flush();
  }

  clear(range: KeyRange): Promise<void> {
    return this.#database.clear(range);
  }

  get(key: Buffer): Promise<Buffer | undefined> {
    return this.#database.get(key);
  }

  getMany(keys: Buffer[]): Promise<(Buffer | undefined)[]> {
    return this.#database.getMany(keys);
  }

  entries(range: KeyRange, limit: number = -1): Promise<[Buffer, Buffer][]> {
    return this.#database.iterator({ ...range, limit }).all();
  }

  keys(range: KeyRange, limit: number): Promise<Buffer[]> {
    return this.#database.keys({ ...range, limit }).all();
  }

  /** The entries of a range as they were when the reading began, in slices. */
  async *slices(range: KeyRange, size: number): AsyncGenerator<[Buffer, Buffer][]> {
    const iterator = this.#database.iterator(range);
    try {
      for (;;) {
        const entries = await iterator.nextv(size);
        if (entries.length === 0) return;
        yield entries;
      }
    } finally {
      await iterator.close();
    }
  }

  async close(): Promise<void> {
    await this.turn(() => this.#database.close());
  }

  async #repair(): Promise<void> {
    await this.#database.close();
    await this.#database.open();
    await this.replay();
    this.#fault = undefined;
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
