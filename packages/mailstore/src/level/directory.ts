// The directory: names and values, written through the same log and the same queue as the transactions. Those that were
// read are kept in memory, within a bound: each mail asks for the same few.
import type { Directory, DirectoryEntry } from "../driver.ts";
import { SharedRoom } from "../shared-room.ts";
import type { CommitQueue, CommitRequest } from "./commit-queue.ts";
import type { Group } from "./group.ts";
import type { KeyIndex } from "./key-index.ts";
import { directoryKey, directoryRange, nameOfDirectoryKey } from "./keys.ts";
import type { LevelLimits } from "./limits.ts";

export class LevelDirectory implements Directory {
  readonly #queue: CommitQueue;
  readonly #index: KeyIndex;
  readonly #limits: LevelLimits;
  /** What was read and still holds. Absence is not kept: anybody may guess names. */
  readonly #known = new Map<string, Uint8Array>();
  readonly #room: SharedRoom<string>;
  /** How often something was put: what was read before may be old. */
  #puts = 0;

  constructor(queue: CommitQueue, index: KeyIndex, limits: LevelLimits) {
    this.#queue = queue;
    this.#index = index;
    this.#limits = limits;
    this.#room = new SharedRoom<string>(limits.cachedNamesMax, (key) => this.#known.delete(key));
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const known = this.#known.get(key);
    if (known !== undefined) {
      this.#room.use(key);
      return known;
    }
    const puts = this.#puts;
    await this.#index.settled();
    const value = await this.#index.get(directoryKey(key));
    if (value !== undefined && puts === this.#puts) this.#keep(key, value);
    return value;
  }

  put(entries: readonly DirectoryEntry[]): Promise<boolean> {
    const written = (): void => {
      this.#puts++;
      for (const { key } of entries) {
        this.#known.delete(key);
        this.#room.delete(key);
      }
    };
    return new Promise((resolve, reject) => {
      this.#queue.add(new DirectoryRequest(entries, { written, resolve, reject }));
    });
  }

  async *list(prefix: string): AsyncGenerator<readonly [string, Uint8Array]> {
    await this.#index.settled();
    for await (const slice of this.#index.slices(directoryRange(prefix), this.#limits.sliceEntriesMax)) {
      for (const [key, value] of slice) yield [nameOfDirectoryKey(key), value];
    }
  }

  #keep(key: string, value: Uint8Array): void {
    this.#known.set(key, value);
    this.#room.set(key, Math.max(1, Math.ceil(value.length / this.#limits.cachedNameBytesMax)));
  }
}

interface Settle {
  /** Called before `resolve`, where something was written. */
  readonly written: () => void;
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
    if (this.#written) this.#settle.written();
    this.#settle.resolve(this.#written);
  }

  failed(error: unknown): void {
    this.#settle.reject(error);
  }
}
