// Messages whose metadata a damaged index has lost: what can still be done with them, and what is never said to be done.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { COLUMN } from "./chunk-codec.ts";
import type { MailboxAt, MailStore, StagedMessage } from "./index.ts";
import type { LevelDriver } from "./level/driver.ts";
import { chunkKey } from "./level/keys.ts";
import { openLevelDriver } from "./level/index.ts";
import { repairStore } from "./maintenance/repair-store.ts";
import { openMailStore } from "./open-mail-store.ts";

const OPTIONS = { scryptCost: { N: 16, r: 1, p: 1 }, limits: { closeTailRecordsMin: 1, closeSnapshotsMs: 60_000 } };
const LOST = 4;

let directory: string;
let driver: LevelDriver;
let store: MailStore;
let box: MailboxAt;
let inbox: MailboxAt;
let others: MailboxAt;

async function at(address: string, name: string): Promise<MailboxAt> {
  const { id: account } = (await store.findAccount(address)) ?? (await store.createAccount({ address, password: "x" }));
  const mailbox = await store.mailbox(account, name);
  if (mailbox === undefined) throw new Error(`no ${name}`);
  return { account, mailbox: mailbox.id };
}

async function stage(): Promise<StagedMessage> {
  const octets = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from("Subject: one\r\n\r\n");
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
  for (let i = 0; i < LOST; i++) await store.append([{ ...box, message: await stage() }]);
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

  it("are counted by a repair, which leaves them there", async () => {
    await store.close();
    const found: string[] = [];
    await repairStore({ directory, dryRun: false, onMended: (what) => found.push(what), onLost: () => undefined });
    store = await openStore();
    expect(await store.mailboxAt(box)).toMatchObject({ messages: 5, unseen: 3 });
    expect(found.filter((what) => what.includes("counters"))).toHaveLength(1);
    expect(await uidsIn(box)).toEqual([1, 2, 3, 4, 5]);
  });
});
