// A whole range, in steps that are small while it may be short.
import { describe, expect, it } from "@jest/globals";
import { MemoryLevel } from "memory-level";
import { type RangeIterator, readAll } from "./range-iterator.ts";

/** Reads a database of so many keys; gives what was found and the sizes that were asked for. */
async function read(count: number): Promise<{ found: string[]; asked: number[]; isClosed: boolean }> {
  const database = new MemoryLevel();
  const names = Array.from({ length: count }, (_, i) => `${10_000 + i}`);
  await database.batch(names.map((key) => ({ type: "put", key, value: "" })));
  const iterator = database.keys();
  const asked: number[] = [];
  let isClosed = false;
  const observed: RangeIterator<string> = {
    nextv: (size) => {
      asked.push(size);
      return iterator.nextv(size);
    },
    close: () => {
      isClosed = true;
      return iterator.close();
    },
  };
  const found = await readAll(observed);
  expect(found).toEqual(names);
  return { found, asked, isClosed };
}

describe("readAll", () => {
  it("asks for few entries where there are few", async () => {
    expect(Math.max(...(await read(3)).asked)).toBe(16);
  });

  it("reads long ranges whole, in few steps", async () => {
    expect((await read(2_500)).asked.length).toBeLessThanOrEqual(5);
  });

  it("closes the iterator, also where reading fails", async () => {
    expect((await read(0)).isClosed).toBe(true);
    let isClosed = false;
    const failing: RangeIterator<never> = {
      nextv: () => Promise.reject(new Error("damaged")),
      close: async () => void (isClosed = true),
    };
    await expect(readAll(failing)).rejects.toThrow("damaged");
    expect(isClosed).toBe(true);
  });
});
