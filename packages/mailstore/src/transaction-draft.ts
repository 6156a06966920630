// A transaction in the making: facts by mailbox, with the counters that go with them.
import { EncodedRows, type AppendedRow } from "./appended-rows.ts";
import type { StagedBlob, Transaction, TransactionPart } from "./driver.ts";
import { keywordsOf } from "./flag-sets.ts";
import { ACCOUNT_DIRECTORY, type AccountId, type Cursor, type MailboxId } from "./ids.ts";
import { encodeFacts, type MailboxFact } from "./log-record.ts";
import type { AppendedBy } from "./change.ts";
import type { UidSet } from "./uid-set.ts";

/** Messages and octets, as they come into or leave a mailbox. */
export interface Counts {
  readonly messages: number;
  readonly unseen: number;
  readonly deleted: number;
  readonly bytes: number;
}

/** What messages add to the counters of a mailbox when they come, and take from them when they go. */
export function countsOf(rows: readonly Pick<AppendedRow, "flags" | "sizeBytes">[]): Counts {
  let [unseen, deleted, bytes] = [0, 0, 0];
  for (const row of rows) {
    const flags = row.flags.map((flag) => flag.toLowerCase());
    if (!flags.includes("\\seen")) unseen++;
    if (flags.includes("\\deleted")) deleted++;
    bytes += row.sizeBytes;
  }
  return { messages: rows.length, unseen, deleted, bytes };
}

export const NO_COUNTS: Counts = { messages: 0, unseen: 0, deleted: 0, bytes: 0 };

export function addCounts(a: Counts, b: Counts): Counts {
  return {
    messages: a.messages + b.messages,
    unseen: a.unseen + b.unseen,
    deleted: a.deleted + b.deleted,
    bytes: a.bytes + b.bytes,
  };
}

/** What of them a mailbox has counted: less than there is, where the index has lost a change. */
export function countedOf(counts: Counts, head: Counts): Counts {
  return {
    messages: Math.min(counts.messages, head.messages),
    unseen: Math.min(counts.unseen, head.unseen),
    deleted: Math.min(counts.deleted, head.deleted),
    bytes: Math.min(counts.bytes, head.bytes),
  };
}

class PartDraft {
  readonly facts: MailboxFact[] = [];
  /** The newest fact of messages that came: one more is added to it. */
  appended: { type: "appended"; by: AppendedBy; rows: EncodedRows } | null = null;
  /** Of the messages that come, in lower case. */
  keywords: Set<string> | undefined;
  guard: Cursor | undefined;
  propertiesBefore: Uint8Array | undefined;
  properties: Uint8Array | null | undefined;
  allocate = 0;
  messages = 0;
  unseen = 0;
  deleted = 0;
  bytes = 0;

  count(counts: Partial<Counts>, sign: 1 | -1): void {
    this.messages += sign * (counts.messages ?? 0);
    this.unseen += sign * (counts.unseen ?? 0);
    this.deleted += sign * (counts.deleted ?? 0);
    this.bytes += sign * (counts.bytes ?? 0);
  }
}

export class TransactionDraft {
  readonly #account: AccountId;
  readonly #parts = new Map<MailboxId, PartDraft>();
  readonly #blobs: StagedBlob[] = [];

  constructor(account: AccountId) {
    this.#account = account;
  }

  /** The position of a body among those of the transaction. */
  blob(blob: StagedBlob): number {
    const known = this.#blobs.indexOf(blob);
    return known >= 0 ? known : this.#blobs.push(blob) - 1;
  }

  /** Appends rows; returns the position of the first one's UID among those that the mailbox gives out. */
  append(mailbox: MailboxId, by: AppendedBy, rows: readonly AppendedRow[]): number {
    const part = this.#part(mailbox);
    const position = part.allocate;
    part.allocate += rows.length;
    part.count(countsOf(rows), 1);
    let last = part.appended;
    if (last === null || last !== part.facts.at(-1) || last.by !== by) {
      part.facts.push((last = part.appended = { type: "appended", by, rows: new EncodedRows() }));
    }
    for (const row of rows) {
      last.rows.add(row);
      if (row.flags.length > 0) keywordsOf(row.flags, (part.keywords ??= new Set()));
    }
    return position;
  }

  /** The keywords of the messages that come, in lower case, by mailbox. */
  *keywords(): Generator<readonly [MailboxId, ReadonlySet<string>]> {
    for (const [mailbox, { keywords }] of this.#parts) {
      if (keywords !== undefined && keywords.size > 0) yield [mailbox, keywords];
    }
  }

  expunge(mailbox: MailboxId, guard: Cursor, gone: { uids: UidSet; by: "expunge" | "move"; counts: Counts }): this {
    const part = this.#part(mailbox);
    part.guard = guard;
    part.facts.push({ type: "expunged", by: gone.by, uids: gone.uids });
    part.count(gone.counts, -1);
    return this;
  }

  /** States any other fact of a mailbox, with the changes of its counters. */
  state(mailbox: MailboxId, guard: Cursor | undefined, fact: MailboxFact, counts: Partial<Counts> = {}): this {
    const part = this.#part(mailbox);
    if (guard !== undefined) part.guard = guard;
    part.facts.push(fact);
    part.count(counts, 1);
    return this;
  }

  /** New properties; null deletes the mailbox. */
  properties(mailbox: MailboxId, guard: Cursor | undefined, properties: Uint8Array | null): this {
    const part = this.#part(mailbox);
    if (guard !== undefined) part.guard = guard;
    part.properties = properties;
    return this;
  }

  /** Has the commit refused where the mailbox' properties are others by then than the first that was relied on. */
  rely(mailbox: MailboxId, propertiesBefore: Uint8Array): void {
    this.#part(mailbox).propertiesBefore ??= propertiesBefore;
  }

  finish(options: { readonly enforceQuota: boolean; readonly limits?: Transaction["limits"] }): Transaction {
    const parts = Array.from(this.#parts, ([mailbox, draft]): TransactionPart => {
      const { facts, guard, propertiesBefore, properties, allocate, messages, unseen, deleted, bytes } = draft;
      return {
        mailbox,
        allocate,
        messages,
        unseen,
        deleted,
        bytes,
        ...(guard === undefined ? {} : { guard }),
        ...(propertiesBefore === undefined ? {} : { propertiesBefore }),
        record: facts.length === 0 ? new Uint8Array(0) : encodeFacts(facts),
        ...(properties === undefined ? {} : { properties }),
      };
    });
    return {
      account: this.#account,
      blobs: this.#blobs,
      enforceQuota: options.enforceQuota,
      ...(options.limits === undefined ? {} : { limits: options.limits }),
      parts: parts.length > 0 ? parts : [emptyPart()],
    };
  }

  #part(mailbox: MailboxId): PartDraft {
    let part = this.#parts.get(mailbox);
    if (part === undefined) this.#parts.set(mailbox, (part = new PartDraft()));
    return part;
  }
}

/** A transaction that changes the account alone still names it. */
function emptyPart(): TransactionPart {
  const record = new Uint8Array(0);
  return { mailbox: ACCOUNT_DIRECTORY, allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0, record };
}
