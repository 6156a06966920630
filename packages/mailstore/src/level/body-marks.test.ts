// Marks of bodies against a set, and what marking takes where very many messages refer to few bodies.
import { describe, expect, it, jest } from "@jest/globals";
import * as fc from "fast-check";
import { BodyMarks } from "./body-marks.ts";
import { blobIdAt } from "./record.ts";

const UNIT = 8;

describe("marks of bodies", () => {
  it("are those of a set, in whatever order they come, and however often", () => {
    const steps = fc.array(
      fc.record({
        first: fc.nat(9_999),
        step: fc.constantFrom(1, 7, 4_999),
        count: fc.integer({ min: 1, max: 6_000 }),
      }),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(steps, (runs) => {
        const marks = new BodyMarks();
        const expected = new Set<number>();
        for (const { first, step, count } of runs) {
          for (let i = 0; i < count; i++) {
            const offset = UNIT * ((first + i * step) % 10_000);
            marks.add(blobIdAt(3, offset));
            expected.add(offset);
          }
          expect(marks.has(blobIdAt(3, UNIT * first))).toBe(true);
        }
        const ascending = Uint32Array.from(expected).sort();
        const wrong = marks.in(3).findIndex(({ blob }, i) => blob !== blobIdAt(3, ascending[i] as number));
        expect([marks.in(3).length, wrong]).toEqual([expected.size, -1]);
        const absent = Array.from({ length: 10_000 }, (_, i) => UNIT * i).find((offset) => !expected.has(offset));
        if (absent !== undefined) expect(marks.has(blobIdAt(3, absent))).toBe(false);
        expect([marks.hasAnyIn(3), marks.hasAnyIn(4)]).toEqual([true, false]);
      }),
      { numRuns: 20 },
    );
  });

  it("sort each body once, however many messages refer to it", () => {
    const [bodies, references] = [10_000, 20];
    const sort = jest.spyOn(Uint32Array.prototype, "sort");
    const marks = new BodyMarks();
    for (let i = 0; i < references * bodies; i++) marks.add(blobIdAt(1, UNIT * (i % bodies)));
    expect(marks.in(1)).toHaveLength(bodies);
    const sorted = (sort.mock.contexts as Uint32Array[]).reduce((sum, { length }) => sum + length, 0);
    sort.mockRestore();
    expect(sorted).toBe(bodies);
  });
});
