// UIDs and rows of a mailbox as ranges and as arrays: what views are made of.
import {
  normalizeUidSet,
  uidSetDifference,
  uidSetSize,
  uidSetValues,
  type Uid,
  type UidRange,
  type UidSet,
} from "@pushmail/mailstore";

/** Consecutive rows of a view, from 0, both inclusive. */
export type RowRange = readonly [first: number, last: number];

const UID_MAX = 2 ** 32 - 1;

/** Adds a number above all those that are there. */
export function addOne(ranges: [number, number][], number: number): void {
  const last = ranges.at(-1);
  if (last !== undefined && last[1] === number - 1) last[1] = number;
  else ranges.push([number, number]);
}

/** Those of the UIDs that are below one. */
export function uidsBelow(uid: Uid, ranges: readonly UidRange[]): UidSet {
  return uidSetDifference(normalizeUidSet(ranges), [[uid, UID_MAX]]);
}

/** The last so many UIDs of a set. */
export function lastOf(set: UidSet, count: number): UidSet {
  const last: UidRange[] = [];
  let left = count;
  for (let at = set.length - 1; at >= 0 && left > 0; at--) {
    const [first, end] = set[at] as UidRange;
    const from = Math.max(first, end - left + 1);
    last.unshift([from, end]);
    left -= end - from + 1;
  }
  return last;
}

/** How many rows the ranges have. */
export function rowCount(ranges: readonly RowRange[]): number {
  return ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

/** A copy of `uids` with more UIDs in their places. */
export function merged(uids: Uint32Array, more: UidSet): Uint32Array {
  const result = new Uint32Array(uids.length + uidSetSize(more));
  result.set(uids);
  let length = uids.length;
  for (const uid of uidSetValues(more)) result[length++] = uid;
  return result.sort();
}

/** A copy of `uids` without some rows, and with more UIDs behind them. */
export function spliced(uids: Uint32Array, without: readonly RowRange[], more: UidSet): Uint32Array {
  const result = new Uint32Array(uids.length - rowCount(without) + uidSetSize(more));
  let length = 0;
  let from = 0;
  for (const [first, last] of without) {
    result.set(uids.subarray(from, first), length);
    length += first - from;
    from = last + 1;
  }
  result.set(uids.subarray(from), length);
  length += uids.length - from;
  for (const uid of uidSetValues(more)) result[length++] = uid;
  return result;
}
