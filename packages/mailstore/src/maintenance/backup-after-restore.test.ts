// Backups of a store that was restored from an older backup, into the directory of a newer one: two stores by one id.
import fs, { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { openLevelDriver, type LevelLimits } from "../level/index.ts";
import { openMailStore } from "../open-mail-store.ts";
import type { MailboxAt, MailStore } from "../store.ts";
import { segmentInBackup } from "../test-support/segment-in-backup.ts";
import { backupStore, restoreStore } from "./backup-store.ts";
import { findingLine } from "./finding.ts";

const LIMITS: Partial<LevelLimits> = { segmentBytesMax: 64 * 1024, zeroFillBytesMin: 0 };

const { copyFile, rename } = fs;

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "pushmail-restored-"));
});
afterEach(() => {
  Object.assign(fs, { copyFile, rename });
  return rm(base, { recursive: true });
});

async function open(directory: string): Promise<{ readonly store: MailStore; readonly inbox: MailboxAt }> {
  const options = { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 };
  const store = openMailStore(await openLevelDriver({ directory: join(base, directory), limits: LIMITS }), options);
  const address = "ann@example.org";
  const { id: account } = (await store.findAccount(address)) ?? (await store.createAccount({ address, password: "x" }));
  return { store, inbox: { account, mailbox: (await store.mailbox(account, "INBOX"))!.id } };
}

async function deliver(directory: string, mails: number, letter: string, bytes: number): Promise<void> {
  const { store, inbox } = await open(directory);
  const body = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from(`Subject: ${letter}\r\n\r\n${letter.repeat(bytes)}\r\n`);
  };
  for (let i = 0; i < mails; i++)
    await store.append([{ ...inbox, message: await store.stage(body(), { bytesMax: 10_000 }) }]);
  await store.close();
}

/** The mails of a store, by what they consist of. */
async function mailsIn(directory: string): Promise<string> {
  const { store, inbox } = await open(directory);
  let letters = "";
  const handle = await store.open(inbox);
  for await (const batch of handle.metadata([[1, 2 ** 32 - 1]])) {
    for (const { blob } of batch) {
      const pieces = [];
      for await (const piece of store.body(blob)) pieces.push(piece);
      letters += Buffer.concat(pieces).toString("latin1")[9];
    }
  }
  handle.release();
  await store.close();
  return letters;
}

/** Of two backups the older one is restored, and other mails come than those that the newer one has. */
async function goOnOtherwise(mails: number, bytes: number): Promise<void> {
  await deliver("data", 3, "a", 5_000);
  await backupStore(join(base, "data"), join(base, "older"));
  await deliver("data", mails, "b", 5_000);
  await backupStore(join(base, "data"), join(base, "newer"));
  // As if nothing had come behind it: so both go on from the same place in the log.
  const options = { isMoved: true };
  expect(await restoreStore(join(base, "older"), join(base, "restored"), () => undefined, options)).toMatchObject({
    findings: 0,
  });
  await deliver("restored", mails, "c", bytes);
}

/** Restores a backup, finds it whole, and gives its mails. */
async function restored(backup: string): Promise<string> {
  const found: string[] = [];
  await restoreStore(join(base, backup), join(base, "again"), (finding) => found.push(findingLine(finding)));
  expect(found).toEqual([]);
  return mailsIn("again");
}

/** Every file that a backup consists of, with its bytes. */
async function contentsOf(backup: string): Promise<Map<string, string>> {
  const contents = new Map<string, string>();
  for (const entry of await fs.readdir(join(base, backup), { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile() || /\/(lock\/.*|holder\.json)$/.test(path)) continue;
    contents.set(path, await readFile(path, "latin1"));
  }
  return contents;
}

/** Has a backup end, as if it were killed, at so many files that it puts in place. Returns whether it came so far. */
async function cutShort(files: number): Promise<boolean> {
  let left = files;
  const cut = <Args extends unknown[]>(put: (...args: Args) => Promise<void>): typeof put => {
    return (...args) => (left-- > 0 ? put(...args) : Promise.reject(new Error("cut short")));
  };
  Object.assign(fs, { copyFile: cut(copyFile), rename: cut(rename) });
  try {
    await backupStore(join(base, "restored"), join(base, "newer"));
  } catch (error) {
    expect(error).toEqual(new Error("cut short"));
  } finally {
    Object.assign(fs, { copyFile, rename });
  }
  return left < 0;
}

it.each([
  ["closed", 30],
  ["open", 6],
])("have what came since, where a segment went on otherwise and is %s", async (_, mails) => {
  await goOnOtherwise(mails, 4_900);
  await backupStore(join(base, "restored"), join(base, "newer"));
  expect(await restored("newer")).toBe("aaa" + "c".repeat(mails));
});

it.each([
  ["closed", 30],
  ["open", 6],
])(
  "leave the newer one as it was where they are cut short, and a segment that went on otherwise is %s",
  async (_, mails) => {
    await goOnOtherwise(mails, 4_900);
    const before = await contentsOf("newer");
    let files = 0;
    for (; await cutShort(files); files++) {
      const after = await contentsOf("newer");
      for (const [path, bytes] of before) expect([path, after.get(path) === bytes]).toEqual([path, true]);
    }
    expect(files).toBeGreaterThan(5);
    // What was left behind is gone, and the next one goes on from there.
    await deliver("restored", mails, "d", 4_900);
    await backupStore(join(base, "restored"), join(base, "newer"));
    expect(await restored("newer")).toBe("aaa" + "c".repeat(mails) + "d".repeat(mails));
    expect((await contentsOf("newer")).size).toBeLessThan(2 * before.size);
  },
);

it.each([
  ["closed", 30, "ccc"],
  ["open", 6, "ccc"],
  ["open", 6, "PMr"],
])("have no other mail in place of one that is damaged, where the segment is %s", async (_, mails, lost) => {
  await goOnOtherwise(mails, 5_000);
  const segment = join(base, "restored", "segments", "0000000001.seg");
  const bytes = await readFile(segment);
  const at = bytes.subarray(0, bytes.indexOf("ccc") + 3).lastIndexOf(lost);
  await writeFile(segment, bytes.fill("x", at, at + 3));
  await backupStore(join(base, "restored"), join(base, "newer"));
  const copy = await readFile(await segmentInBackup(join(base, "newer"), "0000000001.seg"));
  expect(copy.equals(bytes)).toBe(true);
});
