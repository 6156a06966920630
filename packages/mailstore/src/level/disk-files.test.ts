// The simulated disk proves that what is synced stays; this, that the real one is asked to: every byte and every name of
// what was acknowledged.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { BlobId } from "../ids.ts";
import { accountId, mailboxId } from "../ids.ts";
import { DiskFiles } from "./disk-files.ts";
import { openLevelDriver } from "./index.ts";
import { WriteTrace } from "./test-support/write-trace.ts";

const ACCOUNT = accountId(1);
const MAILBOX = mailboxId(1);
const LIMITS = {
  segmentBytesMax: 32 * 1024,
  inlineBodyBytesMax: 8 * 1024,
  zeroFillBytesMin: 4_096,
  checkpointBytes: 2 ** 30,
};
const SIZES = [100, 3_000, 20_000, 7_000, 100, 7_000, 40_000, 7_000];

let parent: string;
let trace: WriteTrace;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "pushmail-disk-"));
  trace = new WriteTrace();
});
afterEach(async () => {
  trace.stop();
  await rm(parent, { recursive: true });
});

async function* bodyOf(bytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes; at += 1_000) yield Buffer.alloc(Math.min(1_000, bytes - at), "x");
}

/** Of what is used: a file that is kept for later may come and go. */
function unsynced(): readonly string[] {
  return [...trace.unsyncedFiles, ...trace.unsyncedNames].filter((path) => /\.(seg|body)$/.test(path));
}

describe("a file on a disk", () => {
  it("is read where it cannot be written", async () => {
    // No system lets anybody write to a program that runs.
    const file = await new DiskFiles(dirname(process.execPath)).open(basename(process.execPath));
    const bytes = await file.read(0, 4);
    expect(bytes).toHaveLength(4);
    const room = Buffer.alloc(10);
    const inRoom = await file.read(0, 4, room);
    expect(inRoom).toEqual(bytes);
    expect(inRoom.buffer).toBe(room.buffer);
    await file.close();
  });

  it("is closed behind the reads that are under way, and read no more", async () => {
    const file = await new DiskFiles(dirname(process.execPath)).open(basename(process.execPath));
    const ended: string[] = [];
    const reads = Array.from({ length: 20 }, () => file.read(0, 4_000_000).then(() => ended.push("read")));
    await file.close().then(() => ended.push("closed"));
    await Promise.all(reads);
    expect(ended).toEqual([...reads.map(() => "read"), "closed"]);
    await expect(file.read(0, 4)).rejects.toThrow("the file is closed");
  });
});

describe("a store on a disk", () => {
  it("has synced each byte and each name of what it acknowledges", async () => {
    const driver = await openLevelDriver({ directory: join(parent, "deep", "data"), limits: LIMITS });
    // Nothing is kept in the lock.
    const all = [...trace.unsyncedFiles, ...trace.unsyncedNames];
    expect(all.filter((path) => !/\/(lock|holder\.json)$/.test(path))).toEqual([]);
    const none = { allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0, record: Buffer.alloc(0) };
    const created = { mailbox: MAILBOX, ...none, properties: Buffer.from("INBOX") };
    await driver.commit([{ account: ACCOUNT, blobs: [], enforceQuota: false, parts: [created] }]);
    expect(unsynced()).toEqual([]);
    const live: BlobId[] = [];
    for (const sizeBytes of [...SIZES, ...SIZES]) {
      const staged = await driver.blobs.stage(bodyOf(sizeBytes));
      const counts = { allocate: 1, messages: 1, unseen: 1, deleted: 0, bytes: sizeBytes };
      const part = { mailbox: MAILBOX, ...counts, record: Buffer.from("a record") };
      const [result] = await driver.commit([{ account: ACCOUNT, blobs: [staged], enforceQuota: true, parts: [part] }]);
      expect(unsynced()).toEqual([]);
      if (result?.ok === true && live.length < 2) live.push(...result.blobs);
      await staged.discard();
      await driver.directory.put([{ key: "name", value: Buffer.from(String(sizeBytes)) }]);
      expect(unsynced()).toEqual([]);
    }
    // It has seen what it is about.
    expect(trace.writes).toBeGreaterThan(2 * SIZES.length);
    for (const suffix of [".seg", ".body"]) expect(trace.files.filter((path) => path.endsWith(suffix))).not.toEqual([]);
    await driver.blobs.compact(async function* () {
      yield live;
    });
    expect(unsynced()).toEqual([]);
    await driver.directory.put([{ key: "name", value: Buffer.from("behind") }]);
    expect(unsynced()).toEqual([]);
    await driver.close();
  });
});
