// Decoded chunks of all mailboxes, the least recently used let go first, bounded by their encoded bytes.
import { SharedRoom } from "./shared-room.ts";
import type { MailboxAt } from "./store.ts";

interface Cached {
  readonly mailbox: string;
  readonly key: string;
  readonly value: Promise<unknown>;
}

export class ChunkCache {
  /** By mailbox: whoever forgets all of one goes through none of the others, of which there may be very many. */
  readonly #cached = new Map<string, Map<string, Cached>>();
  readonly #room: SharedRoom<Cached>;

  constructor(bytesMax: number) {
    this.#room = new SharedRoom<Cached>(bytesMax, (cached) => this.#remove(cached));
  }

  /** What a mailbox has under `key`; `load` is called where it is not there, and gives its size too. */
  get<T>(at: MailboxAt, key: string, load: () => Promise<{ value: T; bytes: number }>): Promise<T> {
    const known = this.#find(at, key);
    if (known !== undefined) {
      this.#room.use(known);
      return known.value as Promise<T>;
    }
    const loaded = load();
    const value = loaded.then((chunk) => chunk.value);
    const cached = { mailbox: mailboxKey(at), key, value };
    this.#add(cached);
    const isKept = (): boolean => this.#find(at, key) === cached;
    loaded.then(
      // One of nothing is an entry too.
      ({ bytes }) => isKept() && this.#room.set(cached, cached.mailbox.length + key.length + bytes),
      () => isKept() && this.#remove(cached),
    );
    return value;
  }

  /** Forgets a value; a load under way serves those who wait for it and is not kept. */
  delete(at: MailboxAt, key: string): void {
    const known = this.#find(at, key);
    if (known === undefined) return;
    this.#room.delete(known);
    this.#remove(known);
  }

  /** Forgets all of a mailbox. */
  deleteAll(at: MailboxAt): void {
    for (const cached of this.#cached.get(mailboxKey(at))?.values() ?? []) this.#room.delete(cached);
    this.#cached.delete(mailboxKey(at));
  }

  #find(at: MailboxAt, key: string): Cached | undefined {
    return this.#cached.get(mailboxKey(at))?.get(key);
  }

  #add(cached: Cached): void {
    let own = this.#cached.get(cached.mailbox);
    if (own === undefined) this.#cached.set(cached.mailbox, (own = new Map()));
    own.set(cached.key, cached);
  }

  #remove({ mailbox, key }: Cached): void {
    const own = this.#cached.get(mailbox);
    own?.delete(key);
    if (own?.size === 0) this.#cached.delete(mailbox);
  }
}

function mailboxKey({ account, mailbox }: MailboxAt): string {
  return `${account}/${mailbox}/`;
}
