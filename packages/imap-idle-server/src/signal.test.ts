import { expect, test } from "@jest/globals";
import { Signal } from "./signal.ts";

/** Looks for what has been put there, and counts the looks. */
class Watch {
  readonly signal: Signal = new Signal();
  looks = 0;
  seen: string | undefined;
  readonly look = (): string | undefined => {
    this.looks++;
    return this.seen;
  };
}

test("what is there is seen at once", async () => {
  const watch = new Watch();
  watch.seen = "there";
  expect(await watch.signal.until(watch.look)).toBe("there");
  expect(watch.looks).toBe(1);
});

test("one looks once for all raises of a turn, and again after the next", async () => {
  const watch = new Watch();
  const found = watch.signal.until(watch.look);
  watch.signal.raise();
  watch.signal.raise();
  expect(watch.looks).toBe(1);
  await Promise.resolve();
  expect(watch.looks).toBe(2);
  watch.seen = "late";
  watch.signal.raise();
  expect(await found).toBe("late");
  expect(watch.looks).toBe(3);
});

test("a raise during a look is not lost", async () => {
  const watch = new Watch();
  const found = watch.signal.until(() => {
    const seen = watch.look();
    if (watch.looks === 1) {
      watch.seen = "meanwhile";
      watch.signal.raise();
    }
    return seen;
  });
  expect(await found).toBe("meanwhile");
});

test("a look that waits is not disturbed, and what was raised meanwhile is looked at after it", async () => {
  const watch = new Watch();
  let end: () => void = () => undefined;
  const waited = new Promise<void>((resolve) => (end = resolve));
  const found = watch.signal.until(() => watch.look() ?? (watch.looks === 1 ? waited : undefined));
  // It waits for something itself, by the same signal.
  const inner = watch.signal.wait();
  watch.signal.raise();
  await inner;
  expect(watch.looks).toBe(1);
  watch.seen = "behind it";
  watch.signal.raise();
  end();
  expect(await found).toBe("behind it");
  expect(watch.looks).toBe(2);
});

test("whoever looks gets what a look throws, at once or late", async () => {
  const watch = new Watch();
  const thrown = watch.signal.until(() => {
    if (watch.look() === "trouble") throw new Error("seen");
    return undefined;
  });
  watch.seen = "trouble";
  watch.signal.raise();
  await expect(thrown).rejects.toThrow("seen");
  await expect(new Signal().until(() => Promise.reject(new Error("late")))).rejects.toThrow("late");
});
