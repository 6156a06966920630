// The messages of one mailbox in memory: 16 bytes each in parallel typed arrays, ascending by UID.
import type { FlagSets } from "./flag-sets.ts";
import type { Cursor, Uid } from "./ids.ts";
import { closeGaps, NumberColumn, type RowRange } from "./number-column.ts";
import type { FlagSet, MessageIndex } from "./store.ts";
import { lowerBound, type UidSet } from "./uid-set.ts";

const CAPACITY_MIN = 16;
const NO_NUMBERS = new Uint32Array(0);
const NO_MOD_SEQS = new Float64Array(0);

/** Of how many rows each run must be, on average, to be kept instead of the rows. */
const RUN_ROWS_MIN = 8;

/** Rows that follow each other by UID and are alike in all else. */
export interface AlikeRows {
  readonly uid: Uid;
  readonly rows: number;
  readonly modSeq: Cursor;
  readonly flagNumber: number;
}

interface RowCopies {
  readonly uids: Uint32Array;
  readonly modSeqs: Float64Array;
  readonly flagNumbers: Uint32Array;
}

/** What a chunk holds. */
export type HotRows = readonly AlikeRows[] | RowCopies;

export class MessageColumns implements MessageIndex {
  #flagSets: FlagSets;
  #uids: Uint32Array = NO_NUMBERS;
  readonly #modSeqs: NumberColumn<Float64Array> = new NumberColumn(Float64Array, NO_MOD_SEQS);
  readonly #flags: NumberColumn<Uint32Array> = new NumberColumn(Uint32Array, NO_NUMBERS);
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
    return this.#flags.at(row);
  }

  modSeqAt(row: number): Cursor {
    return this.#modSeqs.at(row) as Cursor;
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

  /** Where the rows end, at most at `end`, that have the flags of `first`. */
  alikeEnd(first: number, end: number): number {
    return this.#flags.runEnd(first, end);
  }

  /**
   * The runs of rows [first, end) that have the same flags and follow each other by UID, and where asked have the same
   * MODSEQ. Each column is gone through once, however much shorter the runs of another are.
   */
  *runs([first, end]: RowRange, { modSeqs }: { readonly modSeqs: boolean }): Generator<RowRange> {
    let [gap, flagsEnd, modSeqsEnd] = [first, first, modSeqs ? first : end];
    for (let row = first; row < end;) {
      if (gap === row) gap = gapAfter(this.#uids, row, end);
      if (flagsEnd === row) flagsEnd = this.#flags.runEnd(row, end);
      if (modSeqsEnd === row) modSeqsEnd = this.#modSeqs.runEnd(row, end);
      const to = Math.min(gap, flagsEnd, modSeqsEnd);
      yield [row, to];
      row = to;
    }
  }

  append(uid: Uid, modSeq: Cursor, flagNumber: number): void {
    this.#checkBehindAll(uid);
    this.reserve(this.#count + 1);
    this.#uids[this.#count] = uid;
    this.#modSeqs.append(this.#count, modSeq);
    this.#flags.append(this.#count, flagNumber);
    this.#count++;
  }

  /** Appends many rows at once, ascending and behind all that is there. */
  load(uids: Uint32Array, modSeqs: Float64Array, flagNumbers: Uint32Array): void {
    this.#checkBehindAll(uids[0] ?? Infinity);
    this.reserve(this.#count + uids.length);
    this.#uids.set(uids, this.#count);
    this.#modSeqs.load(this.#count, modSeqs);
    this.#flags.load(this.#count, flagNumbers);
    this.#count += uids.length;
  }

  /** Gives what is there of a set a new MODSEQ, and the flags that its own become. */
  changeFlags(set: UidSet, modSeq: Cursor, become: (flagNumber: number) => number): void {
    for (const [first, end] of this.rowRanges(set)) {
      this.#modSeqs.fill(modSeq, first, end);
      this.#flags.change(first, end, become);
    }
  }

  /** Takes the numbers of other flag sets for the same flags. */
  renumberFlags(to: FlagSets): void {
    const numbers = new Map<number, number>();
    this.#flags.change(0, this.#count, (before) => {
      let after = numbers.get(before);
      if (after === undefined) numbers.set(before, (after = to.intern(this.#flagSets.at(before).names)));
      return after;
    });
    this.#flagSets = to;
  }

  /** Removes what is there of a set. The UIDs move to a new array: holders of the old one keep what they saw. */
  remove(set: UidSet): void {
    const ranges = [...this.rowRanges(set)];
    if (ranges.length === 0) return;
    this.#uids = this.#uids.slice();
    closeGaps(this.#uids, ranges, this.#count);
    this.#modSeqs.remove(ranges, this.#count);
    this.#flags.remove(ranges, this.#count);
    for (const [first, end] of ranges) this.#count -= end - first;
  }

  /** Rows [first, end) for a chunk, as runs where these are few: of a million that are alike hardly anything is copied. */
  copy(range: RowRange): HotRows {
    const [first, end] = range;
    const runs: AlikeRows[] = [];
    for (const [row, to] of this.runs(range, { modSeqs: true })) {
      const [uid, modSeq, flagNumber] = [this.#uids[row] as Uid, this.modSeqAt(row), this.flagNumberAt(row)];
      runs.push({ uid, rows: to - row, modSeq, flagNumber });
      if (runs.length * RUN_ROWS_MIN > end - first) break;
    }
    if (runs.length * RUN_ROWS_MIN <= end - first) return runs;
    return {
      uids: this.#uids.slice(first, end),
      modSeqs: this.#modSeqs.slice(first, end),
      flagNumbers: this.#flags.slice(first, end),
    };
  }

  #checkBehindAll(uid: Uid): void {
    const previous = this.#count === 0 ? 0 : (this.#uids[this.#count - 1] as number);
    if (uid <= previous) throw new Error(`uid ${uid} after ${previous}: the order of uids is broken`);
  }

  /** Makes room for `rows` in all. */
  reserve(rows: number): void {
    if (rows <= this.#uids.length) return;
    const capacity = Math.max(CAPACITY_MIN, rows, this.#uids.length * 2);
    const grown = new Uint32Array(capacity);
    grown.set(this.#uids);
    this.#uids = grown;
    this.#modSeqs.reserve(capacity);
    this.#flags.reserve(capacity);
  }
}

/** The first row behind `first` whose UID does not follow that of the row before it; `end` where there is none. */
function gapAfter(uids: Uint32Array, first: number, end: number): number {
  const offset = (uids[first] as Uid) - first;
  if ((uids[end - 1] as Uid) - offset === end - 1) return end;
  let step = 1;
  while (first + step < end && (uids[first + step] as Uid) - offset === first + step) step *= 2;
  let low = first + (step >>> 1);
  let high = Math.min(first + step, end - 1);
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((uids[middle] as Uid) - offset === middle) low = middle;
    else high = middle;
  }
  return high;
}
