// Changes that the index names under a mailbox and has lost: who reads the log goes on behind them, and they are told.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { cursor, type Cursor, type MailboxAt, type MailStore } from "./index.ts";
import type { LevelDriver } from "./level/driver.ts";
import { openLevelDriver } from "./level/index.ts";
import { recordKey } from "./level/keys.ts";
import { repairStore } from "./maintenance/repair-store.ts";
import { openMailStore } from "./open-mail-store.ts";

const OPTIONS = { scryptCost: { N: 16, r: 1, p: 1 } };
/** More than a mailbox is read in by at a time. */
const MAILS = 260;
const ALL = [[1, MAILS]] as const;
/** But for the third, which is lost. */
const THERE = [
  [1, 2],
  [4, MAILS],
];

let directory: string;
let driver: LevelDriver;
let writer: MailStore;
let store: MailStore;
let box: MailboxAt;
/** Where the third mail came. */
let lost: Cursor;
let warned: object[];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pushmail-records-"));
  warned = [];
  const log = { info: () => undefined, warn: (fields: object, message: string) => warned.push({ ...fields, message }) };
  driver = (await openLevelDriver({ directory, log })) as LevelDriver;
  writer = openMailStore(driver, OPTIONS);
  const { id: account } = await writer.createAccount({ address: "alice@example.org", password: "x" });
  box = { account, mailbox: (await writer.mailbox(account, "INBOX"))!.id };
  const before = await writer.cursor(account);
  const body = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from("Subject: one\r\n\r\n");
  };
  for (let i = 0; i < MAILS; i++) {
    await writer.append([{ ...box, message: await writer.stage(body(), { bytesMax: 100 }) }]);
  }
  lost = cursor(before + 3);
  await driver.inside.write([{ key: recordKey(account, lost), value: null }]);
  // One that has nothing in memory.
  store = openMailStore(driver, OPTIONS);
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

it("a mailbox is read in with all others", async () => {
  const handle = await store.open(box);
  const { uids, count } = await handle.ready();
  // Who selects it is told of as many as there are.
  expect(handle.status?.messages).toBe(count);
  handle.release();
  expect([...uids.subarray(0, count)]).toEqual(
    Array.from({ length: MAILS }, (_, i) => i + 1).filter((uid) => uid !== 3),
  );
  expect(warned).toEqual([
    expect.objectContaining({ ...box, lost: 1, message: "the index is damaged: changes are lost" }),
  ]);
});

it.each(["of the mailbox", "of the account"])("the changes %s are read to their end", async (of) => {
  const mailbox = of === "of the mailbox" ? box.mailbox : undefined;
  const read: Cursor[] = [];
  let since = cursor(lost - 3);
  for (let more = true; more;) {
    const page = await store.changes(box.account, since, 10, mailbox);
    if (page.tooOld) throw new Error("too old");
    read.push(...page.records.map((record) => record.cursor));
    ({ through: since, more } = page);
  }
  expect(read).toEqual(Array.from({ length: MAILS }, (_, i) => lost - 2 + i).filter((each) => each !== lost));
  expect(warned).toEqual([expect.objectContaining({ account: box.account, after: lost - 3, lost: 1 })]);
});

it("an account that was not told of a change, which is lost, is read anew", async () => {
  const { cursor: end } = (await driver.head(box.account))!;
  const listen = driver.listen.bind(driver);
  let hear: Parameters<typeof listen>[0] | undefined;
  driver.listen = (listener) => {
    hear = listener;
    return () => undefined;
  };
  const trouble = new Promise<unknown>((resolve) => {
    store = openMailStore(driver, { ...OPTIONS, onTrouble: resolve });
  });
  expect(await store.cursor(box.account)).toBe(end);
  for (const flag of ["\\Seen", "\\Flagged"]) await writer.setFlags(box, [[1, 1]], { mode: "add", flags: [flag] });
  await driver.inside.write([{ key: recordKey(box.account, cursor(end + 1)), value: null }]);
  const [record] = (await driver.log(box.account, cursor(end + 1), { limit: 1 })).records;
  hear?.(record!);
  expect(await trouble).toMatchObject({ message: expect.stringContaining(`lacks the change ${end + 1}`) });
  expect(await store.cursor(box.account)).toBe(end + 2);
});

describe("a mailbox that counts less than there is is emptied, where what is lost had", () => {
  /** Has the index lose the newest change, and a store read the mailbox anew. */
  async function loseNewest(): Promise<void> {
    const { cursor: end } = (await driver.head(box.account))!;
    await driver.inside.write([{ key: recordKey(box.account, end), value: null }]);
    store = openMailStore(driver, OPTIONS);
  }

  /** Nothing is left, and nothing is counted but the mail that had come and is lost. */
  async function expectEmpty(): Promise<void> {
    const handle = await store.open(box);
    expect((await handle.ready()).count).toBe(0);
    expect(handle.status).toMatchObject({ messages: 0, deleted: 0 });
    handle.release();
  }

  it("made them seen", async () => {
    await writer.setFlags(box, ALL, { mode: "add", flags: ["\\Deleted"] });
    await writer.setFlags(box, ALL, { mode: "add", flags: ["\\Seen"] });
    await loseNewest();
    expect((await store.expunge(box)).uids).toEqual(THERE);
    await expectEmpty();
  });

  it("expunged some", async () => {
    await writer.setFlags(box, ALL, { mode: "add", flags: ["\\Deleted"] });
    await writer.expunge(box, [[10, 20]]);
    await loseNewest();
    expect((await store.expunge(box)).uids).toEqual(THERE);
    await expectEmpty();
  });

  it("taken back that they were to be deleted", async () => {
    await writer.setFlags(box, ALL, { mode: "add", flags: ["\\Deleted"] });
    await writer.setFlags(box, ALL, { mode: "remove", flags: ["\\Deleted"] });
    await loseNewest();
    await store.setFlags(box, ALL, { mode: "remove", flags: ["\\Deleted"] });
    expect(await store.mailboxAt(box)).toMatchObject({ deleted: 0 });
    await store.setFlags(box, ALL, { mode: "add", flags: ["\\Deleted"] });
    expect((await store.expunge(box)).uids).toEqual(THERE);
    await expectEmpty();
  });
});

it("a repair makes the log begin behind what is lost, and be it the newest change", async () => {
  const { cursor: end } = (await driver.head(box.account))!;
  await driver.inside.write([{ key: recordKey(box.account, end), value: null }]);
  await store.close();
  const mended: string[] = [];
  const told = { onMended: (what: string) => mended.push(what), onLost: () => undefined };
  expect(await repairStore({ directory, dryRun: false, ...told })).toMatchObject({ left: [] });
  expect(mended).toContain("clients read the state anew: the log of changes has a gap");
});
