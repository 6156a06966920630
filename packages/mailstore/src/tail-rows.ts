// The cold rows of a mailbox that no chunk holds yet. The log has them too: beyond the room that all mailboxes share they
// are let go, those of the mailbox first that nothing came to for longest, and read from the log when asked for. A mailbox
// that a snapshot is due to keeps them until it has been written: they are many, and soon they are in chunks.
import type { Cursor, Uid } from "./ids.ts";
import type { StoreLimits } from "./limits.ts";
import { SharedRoom } from "./shared-room.ts";
import type { MessageMetadata } from "./store.ts";
import { uidSetHas, uidSetSize, type UidRange, type UidSet } from "./uid-set.ts";

/** What a row takes in memory beside its summary: two objects, dates, an id and its places in tables. */
const ROW_BYTES = 500;

/** Shared by all mailboxes that nothing came to. */
const NO_RUNS: readonly OwnRun[] = [];

/** A message that came after the last snapshot. */
export interface TailRow {
  readonly metadata: MessageMetadata;
  readonly summary: Uint8Array | null;
}

/** Rows ascending, of which each is made when it is asked for. */
export interface PackedRun extends Iterable<readonly [Uid, TailRow]> {
  readonly uids: UidRange;
  /** What they take in memory. */
  readonly bytes: number;
  /** Of expunged messages too. */
  get(uid: Uid): TailRow | undefined;
  /** Those that may have a summary. */
  summarized(): Iterable<readonly [Uid, TailRow]>;
}

type OwnRun = Map<Uid, TailRow> | PackedRun;
/** As a snapshot sees it. */
export type RowRun = ReadonlyMap<Uid, TailRow> | PackedRun;

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
  readonly rows: readonly RowRun[];
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
  #runs = NO_RUNS;
  /** Those before them that a snapshot has taken and not yet written; it may be very many. */
  #taken = NO_RUNS;
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

  get(uid: Uid): TailRow | undefined {
    for (const runs of [this.#runs, this.#taken]) {
      for (const run of runs) {
        const row = run.get(uid);
        if (row !== undefined) return row;
      }
    }
    return undefined;
  }

  /** All that there is now, ascending, for a snapshot. */
  take(): TakenRows {
    // Those of a snapshot that failed come first.
    this.#taken = [...this.#taken, ...this.#runs];
    this.#runs = NO_RUNS;
    this.#takenBytes = this.bytes;
    const { records, recordBytes } = this;
    return { rows: this.#taken, records, recordBytes };
  }

  /** Rows come in the order of their UIDs and cursors. */
  add(row: TailRow, at: Cursor): void {
    let last = this.#runs.at(-1);
    if (!(last instanceof Map)) this.#runs = [...this.#runs, (last = new Map<Uid, TailRow>())];
    last.set(row.metadata.uid, row);
    this.#added(row.metadata.uid, at, rowBytes(row));
  }

  /** Very many at once. */
  addPacked(run: PackedRun, at: Cursor): void {
    this.#runs = [...this.#runs, run];
    this.#added(run.uids[1], at, run.bytes);
  }

  #added(last: Uid, at: Cursor, bytes: number): void {
    this.#through = at;
    this.#last = last;
    this.bytes += bytes;
  }

  /** All that a record says has been done. */
  settle(recordBytes: number): void {
    this.records++;
    this.recordBytes += recordBytes;
    this.#room.settle(this);
  }

  /** Lets go of what was expunged, a snapshot under way too; but packed rows are there until they are in chunks, all of them. */
  delete(uids: UidSet): void {
    for (const run of this.#runs) this.bytes -= deleteFrom(run, uids);
    for (const run of this.#taken) {
      const bytes = deleteFrom(run, uids);
      this.bytes -= bytes;
      this.#takenBytes -= bytes;
    }
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
    const first = firstOf([...this.#taken, ...this.#runs]);
    if (first === undefined) return;
    const uids = [this.#inLog?.uids[0] ?? first, this.#last] as const;
    this.#inLog = { after: this.#after, through: this.#through, uids };
    this.#runs = NO_RUNS;
    this.#forgetTaken();
    this.bytes = 0;
    this.release();
  }

  /** The snapshot under way keeps what it has. */
  #forgetTaken(): void {
    this.#taken = NO_RUNS;
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

function firstOf(runs: readonly OwnRun[]): Uid | undefined {
  for (const run of runs) {
    const [first] = run instanceof Map ? run.keys() : run.uids;
    if (first !== undefined) return first;
  }
  return undefined;
}

/** The bytes that it frees. */
function deleteFrom(run: OwnRun, uids: UidSet): number {
  if (!(run instanceof Map)) return 0;
  let bytes = 0;
  const remove = (uid: Uid): void => {
    const row = run.get(uid);
    if (row === undefined) return;
    run.delete(uid);
    bytes += rowBytes(row);
  };
  if (uidSetSize(uids) >= run.size) {
    for (const uid of run.keys()) if (uidSetHas(uids, uid)) remove(uid);
  } else {
    for (const [first, last] of uids) for (let uid = first; uid <= last; uid++) remove(uid);
  }
  return bytes;
}
