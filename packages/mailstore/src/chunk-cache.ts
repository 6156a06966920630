// Decoded chunks of all mailboxes, the least recently used let go first, bounded by their encoded bytes.
import { SharedRoom } from "./shared-room.ts";
import type { MailboxAt } from "./store.ts";

export class ChunkCache {
  readonly #cached = new Map<string, Promise<unknown>>();
  readonly #room: SharedRoom<string>;

  constructor(bytesMax: number) {
    this.#room = new SharedRoom<string>(bytesMax, (key) => this.#cached.delete(key));
  }

  /** The value under `key`; `load` is called where it is not there, and gives its size too. */
  get<T>(key: string, load: () => Promise<{ value: T; bytes: number }>): Promise<T> {
    const known = this.#cached.get(key);
    if (known !== undefined) {
      this.#room.use(key);
      return known as Promise<T>;
    }
    const loaded = load();
    const value = loaded.then((chunk) => chunk.value);
    this.#cached.set(key, value);
    const isKept = (): boolean => this.#cached.get(key) === value;
    loaded.then(
      // One of nothing is an entry too.
      ({ bytes }) => isKept() && this.#room.set(key, key.length + bytes),
      () => isKept() && this.delete(key),
    );
    return value;
  }

  /** Forgets a value; a load under way serves those who wait for it and is not kept. */
  delete(key: string): void {
    this.#room.delete(key);
    this.#cached.delete(key);
  }

  /** Forgets all whose key starts with `prefix`. */
  deleteAll(prefix: string): void {
    for (const key of this.#cached.keys()) if (key.startsWith(prefix)) this.delete(key);
  }
}

/** What all that is cached of a mailbox begins with. */
export function mailboxKey({ account, mailbox }: MailboxAt): string {
  return `${account}/${mailbox}/`;
}
