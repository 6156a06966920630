import { describe, expect, it } from "@jest/globals";
import * as fc from "fast-check";
import {
  normalizeUidSet,
  uidSetDifference,
  uidSetHas,
  uidSetIntersection,
  uidSetOf,
  uidSetSize,
  uidSetValues,
  type UidSet,
} from "./uid-set.ts";

const uids = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 40 });

function model(set: UidSet): number[] {
  return [...uidSetValues(set)];
}

function isNormal(set: UidSet): boolean {
  return set.every(([first, last], i) => first <= last && (i === 0 || first > (set[i - 1]?.[1] ?? 0) + 1));
}

describe("a set of UIDs", () => {
  it("holds what it was made of, as few ranges as can be", () => {
    expect(uidSetOf([5, 3, 4, 9, 3])).toEqual([
      [3, 5],
      [9, 9],
    ]);
    fc.assert(
      fc.property(uids, (values) => {
        const set = uidSetOf(values);
        const sorted = [...new Set(values)].toSorted((a, b) => a - b);
        expect(isNormal(set)).toBe(true);
        expect(model(set)).toEqual(sorted);
        expect(uidSetSize(set)).toBe(sorted.length);
        for (let uid = 0; uid <= 61; uid++) expect(uidSetHas(set, uid)).toBe(sorted.includes(uid));
      }),
    );
  });

  it("mends reversed and overlapping ranges", () => {
    expect(
      normalizeUidSet([
        [7, 4],
        [6, 9],
        [10, 10],
        [1, 2],
      ]),
    ).toEqual([
      [1, 2],
      [4, 10],
    ]);
  });

  it("unites and subtracts as sets do", () => {
    fc.assert(
      fc.property(uids, uids, (a, b) => {
        const union = normalizeUidSet([...uidSetOf(a), ...uidSetOf(b)]);
        const difference = uidSetDifference(uidSetOf(a), uidSetOf(b));
        const intersection = uidSetIntersection(uidSetOf(a), uidSetOf(b));
        expect(isNormal(union) && isNormal(difference) && isNormal(intersection)).toBe(true);
        expect(union).toEqual(uidSetOf([...a, ...b]));
        expect(difference).toEqual(uidSetOf(a.filter((uid) => !b.includes(uid))));
        expect(intersection).toEqual(uidSetOf(a.filter((uid) => b.includes(uid))));
      }),
    );
  });
});
