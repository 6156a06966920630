import { describe, expect, it } from "@jest/globals";
import { readAhead } from "./read-ahead.ts";

async function* batchesOf(...batches: number[][]): AsyncGenerator<number[]> {
  yield* batches;
}

/** Readings that end when they are told to. */
class Readings {
  readonly started: number[] = [];
  readonly #ends = new Map<number, () => void>();

  readonly read = (item: number): Promise<string> => {
    this.started.push(item);
    return new Promise((resolve) => this.#ends.set(item, () => resolve(`read ${item}`)));
  };

  end(item: number): void {
    this.#ends.get(item)?.();
  }
}

describe("readAhead", () => {
  it("gives every item in order, whatever the batches and whichever reading ends first", async () => {
    const taken: (readonly [number, string])[] = [];
    const read = async (item: number): Promise<string> => {
      for (let turns = (item * 7) % 5; turns > 0; turns--) await Promise.resolve();
      return `read ${item}`;
    };
    for await (const pair of readAhead(batchesOf([1], [], [2, 3, 4, 5], [6, 7]), 3, read)) taken.push(pair);
    expect(taken).toEqual([1, 2, 3, 4, 5, 6, 7].map((item) => [item, `read ${item}`]));
  });

  it("never has more readings under way than it may", async () => {
    const readings = new Readings();
    const taking = readAhead([[1, 2, 3, 4, 5]], 2, readings.read);
    const first = taking.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(readings.started).toEqual([1, 2]);
    readings.end(1);
    expect((await first).value).toEqual([1, "read 1"]);
    const second = taking.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(readings.started).toEqual([1, 2, 3]);
    readings.end(2);
    expect((await second).value).toEqual([2, "read 2"]);
  });

  it("tells of a failure in its turn, and of none that nobody waits for", async () => {
    const read = (item: number): Promise<number> =>
      item < 2 ? Promise.resolve(item) : Promise.reject(new Error(`cannot read ${item}`));
    const taking = readAhead([[1, 2, 3]], 3, read);
    expect((await taking.next()).value).toEqual([1, 1]);
    await expect(taking.next()).rejects.toThrow("cannot read 2");
    // The third failed unseen: an unhandled rejection would fail this test.
    await new Promise((resolve) => setImmediate(resolve));
  });
});
