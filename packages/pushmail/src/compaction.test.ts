import { afterEach, beforeEach, expect, it, jest } from "@jest/globals";
import { compactRegularly } from "./compaction.ts";

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

const compactEveryMs = 1_000;

it("compacts again and again, never twice at a time, goes on after a failure, and ends without one", async () => {
  const runs: { resolve(bytes: number): void; reject(error: Error): void }[] = [];
  const logged: string[] = [];
  const compact = (): Promise<number> => new Promise((resolve, reject) => runs.push({ resolve, reject }));
  const log = (_fields: object, message: string): unknown => logged.push(message);
  const stop = compactRegularly({ compact }, compactEveryMs, { debug: log, info: log, warn: log, error: log });

  await jest.advanceTimersByTimeAsync(compactEveryMs - 1);
  expect(runs).toHaveLength(0);
  await jest.advanceTimersByTimeAsync(5_000);
  expect(runs).toHaveLength(1);
  runs[0]?.reject(new Error("disk full"));
  await jest.advanceTimersByTimeAsync(5_000);
  expect(runs).toHaveLength(2);
  runs[1]?.resolve(10);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(runs).toHaveLength(3);
  const told = ["compaction failed, it is tried again later", "compaction: space of expunged mail given back"];
  expect(logged).toEqual(told);

  stop();
  runs[2]?.reject(new Error("the store is closing"));
  await jest.advanceTimersByTimeAsync(5_000);
  expect(runs).toHaveLength(3);
  expect(logged).toEqual(told);
});
