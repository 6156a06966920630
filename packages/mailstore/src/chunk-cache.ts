// Decoded chunks of all mailboxes, the least recently used let go first, bounded by their encoded bytes.
import type { MailboxAt } from "./store.ts";

interface Cached {
  readonly value: Promise<unknown>;
  bytes: number;
}

export class ChunkCache {
  readonly #bytesMax: number;
  readonly #cached = new Map<string, Cached>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The value under `key`; `load` is called where it is not there, and gives its size too. */
  get<T>(key: string, load: () => Promise<{ value: T; bytes: number }>): Promise<T> {
    const known = this.#cached.get(key);
    if (known !== undefined) {
      this.#cached.delete(key);
      this.#cached.set(key, known);
      return known.value as Promise<T>;
    }
    const cached: Cached = { value: this.#load(key, load), bytes: 0 };
    this.#cached.set(key, cached);
    return cached.value as Promise<T>;
  }

  /** Forgets a value; a load under way serves those who wait for it and is not kept. */
  delete(key: string): void {
    const known = this.#cached.get(key);
    if (known === undefined) return;
    this.#bytes -= known.bytes;
    this.#cached.delete(key);
  }

  /** Forgets all whose key starts with `prefix`. */
  deleteAll(prefix: string): void {
    for (const key of this.#cached.keys()) if (key.startsWith(prefix)) this.delete(key);
  }

  async #load<T>(key: string, load: () => Promise<{ value: T; bytes: number }>): Promise<T> {
    // The entry is in the map before the first await returns: it is the one to fill or to remove.
    await Promise.resolve();
    const own = this.#cached.get(key);
    try {
      const { value, bytes } = await load();
      if (own !== undefined && this.#cached.get(key) === own) {
        own.bytes = bytes;
        this.#bytes += bytes;
        this.#shrink();
      }
      return value;
    } catch (error) {
      if (this.#cached.get(key) === own) this.#cached.delete(key);
      throw error;
    }
  }

  #shrink(): void {
    for (const key of this.#cached.keys()) {
      if (this.#bytes <= this.#bytesMax || this.#cached.size <= 1) return;
      this.delete(key);
    }
  }
}

/** What all that is cached of a mailbox begins with. */
export function mailboxKey({ account, mailbox }: MailboxAt): string {
  return `${account}/${mailbox}/`;
}
