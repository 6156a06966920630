import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { Backoff } from "./backoff.ts";
import { clientLimits } from "./limits.ts";

const limits = { ...clientLimits, retryFirstMs: 100, retryMaxMs: 1000, retryStableMs: 5000 };

describe("the back-off", () => {
  it("doubles to its bound, and starts anew after a connection that held", () => {
    const backoff = new Backoff(limits, () => 1);
    expect([0, 0, 0, 0, 0, 0].map((held) => backoff.pauseAfter(held))).toEqual([100, 200, 400, 800, 1000, 1000]);
    expect(backoff.pauseAfter(4999)).toBe(1000);
    expect(backoff.pauseAfter(5000)).toBe(100);
  });

  it("leaves half of each pause to chance", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 1 }),
        (chances) => {
          let at = 0;
          const backoff = new Backoff(limits, () => chances[at] ?? 0);
          for (; at < chances.length; at += 1) {
            const whole = Math.min(100 * 2 ** at, 1000);
            const pause = backoff.pauseAfter(0);
            expect(pause).toBeGreaterThanOrEqual(whole / 2);
            expect(pause).toBeLessThanOrEqual(whole);
          }
        },
      ),
    );
  });
});
