// A stable sort that shares the event loop: a million messages take longer than anybody else should wait.

const RUN_LENGTH = 1_024;

export interface SortOptions {
  /** Below 0 where the first comes before the second. */
  readonly compare: (a: number, b: number) => number;
  /** Called now and then; it is waited for what it returns. */
  readonly rest: () => Promise<void> | undefined;
}

/** The numbers in order; equal ones keep theirs. */
export async function sortInSlices(numbers: Uint32Array, { compare, rest }: SortOptions): Promise<Uint32Array> {
  let from = numbers.slice();
  for (let start = 0; start < from.length; start += RUN_LENGTH) {
    // Of typed arrays the engine's own sort is stable too (ECMA-262 23.2.3.29).
    from.subarray(start, start + RUN_LENGTH).sort(compare);
    await rest();
  }
  let to = new Uint32Array(from.length);
  for (let length = RUN_LENGTH; length < from.length; length *= 2) {
    for (let start = 0; start < from.length; start += 2 * length) {
      await merge(from, to, { start, length, compare, rest });
    }
    [from, to] = [to, from];
  }
  return from;
}

interface Merge extends SortOptions {
  readonly start: number;
  readonly length: number;
}

async function merge(from: Uint32Array, to: Uint32Array, { start, length, compare, rest }: Merge): Promise<void> {
  const middle = Math.min(start + length, from.length);
  const end = Math.min(middle + length, from.length);
  const run: Run = { from, to, compare, left: start, middle, right: middle, end };
  for (let at = start; at < end; at += RUN_LENGTH) {
    mergeRun(run, at, Math.min(end, at + RUN_LENGTH));
    await rest();
  }
}

interface Run {
  readonly from: Uint32Array;
  readonly to: Uint32Array;
  readonly compare: SortOptions["compare"];
  /** The next ones of the two halves, and where these end. */
  left: number;
  readonly middle: number;
  right: number;
  readonly end: number;
}

/** Fills the places from `first` on below `last`. */
function mergeRun(run: Run, first: number, last: number): void {
  const { from, to, compare, middle, end } = run;
  let { left, right } = run;
  for (let at = first; at < last; at++) {
    const takesLeft = left < middle && (right === end || compare(from[left] as number, from[right] as number) <= 0);
    to[at] = from[takesLeft ? left++ : right++] as number;
  }
  run.left = left;
  run.right = right;
}
