// Backups of a store that is written meanwhile, at the moments that matter: what is copied fits together all the same.
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { openLevelDriver, type LevelLimits } from "../level/index.ts";
import { openMailStore } from "../open-mail-store.ts";
import type { MailboxAt, MailStore } from "../store.ts";
import { segmentInBackup } from "../test-support/segment-in-backup.ts";
import { backupStore, restoreStore } from "./backup-store.ts";
import { findingLine } from "./finding.ts";
import { repairStore } from "./repair-store.ts";

const LIMITS: Partial<LevelLimits> = { segmentBytesMax: 64 * 1024, inlineBodyBytesMax: 8 * 1024, zeroFillBytesMin: 0 };
const { copyFile, rename } = fs;

let base: string;
let backup: string;
let store: MailStore;
let inbox: MailboxAt;
beforeEach(async () => {
  base = await fs.mkdtemp(join(tmpdir(), "pushmail-backup-"));
  backup = join(base, "backup");
  store = openMailStore(await openLevelDriver({ directory: join(base, "data"), limits: LIMITS }), {
    scryptCost: { N: 16, r: 1, p: 1 },
    scramIterations: 4_096,
  });
  const { id: account } = await store.createAccount({ address: "ann@example.org", password: "secret" });
  inbox = { account, mailbox: (await store.mailboxes(account))[0]?.id as MailboxAt["mailbox"] };
});
afterEach(async () => {
  Object.assign(fs, { copyFile, rename });
  await store.close();
  await fs.rm(base, { recursive: true });
});

async function* mailOf(bytes: number, more: Promise<unknown> = Promise.resolve()): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`Subject: a mail\r\n\r\n${"x".repeat(bytes)}`);
  await more;
  yield Buffer.from("\r\n");
}

async function deliver(body: AsyncIterable<Uint8Array>): Promise<void> {
  const message = await store.stage(body, { bytesMax: 100_000 });
  await store.append([{ ...inbox, message }]);
}

/** Has a copy of the first file whose path ends so made by `copy`. */
function onCopyOf(ending: string, copy: (from: string, to: string) => Promise<unknown>): void {
  let isDone = false;
  const hooked = async (from: string, to: string, mode?: number): Promise<void> => {
    if (isDone || !from.endsWith(ending) || !to.startsWith(backup)) return copyFile(from, to, mode);
    isDone = true;
    await copy(from, to);
  };
  Object.assign(fs, { copyFile: hooked });
}

function backUp(): Promise<unknown> {
  return backupStore(join(base, "data"), backup);
}

/** Restores, and gives how many messages there are, and what the check of that finds. */
async function restored(): Promise<[messages: number | undefined, findings: string[]]> {
  const findings: string[] = [];
  const found = await restoreStore(backup, join(base, "restored"), (finding) => findings.push(findingLine(finding)));
  return [found.messages, findings];
}

it("of the log has no hole where a group was not there yet when its place was read, and the one behind it was", async () => {
  await deliver(mailOf(100));
  let made = 0;
  onCopyOf(".seg", async (from, to) => {
    const early = await fs.readFile(from);
    for (; made < 2; made++) await deliver(mailOf(100));
    const late = await fs.readFile(from);
    // The head of the first of them has gone by.
    const at = early.length + 8;
    await fs.writeFile(to, Buffer.concat([early, Buffer.alloc(8), late.subarray(at)]));
  });
  await backUp();
  const [messages, findings] = await restored();
  // What came before it began is there.
  expect([made, messages, findings]).toEqual([2, 1, []]);
});

it("of the log goes on behind what is damaged in the store itself", async () => {
  await deliver(mailOf(100));
  const segment = join(base, "data", "segments", "0000000001.seg");
  const bytes = await fs.readFile(segment);
  await fs.writeFile(segment, bytes.fill("y", bytes.indexOf("xxxx"), bytes.indexOf("xxxx") + 4));
  await deliver(mailOf(100));
  await backUp();
  const [messages, findings] = await restored();
  expect([messages, findings]).toEqual([2, [expect.stringContaining("a body fails its checksum")]]);
});

it("has all of a large body that was being received when its file was copied, and is named by the log that was", async () => {
  let complete = (): void => undefined;
  const delivering = deliver(mailOf(50_000, new Promise<void>((resolve) => (complete = resolve))));
  while (!(await fs.readdir(join(base, "data", "segments"))).some((name) => name.endsWith(".body")))
    await new Promise(setImmediate);
  onCopyOf(".body", async (from, to) => {
    await copyFile(from, to);
    complete();
    await delivering;
  });
  await backUp();
  const [messages, findings] = await restored();
  await delivering;
  expect([messages, findings]).toEqual([1, []]);
});

it("has each segment that its index needs, though one went while the index was copied", async () => {
  for (let i = 0; i < 40; i++) await deliver(mailOf(5_000));
  await store.setFlags(inbox, [[1, 30]], { mode: "add", flags: ["\\Deleted"] });
  await store.expunge(inbox);
  let freed = 0;
  onCopyOf(".log", async (from, to) => {
    await copyFile(from, to);
    freed = await store.compact();
  });
  await backUp();
  const [messages, findings] = await restored();
  expect(freed).toBeGreaterThan(64 * 1024);
  expect([messages, findings]).toEqual([10, []]);
});

it("holds compaction where that has come between too often, and lets it go on", async () => {
  const held: string[] = [];
  const comeBetween = (): void =>
    onCopyOf(".log", async (from, to) => {
      for (let i = 0; i < 20; i++) await deliver(mailOf(5_000));
      await store.setFlags(inbox, [[1, 2 ** 32 - 1]], { mode: "add", flags: ["\\Deleted"] });
      await store.expunge(inbox);
      await copyFile(from, to);
      expect(await store.compact()).toBeGreaterThan(0);
      if (held.length === 0) comeBetween();
    });
  const holdCompaction = async (): Promise<() => void> => {
    held.push("held");
    return () => held.push("released");
  };
  comeBetween();
  await expect(backupStore(join(base, "data"), backup, { triesMax: 2 })).rejects.toThrow("removed faster");
  await backupStore(join(base, "data"), backup, { triesMax: 2, holdCompaction });
  expect(held).toEqual(["held", "released"]);
  expect((await restored())[1]).toEqual([]);
});

it.each([
  ["lost its header", (bytes: Buffer) => bytes.fill(0xa5, 8, 40)],
  ["lost its end", (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
  ["lost both, and its first record", (bytes: Buffer) => bytes.fill(0xa5, 8, 100).subarray(0, bytes.length / 2)],
  ["lost all it had", () => Buffer.alloc(0)],
])("keeps the copy of a segment that has %s since", async (_, damaged) => {
  for (let i = 0; i < 20; i++) await deliver(mailOf(5_000));
  await backUp();
  const segment = join(base, "data", "segments", "0000000001.seg");
  await fs.writeFile(segment, damaged(await fs.readFile(segment)));
  for (let i = 0; i < 2; i++) await backUp();
  expect(await restored()).toEqual([20, []]);
});

it("copies no large body again, be the log segment before it still open", async () => {
  await deliver(mailOf(50_000));
  await backUp();
  await deliver(mailOf(100));
  const { copiedBytes } = await backupStore(join(base, "data"), backup);
  expect(copiedBytes).toBe((await fs.stat(join(base, "data", "segments", "0000000001.seg"))).size);
  expect(await restored()).toEqual([2, []]);
});

it("copies a closed segment again that was damaged when it was copied, once that has been mended", async () => {
  for (let i = 0; i < 20; i++) await deliver(mailOf(5_000));
  const segment = join(base, "data", "segments", "0000000001.seg");
  const bytes = await fs.readFile(segment);
  await fs.writeFile(segment, bytes.fill(0, bytes.lastIndexOf("INBOX"), bytes.lastIndexOf("INBOX") + 5));
  await backUp();
  const copy = await segmentInBackup(backup, "0000000001.seg");
  // As long as it is damaged, what there is of it will do.
  await backUp();
  expect(await segmentInBackup(backup, "0000000001.seg")).toBe(copy);
  await store.close();
  await repairStore({
    directory: join(base, "data"),
    dryRun: false,
    onMended: () => undefined,
    onLost: () => undefined,
  });
  await backUp();
  expect(await restored()).toEqual([20, []]);
});

describe("of a segment that was open", () => {
  it.each([
    ["a body", (bytes: Buffer) => bytes.fill("y", bytes.indexOf("xxxx"), bytes.indexOf("xxxx") + 4)],
    ["a transaction", (bytes: Buffer) => bytes.fill(0, bytes.lastIndexOf("INBOX"), bytes.lastIndexOf("INBOX") + 5)],
    ["its header", (bytes: Buffer) => bytes.fill(0xa5, 8, 40)],
    ["its header and its beginning", (bytes: Buffer) => bytes.fill(0xa5, 8, 500)],
    ["its end", (bytes: Buffer) => bytes.subarray(0, bytes.indexOf("xxxx"))],
  ])("keeps %s as it was where that is damaged since, and has what came later", async (_, damaged) => {
    for (let i = 0; i < 3; i++) await deliver(mailOf(100));
    await backUp();
    const segment = join(base, "data", "segments", "0000000001.seg");
    await fs.writeFile(segment, damaged(await fs.readFile(segment)));
    for (const mails of [1, 20]) {
      for (let i = 0; i < mails; i++) await deliver(mailOf(5_000));
      await backUp();
    }
    expect(await fs.readdir(join(backup, "segments"))).toContain("0000000002.seg");
    expect(await restored()).toEqual([24, []]);
  });

  it.each(["runs", "ended"])(
    "keeps its end as it was where that is cut off since, and nothing came later, of a store that %s",
    async (how) => {
      for (let i = 0; i < 3; i++) await deliver(mailOf(5_000));
      await backUp();
      if (how === "ended") await store.close();
      const segment = join(base, "data", "segments", "0000000001.seg");
      const bytes = await fs.readFile(segment);
      await fs.writeFile(segment, bytes.subarray(0, bytes.indexOf("xxxx", bytes.length / 2)));
      for (let i = 0; i < 2; i++) await backUp();
      expect(await fs.readdir(backup)).not.toContain("peek");
      expect(await restored()).toEqual([3, []]);
    },
  );

  it("has what a repair has put in the place of a transaction", async () => {
    for (let i = 0; i < 3; i++) await deliver(mailOf(100));
    await backUp();
    await store.close();
    const segment = join(base, "data", "segments", "0000000001.seg");
    const bytes = await fs.readFile(segment);
    await fs.writeFile(segment, bytes.fill(0, bytes.lastIndexOf("INBOX"), bytes.lastIndexOf("INBOX") + 5));
    const told = { onMended: () => undefined, onLost: () => undefined };
    await repairStore({ directory: join(base, "data"), dryRun: false, ...told });
    await backUp();
    expect(await fs.readFile(await segmentInBackup(backup, "0000000001.seg"))).toEqual(await fs.readFile(segment));
    expect(await restored()).toEqual([3, []]);
  });
});

it.each([
  ["by its records", 40, true],
  ["by nothing", 20_000, false],
])("knows a segment without a header %s where it has no copy of the one behind it", async (_, lost, isKept) => {
  for (let i = 0; i < 20; i++) await deliver(mailOf(5_000));
  await backUp();
  await fs.rm(await segmentInBackup(backup, "0000000002.seg"));
  const segment = join(base, "data", "segments", "0000000001.seg");
  const sound = await fs.readFile(segment);
  const damaged = Buffer.from(sound).fill(0xa5, 8, lost).subarray(0, 20_000);
  await fs.writeFile(segment, damaged);
  await backUp();
  const copy = await fs.readFile(await segmentInBackup(backup, "0000000001.seg"));
  expect(copy.equals(isKept ? sound : damaged)).toBe(true);
});

/** Flips a bit of a table of an index, whose time stays as it was. */
async function damageTableIn(index: string): Promise<void> {
  const name = (await fs.readdir(index)).find((file) => file.endsWith(".ldb")) as string;
  const { atime, mtime } = await fs.stat(join(index, name));
  const bytes = await fs.readFile(join(index, name));
  await fs.writeFile(join(index, name), bytes.fill(bytes[20]! ^ 1, 20, 21));
  await fs.utimes(join(index, name), atime, mtime);
}

it("copies the tables of the index again that it has itself damaged", async () => {
  await deliver(mailOf(100));
  await store.close();
  await backUp();
  for (const name of await fs.readdir(backup)) if (name.startsWith("index-")) await damageTableIn(join(backup, name));
  await backUp();
  expect(await restored()).toEqual([1, []]);
});

it("is not made of a damaged index", async () => {
  await deliver(mailOf(100));
  await store.close();
  await damageTableIn(join(base, "data", "index"));
  await expect(backUp()).rejects.toThrow(/a block of the index fails its checksum: .*data\/index\/\d+\.ldb at offset/);
});

it("keeps the files beside the store as they were where the next one was cut short in the midst of one", async () => {
  await deliver(mailOf(100));
  const names = ["store-id", "key.pem"];
  await fs.writeFile(join(base, "data", "key.pem"), "a key");
  await backUp();
  for (const name of names) {
    onCopyOf(name, async (_, to) => {
      await fs.writeFile(to, "");
      throw new Error("cut short");
    });
    await expect(backUp()).rejects.toThrow("cut short");
  }
  expect((await restored())[1]).toEqual([]);
  for (const name of names)
    expect(await fs.readFile(join(base, "restored", name))).toEqual(await fs.readFile(join(base, "data", name)));
  await backUp();
});

it("is as it was where the next one was cut short, which had gone on with the segment that was open", async () => {
  await deliver(mailOf(100));
  await backUp();
  await deliver(mailOf(50_000));
  for (let i = 0; i < 20; i++) await deliver(mailOf(5_000));
  onCopyOf(".body", () => Promise.reject(new Error("cut short")));
  await expect(backUp()).rejects.toThrow("cut short");
  expect(await restored()).toEqual([1, []]);
});

it("says of a store that its log has a hole, where a repair has left one, and of the one before it that it has none", async () => {
  await deliver(mailOf(100));
  await backUp();
  await fs.writeFile(join(base, "data", "segments", "incomplete"), "");
  Object.assign(fs, { rename: () => Promise.reject(new Error("cut short")) });
  await expect(backUp()).rejects.toThrow("cut short");
  Object.assign(fs, { rename });
  expect(await restored()).toEqual([1, []]);
  const segments = join(base, "restored", "segments");
  expect(await fs.readdir(segments)).not.toContain("incomplete");
  await fs.rm(join(base, "restored"), { recursive: true });
  for (let i = 0; i < 2; i++) await backUp();
  expect(await restored()).toEqual([1, []]);
  expect(await fs.readdir(segments)).toContain("incomplete");
  // As a backup of an earlier version has it.
  const contents = JSON.parse(await fs.readFile(join(backup, "backup.json"), "utf8")) as object;
  await fs.writeFile(join(backup, "backup.json"), JSON.stringify({ ...contents, isIncomplete: undefined }));
  await fs.writeFile(join(backup, "segments", "incomplete"), "");
  await fs.rm(join(base, "restored"), { recursive: true });
  expect(await restored()).toEqual([1, []]);
  expect(await fs.readdir(segments)).toContain("incomplete");
});
