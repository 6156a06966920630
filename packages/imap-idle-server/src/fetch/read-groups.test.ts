import { describe, expect, it } from "@jest/globals";
import { blobId, type BlobRange, type RoomToRead } from "@pushmail/mailstore";
import { mapBatches, readGroups, type ReadItem, type Wanted } from "./read-groups.ts";
import { ReadRooms } from "./read-rooms.ts";

/** A message that wants so many octets; its number is its blob, and the octets hold that number. */
function wanted(number: number, octets: readonly number[]): Wanted<number> {
  return { item: number, ranges: octets.map((end) => ({ blob: blobId(number), start: 0, end })) };
}

async function* batchesOf(...batches: Wanted<number>[][]): AsyncGenerator<Wanted<number>[]> {
  yield* batches;
}

/** Readings that end when they are told to. */
class Readings {
  readonly started: (readonly number[])[] = [];
  readonly #ends: (() => void)[] = [];

  readonly bodies = (ranges: readonly BlobRange[]): Promise<readonly Uint8Array[]> => {
    this.started.push(ranges.map(({ blob }) => blob));
    return new Promise((resolve) => {
      this.#ends.push(() => resolve(ranges.map(({ blob, end }) => Buffer.alloc(end, blob))));
    });
  };

  endNext(): void {
    this.#ends.shift()?.();
  }
}

/** The messages of a group; at the end there is none. */
function itemsOf(group: readonly ReadItem<number>[] | undefined): readonly number[] {
  return (group ?? []).map(({ item }) => item);
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("readGroups", () => {
  it("gives every message in order with its own octets, whatever the batches", async () => {
    const bodies = async (ranges: readonly BlobRange[]): Promise<readonly Uint8Array[]> => {
      return ranges.map(({ blob, end }) => Buffer.alloc(end, blob));
    };
    const batches = batchesOf(
      [wanted(1, [3])],
      [],
      [wanted(2, []), wanted(3, [5, 1]), wanted(4, [9])],
      [wanted(5, [])],
    );
    const taken: (readonly [number, readonly string[]])[] = [];
    for await (const group of readGroups({ bodies }, batches, { groupOctetsMax: 8 })) {
      for (const { item, octets } of group)
        taken.push([item, octets.map((bytes) => Buffer.from(bytes ?? []).toString("hex"))]);
    }
    expect(taken).toEqual([
      [1, ["010101"]],
      [2, []],
      [3, ["0303030303", "03"]],
      [4, ["04".repeat(9)]],
      [5, []],
    ]);
  });

  it("reads one group ahead and no further, and asks for nothing where nothing is wanted", async () => {
    const readings = new Readings();
    const batch = [wanted(1, [4]), wanted(2, [4]), wanted(3, [8]), wanted(4, [8]), wanted(5, [])];
    const taking = readGroups(readings, batchesOf(batch), { groupOctetsMax: 8 });
    const first = taking.next();
    await turn();
    expect(readings.started).toEqual([[1, 2], [3]]);
    readings.endNext();
    expect(itemsOf((await first).value)).toEqual([1, 2]);
    const second = taking.next();
    await turn();
    expect(readings.started).toEqual([[1, 2], [3], [4]]);
    readings.endNext();
    readings.endNext();
    expect(itemsOf((await second).value)).toEqual([3]);
    expect(itemsOf((await taking.next()).value)).toEqual([4]);
    expect(itemsOf((await taking.next()).value)).toEqual([5]);
    expect(readings.started).toHaveLength(3);
  });

  it("holds no more messages that are read alone than it would of others", async () => {
    let asked = 0;
    async function* batches(): AsyncGenerator<Wanted<number>[]> {
      while (asked < 1_000) yield [wanted(++asked, [])];
    }
    const bodies = (): Promise<readonly undefined[]> => Promise.reject(new Error("nothing is wanted"));
    const taking = readGroups({ bodies }, batches(), { groupOctetsMax: 4_096 });
    expect(itemsOf((await taking.next()).value)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    expect(asked).toBe(32);
    await taking.return(undefined);
  });

  it("tells of a failure in its turn, and of none that nobody waits for", async () => {
    const bodies = (ranges: readonly BlobRange[]): Promise<readonly undefined[]> => {
      const [first] = ranges;
      return first?.blob === 1 ? Promise.resolve([undefined]) : Promise.reject(new Error(`cannot read ${first?.blob}`));
    };
    const taking = readGroups({ bodies }, batchesOf([wanted(1, [8]), wanted(2, [8]), wanted(3, [8])]), {
      groupOctetsMax: 8,
    });
    expect((await taking.next()).value).toEqual([{ item: 1, octets: [undefined] }]);
    await expect(taking.next()).rejects.toThrow("cannot read 2");
    // The third failed unseen: an unhandled rejection would fail this test.
    await turn();
  });
});

describe("rooms into which groups are read", () => {
  /** Reads into the room that it is given, as far as that has some. */
  const bodies = async (ranges: readonly BlobRange[], room?: RoomToRead): Promise<readonly Uint8Array[]> =>
    ranges.map(({ blob, end }) => (room?.(end) ?? Buffer.alloc(end)).fill(blob));

  /** The memory in which each group's octets are, while these are what they should be. */
  async function readAll(rooms: ReadRooms, count: number): Promise<readonly ArrayBufferLike[]> {
    const groups = Array.from({ length: count }, (_, i) => wanted(i + 1, [8]));
    const memory: ArrayBufferLike[] = [];
    for await (const [read] of readGroups({ bodies }, batchesOf(groups), { groupOctetsMax: 8, rooms })) {
      const octets = read?.octets[0] as Buffer;
      expect(octets).toEqual(Buffer.alloc(8, read?.item));
      memory.push(octets.buffer);
    }
    return memory;
  }

  it("are used for every second group, and by who reads next", async () => {
    const rooms = new ReadRooms({ keptMax: 2, octets: 12 });
    const memory = await readAll(rooms, 5);
    expect(new Set(memory).size).toBe(2);
    expect(memory).toContain((await readAll(rooms, 1))[0]);
  });

  it("have no more than their octets: the rest is read into memory of its own", async () => {
    const rooms = new ReadRooms({ keptMax: 2, octets: 7 });
    expect(new Set(await readAll(rooms, 5)).size).toBe(5);
  });

  it("are kept up to a number", async () => {
    const rooms = new ReadRooms({ keptMax: 1, octets: 8 });
    const [one, other] = [rooms.take(), rooms.take()];
    rooms.giveBack(one);
    rooms.giveBack(other);
    expect([rooms.take(), rooms.take()].map((room) => [one, other].indexOf(room))).toEqual([0, -1]);
  });
});

describe("mapBatches", () => {
  it("waits within a batch where others are to have their turn", async () => {
    const made: number[] = [];
    const pauses: (() => void)[] = [];
    const rest = (): Promise<void> | undefined =>
      made.length % 2 === 0 ? new Promise((resolve) => pauses.push(resolve)) : undefined;
    const make = (item: Wanted<number>): number => (made.push(item.item), -item.item);
    const mapped = mapBatches(batchesOf([1, 2, 3].map((number) => wanted(number, []))), make, rest);
    const batch = mapped.next();
    await turn();
    expect(made).toEqual([1, 2]);
    pauses.shift()?.();
    expect((await batch).value).toEqual([-1, -2, -3]);
    expect(await mapped.next()).toEqual({ done: true, value: undefined });
  });
});
