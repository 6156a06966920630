// The results of a live search against a naive model, and how often they are compared.
import { describe, expect, it } from "@jest/globals";
import type { Uid } from "@pushmail/mailstore";
import fc from "fast-check";
import { ResultList, type Run } from "./result-list.ts";

const ALL = Array.from({ length: 60 }, (_, i) => i + 1);
/** Any order that is not that of the UIDs. */
const compare = (a: Uid, b: Uid): number => (a % 7) - (b % 7) || a - b;

function insert(list: Uid[], runs: readonly Run[]): Uid[] {
  const after = [...list];
  for (const { position, uids } of runs) after.splice(position - 1, 0, ...uids);
  return after;
}

function take(list: Uid[], runs: readonly Run[]): Uid[] {
  const after = [...list];
  for (const { position, uids } of runs) expect(after.splice(position - 1, uids.length)).toEqual(uids);
  return after;
}

describe("the results of a live search", () => {
  it("are what their runs make of them", () => {
    const uids = fc.uniqueArray(fc.constantFrom(...ALL), { maxLength: 12 });
    fc.assert(
      fc.property(uids, fc.array(uids, { maxLength: 8 }), (first, steps) => {
        let known = first.toSorted(compare);
        const list = new ResultList(Uint32Array.from(known), compare);
        for (const step of steps) {
          known = take(known, list.remove(step.filter((uid) => known.includes(uid))));
          const added = step.filter((uid) => uid % 2 === 0);
          known = insert(known, list.add(added));
          expect(known).toEqual(known.toSorted(compare));
          expect(list.bytes).toBe(4 * known.length);
          expect(ALL.filter((uid) => list.has(uid)).toSorted(compare)).toEqual(known);
        }
      }),
    );
  });

  it("are told in as few runs as can be", () => {
    const list = new ResultList(Uint32Array.of(2, 5, 9), (a, b) => a - b);
    expect(list.add([4, 3, 10])).toEqual([
      { position: 2, uids: [3, 4] },
      { position: 6, uids: [10] },
    ]);
    expect(list.remove([9, 3, 4, 5])).toEqual([{ position: 2, uids: [3, 4, 5, 9] }]);
    expect(() => list.remove([3])).toThrow("UID 3 is no result");
  });

  it("are compared a few times for each that comes or goes, however many there are", () => {
    let compared = 0;
    const counting = (a: Uid, b: Uid): number => {
      compared++;
      return b - a;
    };
    const list = new ResultList(
      Uint32Array.from({ length: 100_000 }, (_, i) => 2 * (100_000 - i)),
      counting,
    );
    list.add([77_777]);
    list.remove([77_777]);
    expect(compared).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(100_002)));
  });
});
