// The messages of one mailbox in memory: 16 bytes each in parallel typed arrays, ascending by UID.
import type { FlagSets } from "./flag-sets.ts";
import type { Cursor, Uid } from "./ids.ts";
import type { FlagSet, MessageIndex } from "./store.ts";
import { lowerBound, type UidSet } from "./uid-set.ts";

const CAPACITY_MIN = 16;

/** Rows [first, end). */
export type RowRange = readonly [first: number, end: number];

export class MessageColumns implements MessageIndex {
  readonly #flagSets: FlagSets;
  #uids: Uint32Array = new Uint32Array(CAPACITY_MIN);
  #modSeqs: Float64Array = new Float64Array(CAPACITY_MIN);
  #flags: Uint32Array = new Uint32Array(CAPACITY_MIN);
  #count = 0;
  /** The row that was found last: a guess, no more. */
  #lastRow = 0;

  constructor(flagSets: FlagSets) {
    this.#flagSets = flagSets;
  }

  get count(): number {
    return this.#count;
  }

  get uids(): Uint32Array {
    return this.#uids;
  }

  rowOf(uid: Uid): number {
    // Whoever goes through many messages asks for the same one again, or for the next.
    const guess = this.#isAt(this.#lastRow, uid) ? this.#lastRow : this.#lastRow + 1;
    const row = this.#isAt(guess, uid) ? guess : this.lowerBound(uid);
    if (!this.#isAt(row, uid)) return -1;
    this.#lastRow = row;
    return row;
  }

  #isAt(row: number, uid: Uid): boolean {
    return row < this.#count && this.#uids[row] === uid;
  }

  lowerBound(uid: Uid): number {
    return lowerBound(this.#uids, this.#count, uid);
  }

  flagsAt(row: number): FlagSet {
    return this.#flagSets.at(this.flagNumberAt(row));
  }

  flagNumberAt(row: number): number {
    return this.#flags[row] as number;
  }

  modSeqAt(row: number): Cursor {
    return this.#modSeqs[row] as Cursor;
  }

  /** The row ranges that a set of UIDs covers; empty ranges are left out. */
  *rowRanges(set: UidSet): Generator<RowRange> {
    for (const [first, last] of set) {
      const from = this.lowerBound(first);
      const end = this.lowerBound(last + 1);
      if (from < end) yield [from, end];
      if (end >= this.#count) return;
    }
  }

  append(uid: Uid, modSeq: Cursor, flagNumber: number): void {
    const previous = this.#count === 0 ? 0 : (this.#uids[this.#count - 1] as number);
    if (uid <= previous) throw new Error(`uid ${uid} after ${previous}: the order of uids is broken`);
    this.reserve(this.#count + 1);
    this.#uids[this.#count] = uid;
    this.#modSeqs[this.#count] = modSeq;
    this.#flags[this.#count] = flagNumber;
    this.#count++;
  }

  /** Appends many rows at once, ascending and behind all that is there. */
  load(uids: Uint32Array, modSeqs: Float64Array, flagNumbers: Uint32Array): void {
    this.reserve(this.#count + uids.length);
    this.#uids.set(uids, this.#count);
    this.#modSeqs.set(modSeqs, this.#count);
    this.#flags.set(flagNumbers, this.#count);
    this.#count += uids.length;
  }

  /** Gives what is there of a set a new MODSEQ, and the flags that its own become. */
  changeFlags(set: UidSet, modSeq: Cursor, become: (flagNumber: number) => number): void {
    const flags = this.#flags;
    let before = -1;
    let after = -1;
    for (const [first, end] of this.rowRanges(set)) {
      this.#modSeqs.fill(modSeq, first, end);
      for (let row = first; row < end; row++) {
        const own = flags[row] as number;
        if (own !== before) after = become((before = own));
        flags[row] = after;
      }
    }
  }

  /** Removes what is there of a set. The UIDs move to a new array: holders of the old one keep what they saw. */
  remove(set: UidSet): void {
    const ranges = [...this.rowRanges(set)];
    if (ranges.length === 0) return;
    this.#uids = this.#uids.slice();
    let target = (ranges[0] as RowRange)[0];
    for (const [i, [, end]] of ranges.entries()) {
      const next = ranges[i + 1]?.[0] ?? this.#count;
      this.#uids.copyWithin(target, end, next);
      this.#modSeqs.copyWithin(target, end, next);
      this.#flags.copyWithin(target, end, next);
      target += next - end;
    }
    this.#count = target;
  }

  /** Copies of rows [first, end): what a chunk holds. */
  slice([first, end]: RowRange): { uids: Uint32Array; modSeqs: Float64Array; flagNumbers: Uint32Array } {
    return {
      uids: this.#uids.slice(first, end),
      modSeqs: this.#modSeqs.slice(first, end),
      flagNumbers: this.#flags.slice(first, end),
    };
  }

  /** Makes room for `rows` in all. */
  reserve(rows: number): void {
    if (rows <= this.#uids.length) return;
    const capacity = Math.max(rows, this.#uids.length * 2);
    this.#uids = grown(this.#uids, new Uint32Array(capacity));
    this.#modSeqs = grown(this.#modSeqs, new Float64Array(capacity));
    this.#flags = grown(this.#flags, new Uint32Array(capacity));
  }
}

function grown<T extends Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
