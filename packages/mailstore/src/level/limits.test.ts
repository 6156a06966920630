// Bounds of the level driver that no other test lowers: how much of it is done at once, and kept.
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "@jest/globals";
import type { StoreDriver } from "../driver.ts";
import { accountId, mailboxId } from "../ids.ts";
import { BodyChecks } from "./body-checks.ts";
import { openDriver } from "./driver.ts";
import { openLevelDriver } from "./index.ts";
import { LEVEL_LIMITS, type LevelLimits } from "./limits.ts";
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

describe("what is kept", () => {
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
