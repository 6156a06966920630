// Bounds of the level driver that no other test lowers: how much of it is done at once, and kept.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import type { StagedBlob, StoreDriver } from "../driver.ts";
import { accountId, mailboxId } from "../ids.ts";
import { BodyChecks } from "./body-checks.ts";
import { openDriver } from "./driver.ts";
import { openLevelDriver, openMemoryDriver } from "./index.ts";
import { LEVEL_LIMITS, REQUEST_BYTES_MAX, type LevelLimits } from "./limits.ts";
import { FIRST_BLOCK_BYTES, type RecordHead } from "./record.ts";
import { SimulatedDisk } from "./test-support/simulated-disk.ts";

const INBOX = mailboxId(1);
const KIB = 1024;

let disk: SimulatedDisk;
let driver: StoreDriver;
/** Operations on the disk, by name. */
let operations: string[] = [];

afterEach(() => driver.close());

async function open(lowered: Partial<LevelLimits>): Promise<void> {
  disk = await SimulatedDisk.from();
  driver = await openDriver({
    files: disk,
    index: disk.index,
    limits: { ...LEVEL_LIMITS, zeroFillBytesMin: 0, zeroFillBytesMax: 0, ...lowered },
    log: { info: () => undefined, warn: () => undefined },
    onStep: () => undefined,
    now: Date.now,
    release: () => Promise.resolve(),
  });
  operations = [];
  disk.beforeOperation = (name) => void operations.push(name);
}

function counted(name: string): number {
  return operations.filter((operation) => operation === name).length;
}

/** A transaction of its own account, of about so many bytes. */
function commit(account: number, bytes: number): Promise<unknown> {
  const none = { allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0 };
  const part = { mailbox: INBOX, ...none, record: Buffer.alloc(bytes), properties: Buffer.from("INBOX") };
  return driver.commit([{ account: accountId(account), blobs: [], enforceQuota: false, parts: [part] }]);
}

describe("one group commit", () => {
  it.each([
    [8, 512],
    [4, 2],
    [8, 1],
  ])("has no more requests than groupRequestsMax: %i of them by %i", async (requests, groupRequestsMax) => {
    await open({ groupRequestsMax });
    await Promise.all(Array.from({ length: requests }, (_, i) => commit(i + 1, 10)));
    expect(counted("sync")).toBe(Math.ceil(requests / groupRequestsMax));
  });

  // Each request takes a little more than 1,500 bytes.
  it.each([
    [100_000, 1],
    [4_000, 2],
    [1_000, 4],
  ])("has no more bytes than groupBytesMax, or one request: four by %i in %i", async (groupBytesMax, groups) => {
    await open({ groupBytesMax });
    await Promise.all([1, 2, 3, 4].map((account) => commit(account, 1_000)));
    expect(counted("sync")).toBe(groups);
  });

  it("goes to the next segment where this one would be larger than segmentBytesMax", async () => {
    await open({ segmentBytesMax: 8 * KIB });
    for (let i = 0; i < 12; i++) await commit(1, 1_000);
    const sizes = Array.from((await disk.image()).files.values(), ({ length }) => length);
    expect(sizes.length).toBeGreaterThan(1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8 * KIB);
  });

  it("is followed by a checkpoint where checkpointBytes came since the last one", async () => {
    await open({ checkpointBytes: 6_000 });
    let commits = 0;
    while (counted("flush") === 0 && commits < 20) {
      await commit(1, 1_000);
      commits++;
    }
    expect(commits).toBeGreaterThan(3);
    expect(commits).toBeLessThan(10);
  });

  it.each([
    [1, 4],
    [64, 16],
  ])(
    "has, behind %i of them, zeroFillBytesMin and up to zeroFillBytesMax filled ahead: %i KiB",
    async (groups, kib) => {
      await open({ zeroFillBytesMin: 4 * KIB, zeroFillBytesMax: 16 * KIB });
      for (let i = 0; i < groups; i++) await commit(1, 1_000);
      await driver.close();
      const [segment = Buffer.alloc(0)] = (await disk.image()).files.values();
      const ahead = segment.length - 1 - segment.findLastIndex((byte) => byte !== 0);
      expect(ahead).toBeGreaterThanOrEqual((kib * KIB) / 2);
      // The next step begins when half of one is left.
      expect(ahead).toBeLessThan(1.6 * kib * KIB);
    },
  );

  it("has space filled ahead behind it where it is no larger than zeroFillGroupBytesMax", async () => {
    const ahead: number[] = [];
    for (const bytes of [10, 5_000]) {
      await open({ zeroFillBytesMin: 4 * KIB, zeroFillBytesMax: 4 * KIB, zeroFillGroupBytesMax: 2_000 });
      await commit(1, bytes);
      await driver.close();
      ahead.push(counted("write"));
    }
    // The group alone, or the group and what is filled.
    expect(ahead).toEqual([2, 1]);
  });

  it("has the least filled ahead behind it where a larger one came before, however far the steps had grown", async () => {
    await open({ zeroFillBytesMin: 4 * KIB, zeroFillBytesMax: 64 * KIB, zeroFillGroupBytesMax: 2_000 });
    const size = async (): Promise<number> => {
      const [segment] = (await disk.image()).files.values();
      return segment?.length ?? 0;
    };
    for (let i = 0; i < 64; i++) await commit(1, 1_000);
    await commit(1, 128 * KIB);
    const before = await size();
    await commit(1, 10);
    await driver.close();
    expect(await size()).toBeGreaterThanOrEqual(before + 4 * KIB);
    expect(await size()).toBeLessThan(before + 8 * KIB);
  });
});

describe("a body that comes in", () => {
  async function* pieces(bytes: number, broken = false): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < bytes; at += 500) yield Buffer.alloc(Math.min(500, bytes - at), "x");
    if (broken) throw new Error("the client has gone");
  }
  const stage = (bytes: number): Promise<StagedBlob> => driver.blobs.stage(pieces(bytes));

  it("has a file of its own where it is longer than inlineBodyBytesMax", async () => {
    await open({ inlineBodyBytesMax: 2_000 });
    await stage(2_000);
    expect(counted("create")).toBe(0);
    await stage(2_001);
    expect(counted("create")).toBe(1);
  });

  it("has one where those in memory are more than stagedBytesMax, whatever became of others", async () => {
    await open({ inlineBodyBytesMax: 10_000, stagedBytesMax: 10_000 });
    const files = async (bytes: number): Promise<number> => {
      const before = counted("create");
      await (await stage(bytes)).discard();
      return counted("create") - before;
    };
    const first = await stage(6_000);
    expect([await files(6_000), await files(4_000)]).toEqual([1, 0]);
    await first.discard();
    expect(await files(10_000)).toBe(0);
    await expect(driver.blobs.stage(pieces(6_000, true))).rejects.toThrow("the client has gone");
    expect(await files(10_000)).toBe(0);
    const none = { allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0, record: Buffer.alloc(0) };
    const parts = [{ mailbox: INBOX, ...none, properties: Buffer.from("INBOX") }];
    const blobs = [await stage(6_000)];
    await driver.commit([{ account: accountId(1), blobs, enforceQuota: false, parts }]);
    expect(await files(10_000)).toBe(0);
  });
});

describe("one commit", () => {
  it("takes all the bodies that are held in memory, and says so where it cannot take more", async () => {
    driver = await openMemoryDriver();
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(LEVEL_LIMITS.inlineBodyBytesMax);
    }
    const count = LEVEL_LIMITS.stagedBytesMax / LEVEL_LIMITS.inlineBodyBytesMax;
    const blobs = await Promise.all(Array.from({ length: count }, () => driver.blobs.stage(body())));
    const none = { allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0, properties: Buffer.from("INBOX") };
    const part = { mailbox: INBOX, ...none, record: Buffer.alloc(1_000) };
    const rest = { account: accountId(1), enforceQuota: false, parts: [part] };
    expect(await driver.commit([{ ...rest, blobs }])).toMatchObject([{ ok: true }]);
    await expect(commit(1, REQUEST_BYTES_MAX)).rejects.toMatchObject({ code: "messageTooLarge" });
  });
});

describe("what is kept", () => {
  it("of accounts are the heads of the cachedAccountsMax that were used last", async () => {
    await open({ cachedAccountsMax: 2 });
    let reads = 0;
    const iterator = disk.database.iterator.bind(disk.database);
    Object.assign(disk.database, {
      iterator: (...args: Parameters<typeof iterator>) => (reads++, iterator(...args)),
    });
    for (const account of [1, 2, 3]) await commit(account, 10);
    // Until the index has it, a head stays whatever the bound.
    await driver.directory.get("name");
    await new Promise(setImmediate);
    const readsOf = async (account: number): Promise<number> => {
      reads = 0;
      await driver.head(accountId(account));
      return reads;
    };
    const all: number[] = [];
    for (const account of [3, 2, 1, 2, 3]) all.push(await readsOf(account));
    expect(all).toEqual([0, 0, 1, 0, 1]);
  });

  it("of commits is whose the touchedMax newest are: behind them a sweep tells of every account", async () => {
    await open({ touchedMax: 2 });
    for (const account of [1, 2]) await commit(account, 10);
    const { cursor } = await driver.sweep(null);
    const touched = async (): Promise<number[]> => (await driver.sweep(cursor)).touched.map(([account]) => account);
    for (let i = 0; i < 2; i++) await commit(2, 10);
    expect(await touched()).toEqual([2]);
    await commit(2, 10);
    expect(await touched()).toEqual([1, 2]);
  });

  it("of the directory are cachedNamesMax values of up to cachedNameBytesMax, or fewer that are larger", async () => {
    await open({ cachedNamesMax: 3, cachedNameBytesMax: 100 });
    let reads = 0;
    const getMany = disk.database.getMany.bind(disk.database);
    const get = disk.database.get.bind(disk.database);
    Object.assign(disk.database, {
      get: (...args: Parameters<typeof get>) => (reads++, get(...args)),
      getMany: (...args: Parameters<typeof getMany>) => (reads++, getMany(...args)),
    });
    const readsOf = async (sizes: readonly number[]): Promise<number> => {
      const entries = sizes.map((size, i) => ({ key: `name${i}`, value: Buffer.alloc(size, "x") }));
      await driver.directory.put(entries);
      reads = 0;
      for (let i = 0; i < 5; i++) {
        for (const { key, value } of entries) expect(await driver.directory.get(key)).toEqual(value);
      }
      return reads;
    };
    expect(await readsOf([0, 100, 100])).toBe(3);
    expect(await readsOf([100, 200])).toBe(2);
    expect(await readsOf([101, 200])).toBe(10);
    expect(await readsOf([300])).toBe(1);
    expect(await readsOf([301])).toBe(5);
  });

  it("of sound bodies are the checkedBodiesMax newest", async () => {
    await open({});
    const checks = new BodyChecks(2);
    const place = (offset: number): { segment: number; offset: number } => ({ segment: 1, offset });
    for (const offset of [1, 2, 3]) checks.note(place(offset));
    const head = { length: 2 * FIRST_BLOCK_BYTES, checksum: 0, firstChecksum: 0 } as RecordHead;
    const asked = { known: Buffer.alloc(0), end: 2 * FIRST_BLOCK_BYTES };
    expect([1, 2, 3].map((offset) => checks.isSound(head, place(offset), asked))).toEqual([false, true, true]);
  });

  it("of the index in memory is no more than writeBufferBytes", async () => {
    const tables: number[] = [];
    for (const writeBufferBytes of [64 * KIB, LEVEL_LIMITS.writeBufferBytes]) {
      const directory = await mkdtemp(join(tmpdir(), "pushmail-driver-"));
      driver = await openLevelDriver({ directory, limits: { writeBufferBytes } });
      // Random bytes: LevelDB compresses its tables.
      for (let i = 0; i < 20; i++) {
        const value = Buffer.from(
          Array.from({ length: 16 * KIB }, (_, k) => (i * 7919 + k * k * 31 + (k >> 3)) & 0xff),
        );
        await driver.directory.put([{ key: `name-${i}`, value }]);
      }
      await driver.directory.get("name-1");
      tables.push((await readdir(join(directory, "index"))).filter((name) => name.endsWith(".ldb")).length);
      await driver.close();
      await rm(directory, { recursive: true });
    }
    expect(tables[0]).toBeGreaterThan(0);
    expect(tables[1]).toBe(0);
  });
});
