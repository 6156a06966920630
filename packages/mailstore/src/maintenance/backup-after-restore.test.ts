// Backups of a store that was restored from an older backup, into the directory of a newer one: two stores by one id.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { openLevelDriver, type LevelLimits } from "../level/index.ts";
import { openMailStore } from "../open-mail-store.ts";
import type { MailboxAt, MailStore } from "../store.ts";
import { backupStore, restoreStore } from "./backup-store.ts";
import { findingLine } from "./finding.ts";

const LIMITS: Partial<LevelLimits> = { segmentBytesMax: 64 * 1024, zeroFillBytesMin: 0 };

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "pushmail-restored-"));
});
afterEach(() => rm(base, { recursive: true }));

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
  expect(await restoreStore(join(base, "older"), join(base, "restored"), () => undefined)).toMatchObject({
    findings: 0,
  });
  await deliver("restored", mails, "c", bytes);
}

it.each([
  ["closed", 30],
  ["open", 6],
])("have what came since, where a segment went on otherwise and is %s", async (_, mails) => {
  await goOnOtherwise(mails, 4_900);
  await backupStore(join(base, "restored"), join(base, "newer"));
  const found: string[] = [];
  await restoreStore(join(base, "newer"), join(base, "again"), (finding) => found.push(findingLine(finding)));
  expect(found).toEqual([]);
  expect(await mailsIn("again")).toBe("aaa" + "c".repeat(mails));
});

it.each([
  ["closed", 30, "ccc"],
  ["open", 6, "ccc"],
  ["open", 6, "PMr"],
])("have no other mail in place of one that is damaged, where the segment is %s", async (_, mails, lost) => {
  await goOnOtherwise(mails, 5_000);
  const [restored, copy] = ["restored", "newer"].map((of) => join(base, of, "segments", "0000000001.seg")) as [
    string,
    string,
  ];
  const bytes = await readFile(restored);
  const at = bytes.subarray(0, bytes.indexOf("ccc") + 3).lastIndexOf(lost);
  await writeFile(restored, bytes.fill("x", at, at + 3));
  await backupStore(join(base, "restored"), join(base, "newer"));
  expect((await readFile(copy)).equals(bytes)).toBe(true);
});
