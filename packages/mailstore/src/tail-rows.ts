// The cold rows of a mailbox that no chunk holds yet. The log has them too: beyond the room that all mailboxes share they
// are let go, those of the mailbox first that nothing came to for longest, and read from the log when asked for. A mailbox
// that a snapshot is due to keeps them until it has been written: they are many, and soon they are in chunks.
import type { Cursor, Uid } from "./ids.ts";
import type { StoreLimits } from "./limits.ts";
import { SharedRoom } from "./shared-room.ts";
import type { MessageMetadata } from "./store.ts";
import type { UidRange } from "./uid-set.ts";

/** What a row takes in memory beside its summary: two objects, dates, an id and its places in tables. */
const ROW_BYTES = 500;

/** Shared by all mailboxes that nothing came to: a map of its own would take 0.2 KiB of each. */
const NO_ROWS: Map<Uid, TailRow> = new Map();

/** A message that came after the last snapshot. */
export interface TailRow {
  readonly metadata: MessageMetadata;
  readonly summary: Uint8Array | null;
}

/** Rows that are in the log alone: those of records behind `after`, up to `through`. */
export interface RowsInLog {
  readonly after: Cursor;
  readonly through: Cursor;
  readonly uids: UidRange;
}

/** Records, and their bytes, behind a mailbox' snapshot. */
export interface Tail {
  readonly records: number;
  readonly recordBytes: number;
}

/** Whether enough came since the last snapshot for a new one. */
export function wantsSnapshot(limits: StoreLimits, { records, recordBytes }: Tail): boolean {
  return records > limits.tailRecordsMax || recordBytes > limits.tailBytesMax;
}

/** What a snapshot takes in. */
export interface TakenRows extends Tail {
  readonly rows: ReadonlyMap<Uid, TailRow>;
}

export class TailRoom {
  readonly #limits: StoreLimits;
  readonly #room: SharedRoom<TailRows>;

  constructor(limits: StoreLimits) {
    this.#limits = limits;
    this.#room = new SharedRoom<TailRows>(limits.tailRowBytesMax, (rows) => rows.letGo());
  }

  /** What the rows in memory take that may be let go. */
  get bytes(): number {
    return this.#room.size;
  }

  settle(rows: TailRows): void {
    this.#room.set(rows, wantsSnapshot(this.#limits, rows) ? 0 : rows.bytes);
  }

  release(rows: TailRows): void {
    this.#room.delete(rows);
  }
}

export class TailRows implements Tail {
  records = 0;
  recordBytes = 0;
  /** What the rows take in memory. */
  bytes = 0;
  readonly #room: TailRoom;
  #rows = NO_ROWS;
  /** Those before them that a snapshot has taken and not yet written; it may be very many. */
  #taken = NO_ROWS;
  #takenBytes = 0;
  /** The cursor of the snapshot that the rows come behind, and of the newest row. */
  #after: Cursor;
  #through: Cursor;
  #last: Uid = 0;
  #inLog: RowsInLog | null = null;

  constructor(room: TailRoom, snapshot: Cursor) {
    this.#room = room;
    this.#after = snapshot;
    this.#through = snapshot;
  }

  /** What was let go and no snapshot has covered since. */
  get inLog(): RowsInLog | null {
    return this.#inLog;
  }

  get size(): number {
    return this.#taken.size + this.#rows.size;
  }

  get(uid: Uid): TailRow | undefined {
    return this.#rows.get(uid) ?? this.#taken.get(uid);
  }

  *uids(): Generator<Uid> {
    yield* this.#taken.keys();
    yield* this.#rows.keys();
  }

  /** All that there is now, ascending, for a snapshot; what is expunged meanwhile goes from it. */
  take(): TakenRows {
    if (this.#taken.size === 0) this.#taken = this.#rows;
    // Those of a snapshot that failed come first.
    else for (const [uid, row] of this.#rows) this.#taken.set(uid, row);
    this.#rows = NO_ROWS;
    this.#takenBytes = this.bytes;
    const { records, recordBytes } = this;
    return { rows: this.#taken, records, recordBytes };
  }

  /** Rows come in the order of their UIDs and cursors. */
  add(row: TailRow, at: Cursor): void {
    if (this.#rows === NO_ROWS) this.#rows = new Map();
    this.#rows.set(row.metadata.uid, row);
    this.#through = at;
    this.#last = row.metadata.uid;
    this.bytes += rowBytes(row);
  }

  /** All that a record says has been done. */
  settle(recordBytes: number): void {
    this.records++;
    this.recordBytes += recordBytes;
    this.#room.settle(this);
  }

  delete(uid: Uid): void {
    const row = this.get(uid);
    if (row === undefined) return;
    this.bytes -= rowBytes(row);
    if (!this.#rows.delete(uid) && this.#taken.delete(uid)) this.#takenBytes -= rowBytes(row);
  }

  /** A snapshot of `at` holds what it has taken, and all that came before it. */
  saved(at: Cursor, { records, recordBytes }: Tail): void {
    this.records -= records;
    this.recordBytes -= recordBytes;
    this.bytes -= this.#takenBytes;
    this.#forgetTaken();
    this.#after = at;
    if (this.#inLog !== null) this.#inLog = this.#inLog.through <= at ? null : { ...this.#inLog, after: at };
    this.#room.settle(this);
  }

  letGo(): void {
    const [first] = this.uids();
    if (first === undefined) return;
    const uids = [this.#inLog?.uids[0] ?? first, this.#last] as const;
    this.#inLog = { after: this.#after, through: this.#through, uids };
    this.#rows = NO_ROWS;
    this.#forgetTaken();
    this.bytes = 0;
    this.release();
  }

  /** The snapshot under way keeps what it has. */
  #forgetTaken(): void {
    this.#taken = NO_ROWS;
    this.#takenBytes = 0;
  }

  /** Gives up its room. */
  release(): void {
    this.#room.release(this);
  }
}

export function rowBytes({ summary }: TailRow): number {
  return ROW_BYTES + (summary?.length ?? 0);
}
