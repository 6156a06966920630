// What a client has to be told of its mailbox, and what the records of changes say of that.
import type { ChangeRecord, Cursor, MailboxId, UidRange, UidSet } from "@pushmail/mailstore";
import type { RowRange } from "./uid-rows.ts";

/** What the client must be told, in this order (RFC 9051 7.5.1: the numbers after an EXPUNGE are others). */
export interface Updates {
  /** Rows as they were before, ascending: told from the last to the first, each has its old number. */
  readonly expunged: readonly RowRange[];
  /** The same messages by their UIDs. */
  readonly vanished: UidSet;
  /** The new size, where messages have come. */
  readonly exists: number | undefined;
  /** The messages that have come, without those that the client itself has made. */
  readonly arrived: UidSet;
  /** Messages told before whose flags changed; some may be gone from the index by now. */
  readonly flags: UidSet;
  /** What the client itself has made or changed; some may be gone, or not told yet. */
  readonly own: readonly UidRange[];
}

export interface UpdateOptions {
  /** Up to where the records or the index tell everything. */
  readonly through: Cursor;
  /** Whether expunges must wait (RFC 9051 7.5.1). */
  readonly holdsExpunge: boolean;
}

/** What happened in one mailbox, record by record. */
export class MailboxNews {
  readonly appended: UidRange[] = [];
  /** What the client itself has made or changed. */
  readonly own: UidRange[] = [];
  readonly expunged: UidRange[] = [];
  readonly flagged: UidRange[] = [];
  readonly #mailbox: MailboxId;

  constructor(mailbox: MailboxId) {
    this.#mailbox = mailbox;
  }

  /** Whether a record has anything expunged in the mailbox. */
  isExpungedBy(record: ChangeRecord): boolean {
    return record.changes.some((change) => change.type === "MessageExpunged" && change.mailbox === this.#mailbox);
  }

  /** Of a record that is told but for its expunges, these alone are news. */
  add(record: ChangeRecord, { isOwn, isTold }: { readonly isOwn: boolean; readonly isTold: boolean }): void {
    for (const change of record.changes) {
      if (!("mailbox" in change) || change.mailbox !== this.#mailbox) continue;
      if (change.type === "MessageExpunged") addAll(this.expunged, change.uids);
      if (change.type === "MessageExpunged" || isTold) continue;
      if (change.type === "MessageAppended") addAll(this.appended, change.uids);
      if (isOwn && "uids" in change) addAll(this.own, change.uids);
      else if (change.type === "FlagsChanged") addAll(this.flagged, change.uids);
    }
  }
}

function addAll(ranges: UidRange[], set: UidSet): void {
  for (const range of set) ranges.push(range);
}
