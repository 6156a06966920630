// Up to where a mailbox has been read. No order of answers is assumed: a read that breaks leaves out no mail of a lower
// UID, and none that was delivered is delivered again.

/** A position as it is kept: everything up to `uid` was delivered, and the UIDs in `above`. */
export interface MailboxPosition {
  readonly uidValidity: string;
  readonly uid: number;
  readonly above: readonly number[];
}

/** The position of a mailbox under one UIDVALIDITY. */
export class ReadPosition {
  readonly uidValidity: string;
  #uid: number;
  #above: Set<number>;

  constructor({ uidValidity, uid, above }: MailboxPosition) {
    this.uidValidity = uidValidity;
    this.#uid = uid;
    this.#above = new Set(above);
  }

  /** The lowest UID that may not have been delivered. */
  get next(): number {
    return this.#uid + 1;
  }

  has(uid: number): boolean {
    return uid <= this.#uid || this.#above.has(uid);
  }

  add(uid: number): void {
    this.#above.add(uid);
  }

  /** A read came to its end: all up to this UID was seen, or with none given all that there is. */
  complete(upTo: number = Number.POSITIVE_INFINITY): void {
    const delivered = [...this.#above];
    this.#uid = delivered.reduce((last, uid) => (uid <= upTo ? Math.max(last, uid) : last), this.#uid);
    this.#above = new Set(delivered.filter((uid) => uid > this.#uid));
  }

  toJSON(): MailboxPosition {
    return { uidValidity: this.uidValidity, uid: this.#uid, above: [...this.#above] };
  }
}
