// The metadata of an account in memory (RFC 5464): the entries of its mailboxes, and its own.
// It changes by applying the heads that committed records leave, and in no other way.
import { ByteReader, ByteWriter } from "./byte-codec.ts";
import type { MailboxHead } from "./driver.ts";
import { mailboxId, METADATA_FIRST, type Cursor, type MailboxId } from "./ids.ts";
import type { MetadataEntry } from "./store.ts";

/** What an entry costs besides its name and value. */
const ENTRY_BYTES = 100;

/** What the properties of an entry's head hold. */
export interface EntryProperties extends MetadataEntry {
  /** Whose it is; 0 is the account itself. */
  readonly mailbox: MailboxId;
}

export interface StoredEntry extends EntryProperties {
  readonly id: MailboxId;
  readonly guard: Cursor;
  /** What it counts for within the account's bound. */
  readonly bytes: number;
}

export class AccountMetadata {
  /** Undefined until there is one: most accounts have none. */
  #entries: Map<MailboxId, StoredEntry> | undefined;
  /** By the mailbox, and by the name in small letters. */
  #named: Map<MailboxId, Map<string, StoredEntry>> | undefined;
  #next = METADATA_FIRST;
  bytes = 0;

  /** An id that no entry has. */
  get next(): MailboxId {
    return this.#next;
  }

  of(mailbox: MailboxId): readonly StoredEntry[] {
    return [...(this.#named?.get(mailbox)?.values() ?? [])];
  }

  find(mailbox: MailboxId, name: string): StoredEntry | undefined {
    return this.#named?.get(mailbox)?.get(name.toLowerCase());
  }

  /** The head of an entry as a record has left it; null where it was removed. */
  apply(id: MailboxId, head: MailboxHead | null): void {
    this.#remove(id);
    if (head === null) return;
    this.passOver(id);
    const { mailbox, name, value } = decodeEntry(head.properties);
    // A copy: whatever the record lies in is not kept for it.
    const own = new Uint8Array(value);
    const entry = { id, guard: head.guard, mailbox, name, value: own, bytes: bytesOf(head.properties) };
    (this.#entries ??= new Map()).set(id, entry);
    this.bytes += entry.bytes;
    this.#named ??= new Map();
    let named = this.#named.get(mailbox);
    if (named === undefined) this.#named.set(mailbox, (named = new Map()));
    named.set(name.toLowerCase(), entry);
  }

  /** No other entry gets an id that is taken. */
  passOver(id: MailboxId): void {
    if (id >= this.#next) this.#next = mailboxId(id + 1);
  }

  #remove(id: MailboxId): void {
    const entry = this.#entries?.get(id);
    if (entry === undefined) return;
    this.#entries?.delete(id);
    this.bytes -= entry.bytes;
    const named = this.#named?.get(entry.mailbox);
    named?.delete(entry.name.toLowerCase());
    if (named?.size === 0) this.#named?.delete(entry.mailbox);
  }
}

export function bytesOf(properties: Uint8Array): number {
  return properties.length + ENTRY_BYTES;
}

export function encodeEntry({ mailbox, name, value }: EntryProperties): Uint8Array {
  return new ByteWriter().integer(mailbox).string(name).bytes(value).finish();
}

export function decodeEntry(properties: Uint8Array): EntryProperties {
  const reader = new ByteReader(properties);
  return { mailbox: mailboxId(reader.integer()), name: reader.string(), value: reader.bytes() };
}
