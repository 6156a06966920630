// Messages whose metadata a damaged index has lost: what can still be done with them, and what is never said to be done.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ByteWriter } from "./byte-codec.ts";
import { COLUMN } from "./chunk-codec.ts";
import type { MailboxAt, MailStore, MessageMetadata, StagedMessage } from "./index.ts";
import type { LevelDriver } from "./level/driver.ts";
import { chunkKey, floorKey } from "./level/keys.ts";
import { openLevelDriver } from "./level/index.ts";
import { repairStore, type RepairSummary } from "./maintenance/repair-store.ts";
import { openMailStore } from "./open-mail-store.ts";

const OPTIONS = { scryptCost: { N: 16, r: 1, p: 1 }, limits: { closeTailRecordsMin: 1, closeSnapshotsMs: 60_000 } };
const LOST = 4;

let directory: string;
let driver: LevelDriver;
let store: MailStore;
let box: MailboxAt;
let inbox: MailboxAt;
let others: MailboxAt;
/** Of Archive, before they were lost. */
let before: readonly MessageMetadata[];

async function at(address: string, name: string): Promise<MailboxAt> {
  const { id: account } = (await store.findAccount(address)) ?? (await store.createAccount({ address, password: "x" }));
  const mailbox = await store.mailbox(account, name);
  if (mailbox === undefined) throw new Error(`no ${name}`);
  return { account, mailbox: mailbox.id };
}

async function stage(subject = "one"): Promise<StagedMessage> {
  const octets = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from(`Subject: ${subject}\r\n\r\n`);
  };
  return store.stage(octets(), { bytesMax: 100 });
}

async function openStore(): Promise<MailStore> {
  return openMailStore(await openLevelDriver({ directory }), OPTIONS);
}

/** Archive has lost all of messages 1 to 4, of which two are `\Seen`; then a fifth came. */
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pushmail-lost-"));
  store = await openStore();
  box = await at("alice@example.org", "Archive");
  inbox = await at("alice@example.org", "INBOX");
  others = await at("bob@example.org", "INBOX");
  for (let i = 1; i <= LOST; i++) await store.append([{ ...box, message: await stage(`number ${i}`) }]);
  before = await rows();
  await store.setFlags(box, [[1, 2]], { mode: "add", flags: ["\\Seen"] });
  const handle = await store.open(box);
  await handle.ready();
  handle.release();
  await store.close();
  driver = (await openLevelDriver({ directory })) as LevelDriver;
  await driver.inside.write([{ key: chunkKey(box.account, box.mailbox, [COLUMN.metadata, 0]), value: null }]);
  store = openMailStore(driver, OPTIONS);
  await store.append([{ ...box, message: await stage() }]);
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

/** Behind the first four messages: the index is not asked for what it has of them. */
async function cutLog(): Promise<void> {
  const { cursor: end } = (await driver.head(box.account))!;
  await driver.inside.write([{ key: floorKey(box.account), value: new ByteWriter().integer(end - 1).finish() }]);
}

/** What the segment says of the fourth message. */
async function damageLog(): Promise<void> {
  await store.close();
  const segment = join(directory, "segments", "0000000001.seg");
  const bytes = await readFile(segment);
  const at = bytes.lastIndexOf("number 4");
  await writeFile(segment, bytes.fill(0, at, at + 1));
  store = await openStore();
}

/** Of Archive. */
async function rows(): Promise<readonly MessageMetadata[]> {
  const handle = await store.open(box);
  const found = [];
  for await (const batch of handle.metadata([[1, LOST]])) found.push(...batch);
  handle.release();
  return found;
}

async function repair(): Promise<{ readonly told: readonly string[]; readonly left: RepairSummary["left"] }> {
  await store.close();
  const told: string[] = [];
  const listener = { onMended: (what: string) => told.push(what), onLost: () => undefined };
  const { left } = await repairStore({ directory, dryRun: false, ...listener });
  store = await openStore();
  return { told, left };
}

async function uidsIn(mailbox: MailboxAt): Promise<number[]> {
  const handle = await store.open(mailbox);
  const index = await handle.ready();
  handle.release();
  return [...index.uids.subarray(0, index.count)];
}

describe("messages that have lost their size, date and body", () => {
  it("are not said to be copied or moved, nor are any with them", async () => {
    for (const target of [inbox, others]) {
      await expect(store.copy(box, [[4, 5]], target)).rejects.toThrow("have the store checked");
      await expect(store.move(box, [[1, 1]], target)).rejects.toThrow("have the store checked");
      expect(await uidsIn(target)).toEqual([]);
    }
    expect(await uidsIn(box)).toEqual([1, 2, 3, 4, 5]);
    expect((await store.copy(box, [[5, 5]], inbox)).to).toEqual([1]);
  });

  it("are expunged and replaced like all others", async () => {
    await store.setFlags(box, [[1, 5]], { mode: "add", flags: ["\\Deleted"] });
    expect(await store.expunge(box, [[2, 3]])).toMatchObject({ uids: [[2, 3]] });
    expect(await store.mailboxAt(box)).toMatchObject({ messages: 3, unseen: 2, deleted: 3 });
    await store.replace(box, 1, { ...box, message: await stage() });
    await store.replace(box, 4, { ...others, message: await stage() });
    expect([await uidsIn(box), await uidsIn(others)]).toEqual([[5, 6], [1]]);
    expect(await store.mailboxAt(box)).toMatchObject({ messages: 2, unseen: 2, deleted: 1 });
    expect(await store.expunge(box)).toMatchObject({ uids: [[5, 5]] });
  });

  it("are not what is missed of a mailbox that is deleted meanwhile", async () => {
    const read = driver.chunks.bind(driver);
    const handle = await store.open(box);
    await handle.ready();
    driver.chunks = async (...args) => {
      driver.chunks = read;
      await store.deleteMailbox(box.account, "Archive");
      return read(...args);
    };
    const copied = store.copy(box, [[1, 5]], others);
    await expect(copied).rejects.toMatchObject({ code: "mailboxNotFound" });
    expect(await uidsIn(others)).toEqual([]);
    handle.release();
  });

  it.each([
    ["segments where it was cut", cutLog],
    ["index where a segment is damaged", damageLog],
  ])("get them back by a repair, from the log in the %s", async (_, lose) => {
    await lose();
    expect(await rows()).toEqual([]);
    const { told, left } = await repair();
    const whose = `mailbox ${box.mailbox} of account ${box.account}`;
    expect(told).toContain(`4 messages of ${whose} get size, date and body back from the log`);
    expect(left).toEqual([]);
    expect(await rows()).toEqual(before);
    expect(await store.mailboxAt(box)).toMatchObject({ messages: 5, unseen: 3 });
  });

  it("have their envelopes made anew from their bodies, where those are lost too", async () => {
    const key = chunkKey(box.account, box.mailbox, [COLUMN.summary, 0]);
    await driver.inside.write([{ key, value: null }]);
    await repair();
    const handle = await store.open(box);
    const subjects = [];
    for await (const batch of handle.details([[1, 3]]))
      subjects.push(...batch.map(({ summary }) => summary.envelope.subject));
    handle.release();
    expect(subjects).toEqual(["number 1", "number 2", "number 3"]);
  });

  it("are counted by a repair where the log has lost them too, and left there", async () => {
    await cutLog();
    await damageLog();
    const { told, left } = await repair();
    expect(await rows()).toEqual(before.slice(0, 3));
    expect(left).toEqual([expect.objectContaining({ what: "of 5 messages 1 have lost their size, date and body" })]);
    expect(told.filter((what) => what.includes("counters"))).toHaveLength(1);
    expect(await store.mailboxAt(box)).toMatchObject({ messages: 5, unseen: 3 });
    expect(await uidsIn(box)).toEqual([1, 2, 3, 4, 5]);
  });
});
