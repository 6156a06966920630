import { expect, it } from "@jest/globals";
import fc from "fast-check";
import { sortInSlices } from "./sort-in-slices.ts";

it("sorts as the engine does, and gives way", async () => {
  const lengths = fc.oneof(fc.nat(5), fc.constantFrom(1_023, 1_024, 1_025, 2_048, 5_000));
  await fc.assert(
    fc.asyncProperty(lengths, fc.integer({ min: 1, max: 50 }), fc.nat(), async (length, values, seed) => {
      const keys = Array.from({ length }, (_, i) => ((i + 1) * (seed + 7_919)) % values);
      const rows = Uint32Array.from(keys.keys());
      const compare = (a: number, b: number): number => (keys[a] as number) - (keys[b] as number);
      let rests = 0;
      const sorted = await sortInSlices(rows, { compare, rest: () => void rests++ });
      expect([...sorted]).toEqual([...rows].sort(compare));
      expect(rests).toBeGreaterThanOrEqual(Math.floor(length / 1_024));
    }),
    { numRuns: 60 },
  );
});
