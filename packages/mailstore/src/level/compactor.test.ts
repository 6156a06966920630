import { describe, expect, it } from "@jest/globals";
import type { CommitResult, StoreDriver } from "../driver.ts";
import { accountId, mailboxId, type BlobId } from "../ids.ts";
import { openDriver } from "./driver.ts";
import { LEVEL_LIMITS, type LevelLimits } from "./limits.ts";
import { placeOf } from "./record.ts";
import { SimulatedDisk, type DiskImage } from "./test-support/simulated-disk.ts";

const A = accountId(1);
const INBOX = mailboxId(1);
const LIMITS: LevelLimits = {
  ...LEVEL_LIMITS,
  segmentBytesMax: 32 * 1024,
  inlineBodyBytesMax: 8 * 1024,
  zeroFillBytesMin: 0,
  zeroFillBytesMax: 0,
  compactBytesMax: 4 * 1024,
  sliceEntriesMax: 5,
};

let warnings: string[] = [];

async function openOn(image?: DiskImage, limits = LIMITS): Promise<{ driver: StoreDriver; disk: SimulatedDisk }> {
  const disk = await SimulatedDisk.from(image);
  const warn = (_: object, message: string): void => void warnings.push(message);
  const driver = await openDriver({
    files: disk,
    index: disk.index,
    limits,
    log: { info: () => undefined, warn },
    onStep: () => undefined,
    now: Date.now,
    release: () => Promise.resolve(),
  });
  return { driver, disk };
}

async function begin(limits = LIMITS): Promise<{ driver: StoreDriver; disk: SimulatedDisk }> {
  const opened = await openOn(undefined, limits);
  const none = { allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0, record: Buffer.alloc(0) };
  const part = { mailbox: INBOX, ...none, properties: Buffer.from("INBOX") };
  await opened.driver.commit([{ account: A, blobs: [], enforceQuota: false, parts: [part] }]);
  return opened;
}

async function deliver(driver: StoreDriver, size: number, fill: number): Promise<BlobId> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield Buffer.alloc(size, fill);
  }
  const staged = await driver.blobs.stage(stream());
  const counts = { allocate: 1, messages: 1, unseen: 0, deleted: 0, bytes: size };
  const part = { mailbox: INBOX, ...counts, record: Buffer.from("mail") };
  const [result] = await driver.commit([{ account: A, blobs: [staged], enforceQuota: true, parts: [part] }]);
  return (result as Extract<CommitResult, { ok: true }>).blobs[0] as BlobId;
}

async function expectBody(driver: StoreDriver, blob: BlobId, [size, fill]: readonly [number, number]): Promise<void> {
  const pieces: Uint8Array[] = [];
  for await (const piece of driver.blobs.read(blob)) pieces.push(piece);
  expect(Buffer.concat(pieces).equals(Buffer.alloc(size, fill))).toBe(true);
}

function compact(driver: StoreDriver, live: Iterable<BlobId>): Promise<number> {
  return driver.blobs.compact(async function* () {
    yield live;
  });
}

async function bytesOn(disk: SimulatedDisk): Promise<number> {
  return [...(await disk.image()).files.values()].reduce((sum, bytes) => sum + bytes.length, 0);
}

describe("compaction", () => {
  it("keeps the disk within a few times of what lives, over many rounds of mail that comes and goes", async () => {
    let { driver, disk } = await begin();
    const live = new Map<BlobId, readonly [number, number]>();
    for (let round = 0; round < 8; round++) {
      for (let i = 0; i < 40; i++) {
        const body = [i % 13 === 0 ? 20_000 : 1_500 + 10 * i, (round * 40 + i) % 256] as const;
        live.set(await deliver(driver, ...body), body);
      }
      for (const blob of live.keys()) if (live.size > 20 && blob % 5 !== round % 5) live.delete(blob);
      await compact(driver, live.keys());
      for (const [blob, body] of live) await expectBody(driver, blob, body);
      if (round % 3 === 2) {
        await driver.close();
        ({ driver, disk } = await openOn(await disk.image()));
      }
    }
    const living = [...live.values()].reduce((sum, [size]) => sum + size, 0);
    expect(await bytesOn(disk)).toBeLessThan(3 * living + 3 * LIMITS.segmentBytesMax);
    // Everything goes: what moved leaves nothing behind.
    await compact(driver, []);
    const entries = (await disk.image()).entries.filter(([key]) => key[0] === 0x06);
    expect(entries).toEqual([]);
    expect(await bytesOn(disk)).toBeLessThan(3 * LIMITS.segmentBytesMax);
  });

  it("reads on from a segment that goes meanwhile", async () => {
    const { driver } = await begin();
    const blobs: BlobId[] = [];
    for (let i = 0; i < 30; i++) blobs.push(await deliver(driver, 4_000, i));
    const reading = driver.blobs.read(blobs[0] as BlobId)[Symbol.asyncIterator]();
    const large = await deliver(driver, 400_000, 7);
    const readingLarge = driver.blobs.read(large)[Symbol.asyncIterator]();
    const begun = [await reading.next(), await readingLarge.next()];
    expect(begun.map(({ done }) => done)).toEqual([false, false]);
    expect(await compact(driver, [])).toBeGreaterThan(400_000);
    expect((await reading.next()).done).toBe(true);
    let bytes = begun[1]?.value?.length ?? 0;
    for (let next = await readingLarge.next(); next.done !== true; next = await readingLarge.next()) {
      bytes += next.value.length;
    }
    expect(bytes).toBe(400_000);
    await expect(expectBody(driver, large, [400_000, 7])).rejects.toThrow("no such body");
  });

  it("gives out what it moves all the while, however late the index is told of that", async () => {
    const { driver, disk } = await begin();
    const live = new Map<BlobId, readonly [number, number]>();
    for (let i = 0; i < 60; i++) {
      const blob = await deliver(driver, 1_500, i);
      if (i % 10 === 0) live.set(blob, [1_500, i]);
    }
    disk.beforeOperation = async (name) => {
      for (let turn = 0; name === "write database" && turn < 50; turn++) await new Promise(setImmediate);
    };
    let isOver = false;
    const compacting = compact(driver, live.keys()).finally(() => (isOver = true));
    while (!isOver) for (const [blob, body] of live) await expectBody(driver, blob, body);
    expect(await compacting).toBeGreaterThan(LIMITS.segmentBytesMax);
  });

  it("keeps a body that is named again while references are counted, and refuses one that is gone", async () => {
    const { driver } = await begin();
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(4_000, 1);
    }
    const [staged, other] = [await driver.blobs.stage(stream()), await driver.blobs.stage(stream())];
    const counts = { allocate: 1, messages: 1, unseen: 0, deleted: 0, bytes: 4_000, record: Buffer.from("mail") };
    const name = async (blob: typeof staged): Promise<BlobId> => {
      const parts = [{ mailbox: INBOX, ...counts }];
      const [result] = await driver.commit([{ account: A, blobs: [blob], enforceQuota: true, parts }]);
      return (result as Extract<CommitResult, { ok: true }>).blobs[0] as BlobId;
    };
    await name(other);
    for (let i = 0; i < 20; i++) await deliver(driver, 4_000, i);
    const first = await name(staged);
    for (let i = 0; i < 20; i++) await deliver(driver, 4_000, i);
    let again: BlobId | undefined;
    await driver.blobs.compact(async function* () {
      yield [];
      again = await name(staged);
    });
    expect(again).toBe(first);
    await expectBody(driver, first, [4_000, 1]);
    await expect(name(other)).rejects.toThrow("no longer kept");
  });

  it("keeps a body that a commit names which is not durable yet", async () => {
    const { driver, disk } = await begin();
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(4_000, 1);
    }
    const staged = await driver.blobs.stage(stream());
    const counts = { allocate: 1, messages: 1, unseen: 0, deleted: 0, bytes: 4_000, record: Buffer.from("mail") };
    const parts = [{ mailbox: INBOX, ...counts }];
    const name = (): Promise<readonly CommitResult[]> =>
      driver.commit([{ account: A, blobs: [staged], enforceQuota: true, parts }]);
    const [first] = await name();
    for (let i = 0; i < 20; i++) await deliver(driver, 4_000, i);
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    let again: ReturnType<typeof name> | undefined;
    await driver.blobs.compact(async function* () {
      yield [];
      const isAtDisk = new Promise<void>((resolve) => {
        disk.beforeOperation = async (operation) => {
          if (operation !== "write") return;
          resolve();
          await held;
        };
      });
      again = name();
      await isAtDisk;
    });
    goOn();
    const [second] = (await again) ?? [];
    expect(second).toMatchObject({ ok: true, blobs: (first as Extract<CommitResult, { ok: true }>).blobs });
    const [blob] = (second as Extract<CommitResult, { ok: true }>).blobs;
    await expectBody(driver, blob as BlobId, [4_000, 1]);
  });

  it("never gives the id of a body that is gone to another", async () => {
    const opened = await begin();
    const first = await deliver(opened.driver, 20_000, 1);
    await compact(opened.driver, []);
    await opened.driver.close();
    const { driver } = await openOn(await opened.disk.image());
    const second = await deliver(driver, 20_000, 2);
    expect(placeOf(second).segment).toBeGreaterThan(placeOf(first).segment);
    await expect(expectBody(driver, first, [20_000, 1])).rejects.toThrow("no such body");
  });

  it("reads a living body at once, however long it is", async () => {
    const reads: number[] = [];
    for (const living of [1, 4]) {
      const { driver, disk } = await begin({
        ...LIMITS,
        segmentBytesMax: 512 * 1024,
        inlineBodyBytesMax: 64 * 1024,
      });
      const blobs: BlobId[] = [];
      for (let i = 0; i < 18; i++) blobs.push(await deliver(driver, 40_000, i));
      expect(placeOf(blobs.at(-1) as BlobId).segment).toBe(2);
      let count = 0;
      disk.beforeOperation = (operation) => {
        if (operation === "read") count++;
      };
      expect(await compact(driver, blobs.slice(0, living))).toBeGreaterThan(0);
      reads.push(count);
    }
    expect(reads[1]).toBe((reads[0] as number) + 3);
  });

  it("leaves a segment alone in which a living body is damaged", async () => {
    const { driver, disk } = await begin();
    const blobs: BlobId[] = [];
    for (let i = 0; i < 20; i++) blobs.push(await deliver(driver, 4_000, i));
    await driver.close();
    const image = await disk.image();
    const [kept, damaged] = [blobs[0] as BlobId, blobs[1] as BlobId];
    const { segment, offset } = placeOf(damaged);
    const name = `${String(segment).padStart(10, "0")}.seg`;
    const bytes = Buffer.from(image.files.get(name) as Buffer);
    bytes[offset + 100] = 0xff;
    warnings = [];
    const again = await openOn({ ...image, files: new Map([...image.files, [name, bytes]]) });
    await compact(again.driver, [kept, damaged]);
    expect(warnings).toEqual(["a body cannot be read: its segment is not compacted"]);
    expect((await again.disk.image()).files.has(name)).toBe(true);
    await expectBody(again.driver, kept, [4_000, 0]);
    await expect(expectBody(again.driver, damaged, [4_000, 1])).rejects.toMatchObject({
      code: "STORE_DAMAGED",
      offset,
    });
  });

  it("empties a segment once what was damaged in it is mended", async () => {
    const { driver, disk } = await begin();
    const blobs: BlobId[] = [];
    for (let i = 0; i < 20; i++) blobs.push(await deliver(driver, 4_000, i));
    await driver.close();
    const [, damaged, , , living] = blobs as [BlobId, BlobId, BlobId, BlobId, BlobId];
    const { segment, offset } = placeOf(damaged);
    expect(placeOf(living).segment).toBe(segment);
    const name = `${String(segment).padStart(10, "0")}.seg`;
    /** The head of a record that nobody needs is damaged, or mended. */
    const changed = async (from: SimulatedDisk): Promise<DiskImage> => {
      const image = await from.image();
      const bytes = Buffer.from(image.files.get(name) as Buffer);
      bytes[offset] = (bytes[offset] as number) ^ 0xff;
      return { ...image, files: new Map([...image.files, [name, bytes]]) };
    };
    warnings = [];
    const again = await openOn(await changed(disk));
    await compact(again.driver, [living]);
    expect(warnings).toEqual(["the segment is damaged: it is not compacted"]);
    await again.driver.close();
    const mended = await openOn(await changed(again.disk));
    expect(await compact(mended.driver, [living])).toBeGreaterThan(0);
    expect((await mended.disk.image()).files.has(name)).toBe(false);
    await expectBody(mended.driver, living, [4_000, 4]);
    expect(warnings).toHaveLength(1);
  });

  it("removes later what could not be removed", async () => {
    const { driver, disk } = await begin({ ...LIMITS, spareSegmentsMax: 0 });
    const large = await deliver(driver, 20_000, 7);
    for (let i = 0; i < 20; i++) await deliver(driver, 4_000, i);
    for (const operation of ["remove", "open"]) {
      disk.beforeOperation = (name) => {
        if (name === operation) throw Object.assign(new Error(`EIO: ${name}`), { code: "EIO" });
      };
      await expect(compact(driver, [])).rejects.toMatchObject({ code: "storeUnavailable" });
    }
    disk.beforeOperation = () => undefined;
    await expectBody(driver, large, [20_000, 7]);
    expect(await compact(driver, [])).toBeGreaterThan(2 * LIMITS.segmentBytesMax);
    expect(await bytesOn(disk)).toBeLessThan(2 * LIMITS.segmentBytesMax);
  });

  it("keeps moved bodies readable when the power goes while a freed segment is made a new one", async () => {
    const { driver, disk } = await begin();
    const blobs: BlobId[] = [];
    for (let i = 0; i < 20; i++) blobs.push(await deliver(driver, 4_000, i));
    const [kept] = blobs as [BlobId];
    await compact(driver, [kept]);
    expect([...(await disk.image()).files.keys()].some((name) => name.endsWith(".spare"))).toBe(true);
    // Every write is there after the cut, and no name that was not synced.
    const cut = new Promise<DiskImage>((resolve) => {
      disk.beforeOperation = (operation) => {
        if (operation === "syncNames") resolve(disk.cut(() => 0));
      };
    });
    void Promise.all(Array.from({ length: 20 }, (_, i) => deliver(driver, 4_000, i)));
    const { driver: recovered } = await openOn(await cut);
    await expectBody(recovered, kept, [4_000, 0]);
  });

  it("uses a freed segment again for the log", async () => {
    const { driver, disk } = await begin();
    for (let i = 0; i < 20; i++) await deliver(driver, 4_000, i);
    await compact(driver, []);
    const freed = [...(await disk.image()).files].filter(([name]) => name.endsWith(".spare"));
    expect(freed).toHaveLength(LIMITS.spareSegmentsMax);
    const blobs: BlobId[] = [];
    for (let i = 0; i < 16; i++) blobs.push(await deliver(driver, 4_000, 100 + i));
    const image = await disk.image();
    expect([...image.files.keys()].filter((name) => name.endsWith(".spare"))).toEqual([]);
    // Killed: what the recycled file held before is not taken for the log's end.
    const recovered = await openOn({ ...image, entries: [] }).catch((error: unknown) => error);
    expect(recovered).toMatchObject({ code: "STORE_DAMAGED" });
    const { driver: replayed } = await openOn(image);
    for (const [i, blob] of blobs.entries()) await expectBody(replayed, blob, [4_000, 100 + i]);
    await expectBody(replayed, await deliver(replayed, 3_000, 9), [3_000, 9]);
  });
});
