// Counts collections, of which a heap that may grow less needs more for the same garbage.
import { afterAll, expect, it } from "@jest/globals";
import { constants, type PerformanceEntry, PerformanceObserver } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { boundHeapGrowth } from "./heap-growth.ts";

const PIECE_WORDS = 16_384;
/** Some MiB that outlive the young generation, and die in the old one. */
const PIECES_KEPT = 100;
const PIECES = 2_400;

type GcEntry = PerformanceEntry & { readonly detail: { readonly kind: number } };

afterAll(() => boundHeapGrowth(0));

/** Collections of the whole heap while 300 MiB become garbage. */
async function collections(heapGrowthPercentMax: number): Promise<number> {
  boundHeapGrowth(heapGrowthPercentMax);
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  let count = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { detail } of list.getEntries() as GcEntry[])
      if (detail.kind === constants.NODE_PERFORMANCE_GC_MAJOR) count++;
  });
  observer.observe({ entryTypes: ["gc"] });
  const piece = Array.from({ length: PIECE_WORDS }, (_, i) => i);
  const kept: number[][] = [];
  for (let i = 0; i < PIECES; i++) {
    kept[i % PIECES_KEPT] = piece.slice();
    if (i % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await new Promise((resolve) => setImmediate(resolve));
  observer.disconnect();
  return count;
}

it("is bounded as it is said", async () => {
  const [little, much] = [await collections(10), await collections(400)];
  expect(little).toBeGreaterThan(much + 1);
});
