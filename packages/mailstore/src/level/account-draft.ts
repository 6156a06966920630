// What the transactions of a group make of one account, before it is durable: decided here, applied when it is.
import type { MailboxHead, Transaction, TransactionPart } from "../driver.ts";
import { ACCOUNT_DIRECTORY, cursor, type AccountId, type Cursor, type MailboxId, type Uid } from "../ids.ts";
import { encodeAccountCounters, encodeMailboxCounters, type AccountCounters, type HeadState } from "./heads.ts";
import type { Operation } from "./key-index.ts";
import { accountHeadKey, mailboxHeadKey, propertiesKey } from "./keys.ts";

const UID_MAX = 2 ** 32 - 1;
const NONE = new Uint8Array(0);

export type Decision =
  | {
      readonly ok: true;
      readonly firstUids: readonly Uid[];
      /** The account after the transaction. */
      readonly counters: AccountCounters;
      /** The mailbox of each part after the transaction; null where it deleted it. */
      readonly heads: readonly (MailboxHead | null)[];
    }
  | { readonly ok: false; readonly why: "guard" | "quota" | "gone" };

export class AccountDraft {
  readonly #state: HeadState;
  #counters: AccountCounters;
  /** The mailboxes that differ from the durable state; null where deleted. */
  #mailboxes: ReadonlyMap<MailboxId, MailboxHead | null>;

  constructor(state: HeadState) {
    this.#state = state;
    this.#counters = state.counters;
    this.#mailboxes = new Map();
  }

  /** A draft of its own that starts from what this one holds. */
  fork(): AccountDraft {
    const draft = new AccountDraft(this.#state);
    draft.adopt(this);
    return draft;
  }

  adopt(other: AccountDraft): void {
    this.#counters = other.#counters;
    this.#mailboxes = other.#mailboxes;
  }

  /** Takes a transaction in, or says why not and stays as it is. Throws where the transaction contradicts itself. */
  decide(transaction: Transaction): Decision {
    const mailboxes = new Map(this.#mailboxes);
    const limits = transaction.limits ?? this.#counters.limits;
    const after = cursor(this.#counters.cursor + 1);
    const firstUids: Uid[] = [];
    let { bytes, messages } = this.#counters;
    for (const part of transaction.parts) {
      const before = this.#mailbox(mailboxes, part.mailbox);
      if (before === undefined && part.mailbox !== ACCOUNT_DIRECTORY && !part.properties) return refused("gone");
      if (part.guard !== undefined && part.guard !== this.#guard(part.mailbox)) return refused("guard");
      if (part.propertiesBefore !== undefined && !this.#hasProperties(part)) return refused("guard");
      const head = headAfter(before ?? emptyHead(part.mailbox), part, after);
      firstUids.push(head.uidNext - part.allocate);
      mailboxes.set(part.mailbox, part.properties === null ? null : head);
      // A deleted mailbox takes along what it still held.
      bytes += part.bytes - (part.properties === null ? head.bytes : 0);
      messages += part.messages - (part.properties === null ? head.messages : 0);
    }
    const grown = { bytes: bytes > this.#counters.bytes, messages: messages > this.#counters.messages };
    const overBytes = grown.bytes && limits.bytesMax > 0 && bytes > limits.bytesMax;
    const overMessages = grown.messages && limits.messagesMax > 0 && messages > limits.messagesMax;
    if (transaction.enforceQuota && (overBytes || overMessages)) return refused("quota");
    this.#counters = { cursor: after, bytes, messages, limits };
    this.#mailboxes = mailboxes;
    const heads = transaction.parts.map(({ mailbox }) => mailboxes.get(mailbox) ?? null);
    return { ok: true, firstUids, counters: this.#counters, heads };
  }

  /** The index operations that make the draft the durable state. */
  *operations(account: AccountId): Generator<Operation> {
    if (this.#counters === this.#state.counters) return;
    yield { key: accountHeadKey(account), value: encodeAccountCounters(this.#counters) };
    for (const [mailbox, head] of this.#mailboxes) {
      const before = this.#state.mailboxes.get(mailbox);
      if (head === null && before === undefined) continue;
      yield { key: mailboxHeadKey(account, mailbox), value: head && encodeMailboxCounters(head) };
      if (head?.properties === before?.properties) continue;
      yield { key: propertiesKey(account, mailbox), value: head && head.properties };
    }
  }

  /** Makes it the state in memory; called when it is durable. */
  apply(): void {
    this.#state.counters = this.#counters;
    for (const [mailbox, head] of this.#mailboxes) {
      if (head === null) this.#state.mailboxes.delete(mailbox);
      else this.#state.mailboxes.set(mailbox, head);
    }
  }

  #mailbox(drafted: ReadonlyMap<MailboxId, MailboxHead | null>, mailbox: MailboxId): MailboxHead | undefined {
    const head = drafted.get(mailbox);
    return head === undefined ? this.#state.mailboxes.get(mailbox) : (head ?? undefined);
  }

  /** The guard before the transaction; 0 for a mailbox that is not there. */
  #guard(mailbox: MailboxId): number {
    return this.#mailbox(this.#mailboxes, mailbox)?.guard ?? 0;
  }

  #hasProperties({ mailbox, propertiesBefore = NONE }: TransactionPart): boolean {
    const { properties = NONE } = this.#mailbox(this.#mailboxes, mailbox) ?? {};
    return properties === propertiesBefore || Buffer.compare(properties, propertiesBefore) === 0;
  }
}

function refused(why: "guard" | "quota" | "gone"): Decision {
  return { ok: false, why };
}

function emptyHead(mailbox: MailboxId): MailboxHead {
  const none = cursor(0);
  const counters = { uidNext: 1, modSeq: none, guard: none, messages: 0, unseen: 0, deleted: 0, bytes: 0 };
  return { mailbox, ...counters, properties: NONE };
}

function headAfter(before: MailboxHead, part: TransactionPart, at: Cursor): MailboxHead {
  const onlyAppends = part.guard === undefined && part.properties === undefined;
  const head: MailboxHead = {
    mailbox: part.mailbox,
    uidNext: before.uidNext + part.allocate,
    modSeq: at,
    guard: onlyAppends ? before.guard : at,
    messages: before.messages + part.messages,
    unseen: before.unseen + part.unseen,
    deleted: before.deleted + part.deleted,
    bytes: before.bytes + part.bytes,
    properties: part.properties?.slice() ?? before.properties,
  };
  const { uidNext, messages, unseen, deleted, bytes } = head;
  if (uidNext > UID_MAX) throw new RangeError(`mailbox ${part.mailbox} has no UIDs left`);
  if (Math.min(messages, unseen, deleted, bytes) < 0) {
    throw new RangeError(`a counter of mailbox ${part.mailbox} would fall below zero`);
  }
  return head;
}
