// The directory: names and values, written through the same log and the same queue as the transactions.
import type { Directory, DirectoryEntry } from "../driver.ts";
import type { CommitQueue, CommitRequest } from "./commit-queue.ts";
import type { Group } from "./group.ts";
import type { KeyIndex } from "./key-index.ts";
import { directoryKey, directoryRange, nameOfDirectoryKey } from "./keys.ts";

export class LevelDirectory implements Directory {
  readonly #queue: CommitQueue;
  readonly #index: KeyIndex;
  readonly #sliceEntries: number;

  constructor(queue: CommitQueue, index: KeyIndex, sliceEntries: number) {
    this.#queue = queue;
    this.#index = index;
    this.#sliceEntries = sliceEntries;
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    await this.#index.settled();
    return this.#index.get(directoryKey(key));
  }

  put(entries: readonly DirectoryEntry[]): Promise<boolean> {
    return new Promise((resolve, reject) => {
      this.#queue.add(new DirectoryRequest(entries, { resolve, reject }));
    });
  }

  async *list(prefix: string): AsyncGenerator<readonly [string, Uint8Array]> {
    await this.#index.settled();
    for await (const slice of this.#index.slices(directoryRange(prefix), this.#sliceEntries)) {
      for (const [key, value] of slice) yield [nameOfDirectoryKey(key), value];
    }
  }
}

interface Settle {
  readonly resolve: (written: boolean) => void;
  readonly reject: (error: unknown) => void;
}

class DirectoryRequest implements CommitRequest {
  readonly bytes: number;
  readonly heads: readonly [] = [];
  readonly lookups: readonly Buffer[];
  readonly #entries: readonly DirectoryEntry[];
  readonly #settle: Settle;
  #written = false;

  constructor(entries: readonly DirectoryEntry[], settle: Settle) {
    this.#entries = entries;
    this.#settle = settle;
    this.lookups = entries.map(({ key }) => directoryKey(key));
    this.bytes = entries.reduce((sum, { value }, i) => {
      return sum + (value?.length ?? 0) + (this.lookups[i] as Buffer).length + 32;
    }, 32);
  }

  decide(group: Group): void {
    const keys = this.lookups;
    const taken = this.#entries.some(({ ifAbsent }, i) => ifAbsent && group.lookUp(keys[i] as Buffer) !== undefined);
    if (taken) return;
    this.#written = true;
    this.#entries.forEach(({ value }, i) => group.put(keys[i] as Buffer, value));
  }

  done(): void {
    this.#settle.resolve(this.#written);
  }

  failed(error: unknown): void {
    this.#settle.reject(error);
  }
}
