import { describe, expect, it } from "@jest/globals";
import { DEFAULT_LIMITS } from "./limits.ts";
import { LoginThrottle, throttleKey } from "./login-throttle.ts";

const LIMITS = {
  ...DEFAULT_LIMITS,
  loginDelayMs: 100,
  loginDelayMsMax: 1_000,
  loginMemoryMs: 60_000,
  loginMemoryMax: 3,
};

describe("failed logins", () => {
  it("make the next one wait twice as long each time, up to a bound, until one succeeds", () => {
    const throttle = new LoginThrottle(LIMITS);
    const waits = [0, 1, 2, 3, 4, 5].map((count) => {
      for (let i = 0; i < Math.min(count, 1); i++) throttle.fail("ann", 10_000);
      return Math.max(0, throttle.readyAtMs("ann") - 10_000);
    });
    expect(waits).toEqual([0, 100, 200, 400, 800, 1_000]);
    expect(throttle.readyAtMs("ben")).toBe(0);
    throttle.succeed("ann");
    expect(throttle.readyAtMs("ann")).toBe(0);
  });

  it("are counted by address and account, whatever the case of its name", () => {
    expect(throttleKey("127.0.0.1", "Ann@Example.org")).toBe(throttleKey("127.0.0.1", "ann@example.org"));
    expect(throttleKey("127.0.0.2", "ann@example.org")).not.toBe(throttleKey("127.0.0.1", "ann@example.org"));
  });

  it("are forgotten after a time, and the oldest of them when they are too many", () => {
    const throttle = new LoginThrottle(LIMITS);
    for (const [i, key] of ["a", "b", "c", "a", "d"].entries()) throttle.fail(key, i);
    expect(["a", "b", "c", "d"].map((key) => throttle.readyAtMs(key) > 0)).toEqual([true, false, true, true]);
    expect(throttle.fail("a", 30_000)).toBe(3);
    throttle.fail("e", 61_000);
    expect(["c", "d", "a", "e"].map((key) => throttle.readyAtMs(key) > 0)).toEqual([false, false, true, true]);
    expect(throttle.fail("a", 200_000)).toBe(1);
  });
});
