// Messages whose metadata a damaged index has lost: what can still be done with them, and what is never said to be done.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { COLUMN } from "./chunk-codec.ts";
import type { MailboxAt, MailStore, StagedMessage } from "./index.ts";
import { LevelDriver } from "./level/driver.ts";
import { chunkKey } from "./level/keys.ts";
import { openLevelDriver } from "./level/index.ts";
import { repairStore } from "./maintenance/repair-store.ts";
import { openMailStore } from "./open-mail-store.ts";

const OPTIONS = { scryptCost: { N: 16, r: 1, p: 1 }, limits: { closeTailRecordsMin: 1, closeSnapshotsMs: 60_000 } };
const LOST = 4;

let directory: string;
let store: MailStore;
let inbox: MailboxAt;
let archive: MailboxAt;
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

/** INBOX has lost all of messages 1 to 4, of which two are `\Seen`; then a fifth came. */
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pushmail-lost-"));
  store = await openStore();
  inbox = await at("alice@example.org", "INBOX");
  archive = await at("alice@example.org", "Archive");
  others = await at("bob@example.org", "INBOX");
  for (let i = 0; i < LOST; i++) await store.append([{ ...inbox, message: await stage() }]);
  await store.setFlags(inbox, [[1, 2]], { mode: "add", flags: ["\\Seen"] });
  const handle = await store.open(inbox);
  await handle.ready();
  handle.release();
  await store.close();
  const driver = await openLevelDriver({ directory });
  if (!(driver instanceof LevelDriver)) throw new Error("another driver");
  await driver.inside.write([{ key: chunkKey(inbox.account, inbox.mailbox, [COLUMN.metadata, 0]), value: null }]);
  store = openMailStore(driver, OPTIONS);
  await store.append([{ ...inbox, message: await stage() }]);
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
    for (const target of [archive, others]) {
      await expect(store.copy(inbox, [[4, 5]], target)).rejects.toThrow("have the store checked");
      await expect(store.move(inbox, [[1, 1]], target)).rejects.toThrow("have the store checked");
      expect(await uidsIn(target)).toEqual([]);
    }
    expect(await uidsIn(inbox)).toEqual([1, 2, 3, 4, 5]);
    expect((await store.copy(inbox, [[5, 5]], archive)).to).toEqual([1]);
  });

  it("are expunged and replaced like all others", async () => {
    await store.setFlags(inbox, [[1, 5]], { mode: "add", flags: ["\\Deleted"] });
    expect(await store.expunge(inbox, [[2, 3]])).toMatchObject({ uids: [[2, 3]] });
    expect(await store.mailboxAt(inbox)).toMatchObject({ messages: 3, unseen: 2, deleted: 3 });
    await store.replace(inbox, 1, { ...inbox, message: await stage() });
    await store.replace(inbox, 4, { ...others, message: await stage() });
    expect([await uidsIn(inbox), await uidsIn(others)]).toEqual([[5, 6], [1]]);
    expect(await store.mailboxAt(inbox)).toMatchObject({ messages: 2, unseen: 2, deleted: 1 });
    expect(await store.expunge(inbox)).toMatchObject({ uids: [[5, 5]] });
  });

  it("are counted by a repair, which leaves them there", async () => {
    await store.close();
    const found: string[] = [];
    await repairStore({ directory, dryRun: false, onMended: (what) => found.push(what), onLost: () => undefined });
    store = await openStore();
    expect(await store.mailboxAt(inbox)).toMatchObject({ messages: 5, unseen: 3 });
    expect(found.filter((what) => what.includes("counters"))).toHaveLength(1);
    expect(await uidsIn(inbox)).toEqual([1, 2, 3, 4, 5]);
  });
});
