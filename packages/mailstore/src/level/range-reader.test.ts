// Ranges of many bodies at once: the same bytes as one by one, checked, with few reads.
import { describe, expect, it } from "@jest/globals";
import type { BlobRange } from "../driver.ts";
import { blobId, type BlobId } from "../ids.ts";
import { BodyChecks } from "./body-checks.ts";
import { LEVEL_LIMITS } from "./limits.ts";
import { MemoryFiles } from "./memory-files.ts";
import { mergeStretches, RangeReader, type Stretch } from "./range-reader.ts";
import { blobIdAt, encodeRecordHead, FIRST_BLOCK_BYTES, RECORD_HEAD_BYTES, recordBytes } from "./record.ts";
import type { SegmentFile } from "./segment-files.ts";
import { Segments } from "./segments.ts";
import { crc32 } from "node:zlib";

const LIMITS = { ...LEVEL_LIMITS, readBytesMax: 100_000, readGapBytesMax: 10_000, rangeReadsAtOnce: 2 };

function bodyOf(size: number, seed: number): Buffer {
  return Buffer.from(Array.from({ length: size }, (_, i) => (i * 31 + seed * 7 + (i >> 8)) & 0xff));
}

class Shelf {
  reads = 0;
  /** Leases of the segment that were taken, and those that were not given back yet. */
  leases = 0;
  held = 0;
  /** What each read waits for. */
  gate: Promise<void> = Promise.resolve();
  readonly bodies: Buffer[] = [];
  readonly blobs: BlobId[] = [];
  readonly reader: RangeReader;
  readonly #file: SegmentFile;
  readonly #segment: { readonly number: number; readonly salt: number };
  #end = 64;

  private constructor(segments: Segments, lease: Awaited<ReturnType<Segments["create"]>>) {
    this.#file = lease.file;
    this.#segment = lease.header;
    const read = lease.file.read.bind(lease.file);
    lease.file.read = async (...args) => {
      this.reads++;
      await this.gate;
      return read(...args);
    };
    const acquire = segments.acquire.bind(segments);
    segments.acquire = async (number) => {
      const taken = await acquire(number);
      if (taken === undefined) return undefined;
      this.leases++;
      this.held++;
      const release = (): void => {
        this.held--;
        taken.release();
      };
      return { ...taken, release };
    };
    this.reader = new RangeReader(segments, { ...LIMITS, checks: new BodyChecks(100) });
  }

  static async open(): Promise<Shelf> {
    const segments = await Segments.list(new MemoryFiles(), LIMITS);
    return new Shelf(segments, await segments.create("log", { number: 0, end: 0 }));
  }

  async put(body: Buffer): Promise<void> {
    const first = body.subarray(0, FIRST_BLOCK_BYTES);
    const head = { type: "blob", length: body.length, groupStart: 64 } as const;
    const sums = { checksum: crc32(body), firstChecksum: crc32(first) };
    const place = { segment: this.#segment, offset: this.#end };
    await this.#file.write(this.#end, [encodeRecordHead({ ...head, ...sums }, place), body]);
    this.bodies.push(body);
    this.blobs.push(blobIdAt(this.#segment.number, this.#end));
    this.#end += recordBytes(body.length);
  }

  /** Flips a bit of a body. */
  async damage(index: number, at: number): Promise<void> {
    const place = (Number(this.blobs[index]) % 2 ** 24) * 8 + RECORD_HEAD_BYTES + at;
    const [byte] = await this.#file.read(place, 1);
    await this.#file.write(place, [Buffer.of((byte as number) ^ 1)]);
    this.reads = 0;
  }

  async read(...ranges: readonly (readonly [index: number, start: number, end: number])[]): Promise<void> {
    const wanted = ranges.map(([index, start, end]) => ({ blob: this.blobs[index] as BlobId, start, end }));
    const bytes = await this.reader.read(wanted);
    for (const [i, [index, start, end]] of ranges.entries()) {
      expect(bytes[i]?.equals(this.bodies[index]?.subarray(start, end) as Buffer)).toBe(true);
    }
  }
}

describe("mergeStretches", () => {
  const at = (segment: number, start: number, end: number): Stretch => ({ segment, start, end, at: 0 });
  const limits = { readBytesMax: 100, readGapBytesMax: 10 };

  it("joins what is near in the same segment, whatever the order", () => {
    const [a, b, c, d, e] = [at(1, 0, 20), at(1, 30, 40), at(1, 51, 60), at(2, 62, 70), at(2, 65, 200)] as const;
    expect(mergeStretches([c, e, b, a, d], limits)).toEqual([[a, b], [c], [d], [e]]);
    expect(mergeStretches([], limits)).toEqual([]);
  });

  it("keeps on measuring from the furthest end", () => {
    const [long, inside, behind] = [at(1, 0, 80), at(1, 10, 20), at(1, 85, 90)] as const;
    expect(mergeStretches([long, inside, behind], limits)).toEqual([[long, inside, behind]]);
  });
});

describe("RangeReader", () => {
  it("reads into the room that it is given, and into memory of its own where that has none", async () => {
    const shelf = await Shelf.open();
    for (const [i, size] of [5_000, 20_000, 8_000].entries()) await shelf.put(bodyOf(size, i));
    const [near, far, last] = shelf.blobs.map((blob, i) => ({ blob, start: 0, end: shelf.bodies[i]?.length ?? 0 }));
    const room = Buffer.alloc(30_000);
    let left = 1;
    const give = (bytes: number): Buffer | undefined => (left-- > 0 ? room.subarray(0, bytes) : undefined);
    const bytes = [...(await shelf.reader.read([near, last] as BlobRange[], give))];
    bytes.push(...(await shelf.reader.read([far] as BlobRange[], give)));
    expect(bytes).toEqual([0, 2, 1].map((index) => shelf.bodies[index]));
    expect(bytes.map((read) => read?.buffer === room.buffer)).toEqual([true, false, false]);
  });

  it("reads neighbours at once, each range as it was asked for", async () => {
    const shelf = await Shelf.open();
    for (const [i, size] of [5000, 1, 0, 4096, 300, 9000].entries()) await shelf.put(bodyOf(size, i));
    await shelf.read([0, 0, 5000], [1, 0, 1], [2, 0, 0], [3, 10, 4096], [4, 299, 300], [5, 0, 9000], [0, 17, 40]);
    expect(shelf.reads).toBe(1);
  });

  it("reads the whole body where only that can be checked, all of them at once, and the next time no more", async () => {
    const shelf = await Shelf.open();
    for (let i = 0; i < 4; i++) await shelf.put(bodyOf(20_000, i));
    await shelf.read(...[0, 1, 2, 3].map((i) => [i, 4000, 9000] as const));
    expect(shelf.reads).toBe(4 + 1);
    await shelf.read(...[0, 1, 2, 3].map((i) => [i, 4000, 9000] as const));
    expect(shelf.reads).toBe(4 + 1 + 4);
  });

  it("takes one lease of a segment for all that is read of it at a time, and gives it back", async () => {
    const shelf = await Shelf.open();
    for (let i = 0; i < 5; i++) await shelf.put(bodyOf(20_000, i));
    await shelf.read([0, 0, 100], [2, 0, 100], [4, 0, 100]);
    expect([shelf.reads, shelf.leases, shelf.held]).toEqual([3, 1, 0]);
  });

  it("reads for no more callers at a time than rangeReadsAtOnce, and then for the next ones", async () => {
    const shelf = await Shelf.open();
    for (let i = 0; i < 2; i++) await shelf.put(bodyOf(20_000, i));
    let open = (): void => undefined;
    shelf.gate = new Promise((resolve) => (open = resolve));
    const callers = [0, 1, 0, 1, 0].map((i) => shelf.read([i, 0, 100]));
    await new Promise((resolve) => setImmediate(resolve));
    expect(shelf.reads).toBe(LIMITS.rangeReadsAtOnce);
    open();
    await Promise.all(callers);
    expect(shelf.reads).toBe(5);
  });

  it("leaves out what is damaged, moved, far behind its head or not there, and gives the rest", async () => {
    const shelf = await Shelf.open();
    for (const [i, size] of [3000, 3000, 3000, 50_000, 200_000].entries()) await shelf.put(bodyOf(size, i));
    await shelf.damage(1, 2_999);
    await shelf.damage(3, 40_000);
    const range = (index: number, start: number, end: number): { blob: BlobId; start: number; end: number } => {
      return { blob: shelf.blobs[index] as BlobId, start, end };
    };
    const elsewhere = { blob: blobId(9 * 2 ** 24 + 8), start: 0, end: 10 };
    const near = [range(0, 0, 3000), range(1, 0, 10), range(2, 5, 3000), range(3, 0, 5000), range(3, 0, 4096)];
    const far = [range(4, 0, 5000), range(4, 20_000, 20_001), range(2, 0, 3001), elsewhere];
    const bytes = await shelf.reader.read(near.concat(far));
    expect(bytes.map((found) => found?.length)).toEqual([3000, undefined, 2995, undefined, 4096, ...Array(4)]);
  });
});
