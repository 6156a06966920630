// What a selected mailbox holds by sequence number, so that flag changes and expunges can be told by UID.

/** A change in a mailbox other than a new mail. */
export type MailboxEvent =
  | { readonly event: "flags"; readonly uid: number; readonly flags: readonly string[] }
  | { readonly event: "expunge"; readonly uid: number };

interface Row {
  readonly uid: number;
  readonly flags: readonly string[];
}

/** UIDs and flags in the order of sequence numbers; what it was never told it does not know. */
export class MailboxTable {
  readonly #rows: (Row | undefined)[] = [];

  put(sequence: number, uid: number, flags: ReadonlySet<string>): void {
    this.#rows[sequence - 1] = { uid, flags: lasting(flags) };
  }

  /** The flags of a message as the server tells them: an event when they are others than before. */
  changeFlags(sequence: number, flags: ReadonlySet<string>): MailboxEvent | undefined {
    const row = this.#rows[sequence - 1];
    if (row === undefined) return undefined;
    this.put(sequence, row.uid, flags);
    return difference(row, this.#rows[sequence - 1]);
  }

  expunge(sequence: number): MailboxEvent | undefined {
    if (sequence > this.#rows.length) return undefined;
    const [row] = this.#rows.splice(sequence - 1, 1);
    return row && { event: "expunge", uid: row.uid };
  }

  /** What happened to the messages of a former table of the same mailbox. */
  changesSince(former: MailboxTable): readonly MailboxEvent[] {
    const now = new Map(this.#rows.flatMap((row) => (row ? [[row.uid, row]] : [])));
    return former.#rows.flatMap((row) => (row && difference(row, now.get(row.uid))) ?? []);
  }
}

function difference(before: Row, after: Row | undefined): MailboxEvent | undefined {
  if (after === undefined) return { event: "expunge", uid: before.uid };
  if (before.flags.join(" ") === after.flags.join(" ")) return undefined;
  return { event: "flags", uid: after.uid, flags: after.flags };
}

// RFC 3501 2.3.2: \Recent belongs to one session, it is no property of the message.
function lasting(flags: ReadonlySet<string>): readonly string[] {
  return [...flags].filter((flag) => flag !== "\\Recent").toSorted();
}
