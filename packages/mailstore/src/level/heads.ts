// Account heads in memory: read in one range, kept while in use and then as long as there is room.
// A head is pinned from the time a transaction of the account waits until the index holds what it wrote, so that a
// head read from the index is never an old one.
import { ByteReader, ByteWriter } from "../byte-codec.ts";
import type { AccountHead, MailboxHead, QuotaLimits } from "../driver.ts";
import { cursor, mailboxId, type AccountId, type Cursor, type MailboxId } from "../ids.ts";
import type { KeyIndex } from "./key-index.ts";
import { headRange, isAccountHeadKey, isMailboxHeadKey, parseHeadKey } from "./keys.ts";

const NONE = new Uint8Array(0);

/** What an account has besides its mailboxes. */
export interface AccountCounters {
  readonly cursor: Cursor;
  readonly bytes: number;
  readonly messages: number;
  readonly limits: QuotaLimits;
}

/** The durable state of an account; cursor 0 where it was never written. */
export interface HeadState {
  counters: AccountCounters;
  readonly mailboxes: Map<MailboxId, MailboxHead>;
  /** Records up to here were removed: to look for them once more, LevelDB would go through all that it still has of them. */
  trimmedTo: Cursor;
}

/** The head of an account that stays in memory until released. */
export interface PinnedHead {
  readonly account: AccountId;
  /** Set when `loading` has resolved. */
  state: HeadState | undefined;
  /** Undefined once there is nothing to wait for. */
  loading: Promise<void> | undefined;
  pins: number;
}

export class HeadCache {
  readonly #index: KeyIndex;
  readonly #accountsMax: number;
  readonly #heads = new Map<AccountId, PinnedHead>();

  constructor(index: KeyIndex, accountsMax: number) {
    this.#index = index;
    this.#accountsMax = accountsMax;
  }

  pin(account: AccountId): PinnedHead {
    let head = this.#heads.get(account);
    if (head === undefined) {
      head = { account, state: undefined, loading: undefined, pins: 0 };
      head.loading = this.#load(head);
      // Whoever needs it hears of a failure; nobody may be left who does.
      head.loading.catch(() => undefined);
    } else this.#heads.delete(account);
    this.#heads.set(account, head);
    head.pins++;
    return head;
  }

  release(head: PinnedHead): void {
    head.pins--;
    let tooMany = this.#heads.size - this.#accountsMax;
    // Asked before: to find the first of a map, behind the places of all that were moved to its end, takes microseconds.
    if (tooMany <= 0) return;
    for (const [account, { pins }] of this.#heads) {
      if (tooMany-- <= 0) return;
      if (pins === 0) this.#heads.delete(account);
    }
  }

  /** Undefined for an account that was never written. */
  async read(account: AccountId): Promise<AccountHead | undefined> {
    const head = this.pin(account);
    try {
      await head.loading;
      const state = stateOf(head);
      if (state.counters.cursor === 0) return undefined;
      return viewOf(account, state);
    } finally {
      this.release(head);
    }
  }

  async #load(head: PinnedHead): Promise<void> {
    try {
      await this.#index.readable();
      head.state = decodeHead(await this.#index.entries(headRange(head.account)));
      head.loading = undefined;
    } catch (error) {
      if (this.#heads.get(head.account) === head) this.#heads.delete(head.account);
      throw error;
    }
  }
}

/** The state of a head that has been loaded. */
export function stateOf(head: PinnedHead): HeadState {
  if (head.state === undefined) throw new Error(`the head of account ${head.account} is not in memory`);
  return head.state;
}

/** As callers see it. */
function viewOf(account: AccountId, { counters, mailboxes }: HeadState): AccountHead {
  const ascending = [...mailboxes.values()].sort((a, b) => a.mailbox - b.mailbox);
  return { account, ...counters, mailboxes: ascending };
}

export function encodeAccountCounters(counters: AccountCounters): Buffer {
  const { bytesMax, messagesMax } = counters.limits;
  const writer = new ByteWriter().integer(counters.cursor).integer(counters.bytes).integer(counters.messages);
  return writer.integer(bytesMax).integer(messagesMax).finish();
}

export function encodeMailboxCounters(head: MailboxHead): Buffer {
  return writeMailboxCounters(new ByteWriter(), head).finish();
}

export function writeMailboxCounters(writer: ByteWriter, head: MailboxHead): ByteWriter {
  writer.integer(head.uidNext).integer(head.modSeq).integer(head.guard);
  return writer.integer(head.messages).integer(head.unseen).integer(head.deleted).integer(head.bytes);
}

function decodeHead(entries: readonly [Buffer, Buffer][]): HeadState {
  let counters: AccountCounters = { cursor: cursor(0), bytes: 0, messages: 0, limits: { bytesMax: 0, messagesMax: 0 } };
  const mailboxes = new Map<MailboxId, MailboxHead>();
  const parsed = entries.map(([key, value]) => ({ ...parseHeadKey(key), value }));
  const keep = keeperOf(parsed.flatMap(({ type, value }) => (type === "properties" ? [value] : [])));
  for (const { type, mailbox, value } of parsed) {
    if (type === "account") counters = decodeAccountCounters(value);
    else if (type === "mailbox")
      mailboxes.set(mailbox, { ...readMailboxCounters(mailbox, new ByteReader(value)), properties: NONE });
    else mailboxes.set(mailbox, { ...(mailboxes.get(mailbox) as MailboxHead), properties: keep(value) });
  }
  return { counters, mailboxes, trimmedTo: cursor(0) };
}

/** Copies values into one buffer: each in one of its own takes four times what it holds. */
function keeperOf(values: readonly Buffer[]): (value: Buffer) => Buffer {
  const all = Buffer.allocUnsafeSlow(values.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  return (value) => all.subarray(end, (end += value.copy(all, end)));
}

function decodeAccountCounters(value: Buffer): AccountCounters {
  const reader = new ByteReader(value);
  return {
    cursor: cursor(reader.integer()),
    bytes: reader.integer(),
    messages: reader.integer(),
    limits: { bytesMax: reader.integer(), messagesMax: reader.integer() },
  };
}

export function readMailboxCounters(mailbox: MailboxId, reader: ByteReader): Omit<MailboxHead, "properties"> {
  return {
    mailbox,
    uidNext: reader.integer(),
    modSeq: cursor(reader.integer()),
    guard: cursor(reader.integer()),
    messages: reader.integer(),
    unseen: reader.integer(),
    deleted: reader.integer(),
    bytes: reader.integer(),
  };
}

/** Whether stored counters are those of a later transaction; false for what is no counters. */
export function isNewerHead(key: Buffer, one: Buffer, other: Buffer): boolean {
  if (isAccountHeadKey(key)) return cursorOf(one) > cursorOf(other);
  return isMailboxHeadKey(key) && modSeqOf(one) > modSeqOf(other);
}

function modSeqOf(value: Buffer): Cursor {
  return readMailboxCounters(mailboxId(0), new ByteReader(value)).modSeq;
}

/** The cursor of an account from its stored counters alone. */
export function cursorOf(value: Buffer): Cursor {
  return decodeAccountCounters(value).cursor;
}
