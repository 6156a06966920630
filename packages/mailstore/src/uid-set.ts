// Sets of UIDs as sorted, disjoint, non-adjacent inclusive ranges: `1:*` over a million messages is one range.
import type { Uid } from "./ids.ts";

/** One inclusive range, `first <= last`. */
export type UidRange = readonly [first: Uid, last: Uid];
/** Ascending, disjoint and non-adjacent ranges. */
export type UidSet = readonly UidRange[];

export const EMPTY_UID_SET: UidSet = [];

/** The set of the given UIDs, in any order, doubles allowed. */
export function uidSetOf(uids: Iterable<Uid>): UidSet {
  const sorted = Uint32Array.from(uids).sort();
  const ranges: [Uid, Uid][] = [];
  for (const uid of sorted) addUidRange(ranges, uid, uid);
  return ranges;
}

/** The normal form of any ranges: reversed ends, overlaps and disorder are mended. */
export function normalizeUidSet(ranges: readonly UidRange[]): UidSet {
  // Those of one change are.
  if (isNormal(ranges)) return ranges;
  const ordered = Array.from(ranges, ([a, b]): [Uid, Uid] => (a <= b ? [a, b] : [b, a]));
  ordered.sort((a, b) => a[0] - b[0]);
  const result: [Uid, Uid][] = [];
  for (const [first, last] of ordered) addUidRange(result, first, last);
  return result;
}

function isNormal(ranges: readonly UidRange[]): boolean {
  let end = -1;
  for (const [first, last] of ranges) {
    if (first > last || first <= end) return false;
    end = last + 1;
  }
  return true;
}

/** Adds a range that begins no earlier than the last one. */
export function addUidRange(ranges: [Uid, Uid][], first: Uid, last: Uid): void {
  const previous = ranges.at(-1);
  if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
  else ranges.push([first, last]);
}

/** How many UIDs the set holds. */
export function uidSetSize(set: UidSet): number {
  let size = 0;
  for (const [first, last] of set) size += last - first + 1;
  return size;
}

/** Whether `uid` is in the set (binary search). */
export function uidSetHas(set: UidSet, uid: Uid): boolean {
  let low = 0;
  let high = set.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const [first, last] = set[middle] as UidRange;
    if (uid < first) high = middle - 1;
    else if (uid > last) low = middle + 1;
    else return true;
  }
  return false;
}

/** Of the first `count` UIDs, which are ascending, the place of the first that is at least `uid`; `count` where none is. */
export function lowerBound(uids: Uint32Array, count: number, uid: Uid): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((uids[middle] as Uid) < uid) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Every UID of the set, ascending. */
export function* uidSetValues(set: UidSet): Generator<Uid> {
  for (const [first, last] of set) for (let uid = first; uid <= last; uid++) yield uid;
}

/** What is in both. */
export function uidSetIntersection(a: UidSet, b: UidSet): UidSet {
  return uidSetDifference(a, uidSetDifference(a, b));
}

/** What is in `a` and not in `b`. */
export function uidSetDifference(a: UidSet, b: UidSet): UidSet {
  if (a.length === 0 || b.length === 0) return a;
  const result: [Uid, Uid][] = [];
  let j = 0;
  for (const [first, last] of a) {
    let from = first;
    while (j < b.length && (b[j] as UidRange)[1] < from) j++;
    for (let k = j; k < b.length && (b[k] as UidRange)[0] <= last; k++) {
      const [cutFirst, cutLast] = b[k] as UidRange;
      if (cutFirst > from) result.push([from, cutFirst - 1]);
      from = cutLast + 1;
    }
    if (from <= last) result.push([from, last]);
  }
  return result;
}
