// What a client has to be told of its mailbox, and what the records of changes say of that.
import {
  EMPTY_UID_SET,
  type ChangeRecord,
  type Cursor,
  type MailboxId,
  type UidRange,
  type UidSet,
} from "@pushmail/mailstore";
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
  /** Whether expunges, and all that follows them, must wait (RFC 9051 7.5.1). */
  readonly holdsExpunge: boolean;
}

export const NO_UPDATES: Updates = {
  expunged: [],
  vanished: EMPTY_UID_SET,
  exists: undefined,
  arrived: EMPTY_UID_SET,
  flags: EMPTY_UID_SET,
  own: [],
};

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

  add(record: ChangeRecord, { isOwn }: { readonly isOwn: boolean }): void {
    for (const change of record.changes) {
      if (!("mailbox" in change) || change.mailbox !== this.#mailbox) continue;
      if (change.type === "MessageAppended") addAll(this.appended, change.uids);
      if (change.type === "MessageExpunged") addAll(this.expunged, change.uids);
      else if (isOwn && "uids" in change) addAll(this.own, change.uids);
      else if (change.type === "FlagsChanged") addAll(this.flagged, change.uids);
    }
  }
}

function addAll(ranges: UidRange[], set: UidSet): void {
  for (const range of set) ranges.push(range);
}
