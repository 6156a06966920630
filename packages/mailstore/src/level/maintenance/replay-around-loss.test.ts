// What an index is brought up to where the log has lost a record: it has kept what that said, or lost what others say.
import { beforeEach, expect, it } from "@jest/globals";
import { openDriver, type LevelDriver } from "../driver.ts";
import { encodeOperations } from "../batch-payload.ts";
import { SILENT } from "../driver-log.ts";
import { accountId, mailboxId } from "../../ids.ts";
import type { Operation } from "../key-index.ts";
import { accountHeadKey, directoryKey, mailboxHeadKey } from "../keys.ts";
import { LEVEL_LIMITS } from "../limits.ts";
import { RECORD_MAGIC } from "../record.ts";
import { Segments } from "../segments.ts";
import { SimulatedDisk, type DiskImage } from "../test-support/simulated-disk.ts";
import { operationsAround } from "./replay-around-loss.ts";

const A = accountId(1);
const INBOX = mailboxId(1);
const SEGMENT = "0000000001.seg";

let disk: SimulatedDisk;
let driver: LevelDriver;
beforeEach(async () => {
  disk = await SimulatedDisk.from();
  driver = await openDriver({
    files: disk,
    index: disk.index,
    limits: LEVEL_LIMITS,
    log: SILENT,
    onStep: () => undefined,
    now: Date.now,
    release: () => Promise.resolve(),
  });
});

function put(key: string, value: string): Promise<unknown> {
  return driver.directory.put([{ key, value: Buffer.from(value) }]);
}

function rename(name: string): Promise<unknown> {
  const none = { allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0, record: Buffer.from(`to ${name}`) };
  const part = { mailbox: INBOX, ...none, properties: Buffer.from(name) };
  return driver.commit([{ account: A, blobs: [], enforceQuota: false, parts: [part] }]);
}

/** The disk as it is, with what is under some keys as it was in an older one. */
async function imageWith(keys: readonly Buffer[], older: DiskImage): Promise<DiskImage> {
  await driver.inside.index.settled();
  const { files, entries } = await disk.image();
  const isOlder = ([key]: readonly [Buffer, Buffer]): boolean => keys.some((other) => other.equals(key));
  return { files, entries: [...entries.filter((entry) => !isOlder(entry)), ...older.entries.filter(isOlder)] };
}

/** What is to be written where the record with a text is lost, with some of its operations unreadable. */
async function around(image: DiskImage, text: string, damaged: readonly Operation[] = []): Promise<Operation[]> {
  const bytes = Buffer.from(image.files.get(SEGMENT) as Buffer);
  const place = bytes.indexOf(text);
  const offset = bytes.lastIndexOf(RECORD_MAGIC, place);
  const end = bytes.indexOf(RECORD_MAGIC, place);
  for (const at of [offset, ...damaged.map((operation) => bytes.indexOf(encodeOperations([operation]), offset))])
    bytes[at] = (bytes[at] as number) ^ 1;
  const broken = await SimulatedDisk.from({ ...image, files: new Map([[SEGMENT, bytes]]) });
  const segments = await Segments.list(broken, LEVEL_LIMITS);
  const lost = [{ segment: 1, offset, end }];
  return operationsAround(broken.database, segments, { end: { segment: 1, offset: bytes.length }, lost });
}

it("writes what a power cut took out of the index, and what stands in the log behind the loss", async () => {
  const none = await disk.image();
  await put("before", "one");
  await put("lost", "two");
  await put("behind", "three");
  const image = await imageWith([directoryKey("before"), directoryKey("behind")], none);
  expect(await around(image, "two")).toEqual([
    { key: directoryKey("before"), value: Buffer.from("one") },
    { key: directoryKey("behind"), value: Buffer.from("three") },
  ]);
});

it("writes nothing over what the lost record said last", async () => {
  await put("name", "old");
  await put("gone", "there");
  await rename("Old");
  await driver.directory.put([
    { key: "name", value: Buffer.from("new") },
    { key: "gone", value: null },
  ]);
  await put("behind", "three");
  expect(await around(await imageWith([], await disk.image()), "new")).toEqual([]);
});

it("writes what was said later over what the lost record said", async () => {
  await put("name", "new");
  await driver.inside.index.settled();
  const before = await disk.image();
  await put("name", "later");
  const image = await imageWith([directoryKey("name")], before);
  expect(await around(image, "new")).toEqual([{ key: directoryKey("name"), value: Buffer.from("later") }]);
});

it("writes over what is older than both", async () => {
  const none = await disk.image();
  await put("name", "old");
  await put("name", "new");
  await put("behind", "three");
  const image = await imageWith([directoryKey("name")], none);
  expect(await around(image, "new")).toEqual([{ key: directoryKey("name"), value: Buffer.from("old") }]);
});

it("goes by the counters where what they were is damaged", async () => {
  await rename("Old");
  await rename("New");
  await put("behind", "three");
  const image = await imageWith([], await disk.image());
  const heads = [accountHeadKey(A), mailboxHeadKey(A, INBOX)];
  const counters = heads.map((head) => image.entries.find(([key]) => key.equals(head)) as [Buffer, Buffer]);
  const damaged = counters.map(([key, value]) => ({ key, value }));
  expect(await around(image, "New", damaged)).toEqual([]);
});

it("reads nothing of a damaged body that has a segment of its own", async () => {
  await put("before", "one");
  const staged = await driver.blobs.stage(
    (async function* () {
      yield Buffer.alloc(LEVEL_LIMITS.inlineBodyBytesMax + 1);
    })(),
  );
  await driver.commit([{ account: A, blobs: [staged], enforceQuota: false, parts: [] }]);
  await driver.inside.index.settled();
  const copy = await SimulatedDisk.from(await disk.image());
  const segments = await Segments.list(copy, LEVEL_LIMITS);
  const [segment] = segments.numbers("body") as [number];
  const acquired: number[] = [];
  const acquire = segments.acquire.bind(segments);
  segments.acquire = (number) => {
    acquired.push(number);
    return acquire(number);
  };
  const lost = [{ segment, offset: 64, end: LEVEL_LIMITS.inlineBodyBytesMax }];
  expect(await operationsAround(copy.database, segments, { end: { segment: 9, offset: 0 }, lost })).toEqual([]);
  expect(acquired).toContain(1);
  expect(acquired).not.toContain(segment);
});
