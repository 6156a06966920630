// The cold rows of a mailbox that no chunk holds yet. The log has them too: beyond the room that all mailboxes share they
// are let go, those of the mailbox first that nothing came to for longest, and read from the log when asked for.
import type { Cursor, Uid } from "./ids.ts";
import { SharedRoom } from "./shared-room.ts";
import type { MessageMetadata } from "./store.ts";
import type { UidRange } from "./uid-set.ts";

/** What a row takes in memory beside its summary: two objects, dates, an id and its places in tables. */
const ROW_BYTES = 500;

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

export type TailRoom = SharedRoom<TailRows>;

export function tailRoom(bytesMax: number): TailRoom {
  return new SharedRoom<TailRows>(bytesMax, (rows) => rows.letGo());
}

export class TailRows {
  readonly #room: TailRoom;
  readonly #rows = new Map<Uid, TailRow>();
  #bytes = 0;
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
    return this.#rows.size;
  }

  get(uid: Uid): TailRow | undefined {
    return this.#rows.get(uid);
  }

  uids(): IterableIterator<Uid> {
    return this.#rows.keys();
  }

  /** The rows in memory, which stay as they are now. */
  copy(): Map<Uid, TailRow> {
    return new Map(this.#rows);
  }

  /** Rows come in the order of their UIDs and cursors. */
  add(row: TailRow, at: Cursor): void {
    this.#rows.set(row.metadata.uid, row);
    this.#through = at;
    this.#last = row.metadata.uid;
    this.#grow(rowBytes(row));
  }

  delete(uid: Uid): void {
    const row = this.#rows.get(uid);
    if (row === undefined) return;
    this.#rows.delete(uid);
    this.#grow(-rowBytes(row));
  }

  /** A snapshot of `at` holds these rows, and all that came before it. */
  saved(at: Cursor, rows: ReadonlyMap<Uid, TailRow>): void {
    for (const [uid, row] of rows) if (this.#rows.get(uid) === row) this.delete(uid);
    this.#after = at;
    if (this.#inLog !== null) this.#inLog = this.#inLog.through <= at ? null : { ...this.#inLog, after: at };
  }

  letGo(): void {
    const [first] = this.#rows.keys();
    if (first === undefined) return;
    const uids = [this.#inLog?.uids[0] ?? first, this.#last] as const;
    this.#inLog = { after: this.#after, through: this.#through, uids };
    this.#rows.clear();
    this.#bytes = 0;
    this.release();
  }

  /** Gives up its room. */
  release(): void {
    this.#room.delete(this);
  }

  #grow(bytes: number): void {
    this.#bytes += bytes;
    this.#room.set(this, this.#bytes);
  }
}

export function rowBytes({ summary }: TailRow): number {
  return ROW_BYTES + (summary?.length ?? 0);
}
