// A column of numbers from 0 on. A block of rows that all have the same is one number: what happens to very many rows at
// once is written as so many blocks (a million flags: 0.01 ms instead of 10).

const BLOCK_BITS = 12;
/** Rows of one block. */
export const BLOCK_ROWS: number = 2 ** BLOCK_BITS;
/** In the place of a block's number: each row has its own. */
const OWN = -1;

/** Rows [first, end). */
export type RowRange = readonly [first: number, end: number];
type Numbers = Uint32Array | Float64Array;

export class NumberColumn<A extends Numbers> {
  readonly #kind: new (rows: number) => A;
  #values: A;
  /** By block the number of all its rows, or OWN, which is also that of the blocks behind. So few rows need none. */
  #whole: number[] = [];

  /** `none` is what all columns of a kind begin with: an empty array of its own would take 0.3 KiB of an empty mailbox. */
  constructor(kind: new (rows: number) => A, none: A) {
    this.#kind = kind;
    this.#values = none;
  }

  at(row: number): number {
    const whole = this.#wholeAt(row);
    return whole === OWN ? (this.#values[row] as number) : whole;
  }

  /** Writes a row behind all others. */
  append(row: number, value: number): void {
    this.#values[row] = value;
  }

  /** Writes rows behind all others. */
  load(row: number, values: A): void {
    this.#values.set(values, row);
  }

  fill(value: number, first: number, end: number): void {
    for (let from = first, to = 0; from < end; from = to) {
      to = Math.min(end, blockEnd(from));
      if (to - from === BLOCK_ROWS) this.#setWhole(from, value);
      else {
        this.#spread(from);
        this.#values.fill(value, from, to);
      }
    }
  }

  /** Makes of each number of rows [first, end) another. */
  change(first: number, end: number, become: (value: number) => number): void {
    for (let from = first, to = 0; from < end; from = to) {
      to = Math.min(end, blockEnd(from));
      const isBlock = to - from === BLOCK_ROWS;
      const whole = this.#wholeAt(from);
      if (isBlock && whole !== OWN) {
        this.#setWhole(from, become(whole));
        continue;
      }
      this.#spread(from);
      const areAlike = this.#changeOwn(from, to, become);
      if (isBlock && areAlike) this.#setWhole(from, this.#values[from] as number);
    }
  }

  /** Where the rows end, at most at `end`, that have the same number as `first`. */
  runEnd(first: number, end: number): number {
    const value = this.at(first);
    const values = this.#values;
    for (let row = first; row < end;) {
      const to = Math.min(end, blockEnd(row));
      const whole = this.#wholeAt(row);
      if (whole === OWN) while (row < to && values[row] === value) row++;
      else if (whole === value) row = to;
      if (row < to) return row;
    }
    return end;
  }

  /** Removes ranges of the first `count` rows. */
  remove(ranges: readonly RowRange[], count: number): void {
    const from = ranges[0]?.[0] ?? count;
    for (const [row] of blocksOf(from, count)) this.#spread(row);
    closeGaps(this.#values, ranges, count);
  }

  slice(first: number, end: number): A {
    const rows = this.#values.slice(first, end) as A;
    for (const [from, to] of blocksOf(first, end)) {
      const whole = this.#wholeAt(from);
      if (whole !== OWN) rows.fill(whole, from - first, to - first);
    }
    return rows;
  }

  reserve(rows: number): void {
    const grown = new this.#kind(rows);
    grown.set(this.#values);
    this.#values = grown;
  }

  #wholeAt(row: number): number {
    const block = row >>> BLOCK_BITS;
    return block < this.#whole.length ? (this.#whole[block] as number) : OWN;
  }

  #setWhole(row: number, value: number): void {
    const block = row >>> BLOCK_BITS;
    while (this.#whole.length < block) this.#whole.push(OWN);
    this.#whole[block] = value;
  }

  /** Gives each row of the block around `row` its own number. */
  #spread(row: number): void {
    const whole = this.#wholeAt(row);
    if (whole === OWN) return;
    this.#values.fill(whole, blockEnd(row) - BLOCK_ROWS, blockEnd(row));
    this.#whole[row >>> BLOCK_BITS] = OWN;
  }

  /** Whether all have the same number now. */
  #changeOwn(first: number, end: number, become: (value: number) => number): boolean {
    const values = this.#values;
    let before = -1;
    let after = -1;
    let kinds = 0;
    for (let row = first; row < end; row++) {
      const own = values[row] as number;
      if (own !== before) {
        const next = become((before = own));
        if (next !== after) kinds++;
        after = next;
      }
      values[row] = after;
    }
    return kinds === 1;
  }
}

/** Moves the rows behind ascending ranges into their place. */
export function closeGaps(values: Numbers, ranges: readonly RowRange[], count: number): void {
  let target = ranges[0]?.[0] ?? count;
  for (const [i, [, end]] of ranges.entries()) {
    const next = ranges[i + 1]?.[0] ?? count;
    values.copyWithin(target, end, next);
    target += next - end;
  }
}

/** Rows [first, end), cut where blocks end. */
function* blocksOf(first: number, end: number): Generator<RowRange> {
  for (let from = first; from < end;) {
    const to = Math.min(end, blockEnd(from));
    yield [from, to];
    from = to;
  }
}

/** Where the block of a row ends. */
function blockEnd(row: number): number {
  return ((row >>> BLOCK_BITS) + 1) * BLOCK_ROWS;
}
