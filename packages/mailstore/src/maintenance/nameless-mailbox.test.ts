// Mailboxes, and entries of metadata, of which the index has lost what they are: a check goes on with all others.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { ACCOUNT_DIRECTORY, cursor, mailboxId, METADATA_FIRST } from "../ids.ts";
import type { LevelDriver } from "../level/driver.ts";
import { openLevelDriver } from "../level/index.ts";
import { propertiesKey, recordKey } from "../level/keys.ts";
import { decodeProperties } from "../mailbox-state.ts";
import { openMailStore } from "../open-mail-store.ts";
import type { MailboxAt, MailboxStatus, MailStore, StagedMessage } from "../store.ts";
import { checkStore } from "./check-store.ts";
import { findingLine } from "./finding.ts";
import { lastProperties } from "./lost-properties.ts";
import { repairStore } from "./repair-store.ts";

const COMMENT = { name: "/private/comment", value: Buffer.from("text") };

let directory: string;
let driver: LevelDriver;
let store: MailStore;
let before: MailboxStatus;
let at: MailboxAt;
let trouble: unknown[];

async function openStore(): Promise<void> {
  driver = (await openLevelDriver({ directory })) as LevelDriver;
  const limits = { closeTailRecordsMin: 1, closeSnapshotsMs: 60_000 };
  store = openMailStore(driver, {
    scryptCost: { N: 16, r: 1, p: 1 },
    scramIterations: 4_096,
    limits,
    onTrouble: (error) => trouble.push(error),
  });
}

beforeEach(async () => {
  trouble = [];
  directory = await mkdtemp(join(tmpdir(), "pushmail-nameless-"));
  await openStore();
  const { id: account } = await store.createAccount({ address: "ann@example.org", password: "secret" });
  const { id: mailbox } = await store.createMailbox(account, "Lists");
  at = { account, mailbox };
  for (let i = 0; i < 2; i++) await store.append([{ ...at, message: await mail() }]);
  before = (await store.mailbox(account, "Lists"))!;
  const handle = await store.open(at);
  await handle.ready();
  handle.release();
});
afterEach(async () => {
  await store.close();
  await rm(directory, { recursive: true });
});

function mail(): Promise<StagedMessage> {
  const body = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from("Subject: one\r\n\r\n");
  };
  return store.stage(body(), { bytesMax: 100 });
}

/** Has the index lose what a mailbox or an entry is, with its newest records. */
async function forget(mailbox: MailboxAt["mailbox"], records: number): Promise<void> {
  const { account } = at;
  const page = await driver.log(account, cursor(0), { mailbox, limit: 1_000 });
  const gone = page.records.slice(-records).map((record) => recordKey(account, record.cursor));
  const keys = [propertiesKey(account, mailbox), ...gone];
  await driver.inside.write(keys.map((key) => ({ key, value: null })));
  await store.close();
}

/** Has the log lose every transaction with a text. */
async function forgetInLog(text: string): Promise<void> {
  const segment = join(directory, "segments", "0000000001.seg");
  const bytes = await readFile(segment);
  for (let from = bytes.indexOf(text); from >= 0; from = bytes.indexOf(text, from + 1)) bytes.fill(0, from, from + 1);
  await writeFile(segment, bytes);
}

async function findings(): Promise<string[]> {
  const found: string[] = [];
  const summary = await checkStore({ directory, onFinding: (finding) => found.push(findingLine(finding)) });
  // Those of a new account, and one more.
  expect(summary).toMatchObject({ accounts: 1, mailboxes: 7, messages: 2 });
  return found;
}

async function repair(): Promise<string[]> {
  const lost: string[] = [];
  const told = { onMended: () => undefined, onLost: (finding: object) => lost.push(JSON.stringify(finding)) };
  expect(await repairStore({ directory, dryRun: false, ...told })).toMatchObject({ left: [] });
  await openStore();
  return lost;
}

describe("a server that runs meanwhile", () => {
  it("serves the other mailboxes, and tells which one it is", async () => {
    await store.setMetadata(at.account, null, [COMMENT]);
    await forget(mailboxId(METADATA_FIRST), 1);
    await openStore();
    await forget(at.mailbox, 3);
    await openStore();
    const names = (await store.mailboxes(at.account)).map(({ name }) => name);
    expect(names).toEqual(["INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"]);
    expect(trouble).toEqual([
      new Error(`mailbox ${at.mailbox} of account 1 has lost its name and UIDVALIDITY: have the store checked`),
      new Error("an entry of the metadata of account 1 has lost what it is: have the store checked"),
    ]);
    const inbox = { account: at.account, mailbox: (await store.mailbox(at.account, "INBOX"))!.id };
    await store.append([{ ...inbox, message: await mail() }]);
    expect(await store.mailboxAt(inbox)).toMatchObject({ messages: 1 });
    // Neither is one that is made now taken for it, nor is its mail garbage, nor is its log cut.
    const { id } = await store.createMailbox(at.account, "Lists/Next");
    expect(id).toBeGreaterThan(at.mailbox);
    await expect(store.compact()).rejects.toThrow("has lost its name");
    await expect(store.append([{ ...at, message: await mail() }])).rejects.toMatchObject({ code: "mailboxNotFound" });
    await store.setMetadata(at.account, null, [{ ...COMMENT, name: "/private/other" }]);
    await store.close();
    await repair();
    const status = await store.mailboxAt(at);
    expect(status).toEqual({ ...before, name: `Recovered-${at.mailbox}`, uidValidity: status!.uidValidity });
    expect((await store.metadata(at.account, null)).map(({ name }) => name)).toEqual([COMMENT.name, "/private/other"]);
  });

  it("takes no mail for INBOX where it is that, and makes no other", async () => {
    const { id } = (await store.mailbox(at.account, "INBOX"))!;
    await forget(id, 1);
    await openStore();
    await expect(store.resolve("ann@example.org")).rejects.toThrow("account 1 has lost INBOX: have the store checked");
    expect((await store.mailboxes(at.account)).map(({ name }) => name)).not.toContain("INBOX");
    expect(await store.mailbox(at.account, "Lists")).toEqual(before);
    await store.close();
    await repair();
    expect((await store.mailbox(at.account, "INBOX"))!.id).toBe(id);
    expect(await store.resolve("ann@example.org")).toMatchObject({ mailbox: id });
  });
});

it("a server makes no mailbox in the place of another where the index has lost which ones were made", async () => {
  await store.setSubscribed(at.account, "Lists", true);
  await forget(ACCOUNT_DIRECTORY, 1);
  await openStore();
  const all = await store.mailboxes(at.account);
  const what = "account 1 has lost which mailboxes were made and subscribed: have the store checked";
  for (const change of [
    () => store.createMailbox(at.account, "Next"),
    () => store.renameMailbox(at.account, "INBOX", "Old"),
    () => store.setSubscribed(at.account, "INBOX", true),
    () => store.subscriptions(at.account),
  ])
    await expect(change()).rejects.toThrow(what);
  expect(trouble).toEqual([new Error(what)]);
  expect(await store.mailboxes(at.account)).toEqual(all);
  await store.close();
  await repair();
  expect(await store.subscriptions(at.account)).toContain("Lists");
  expect((await store.createMailbox(at.account, "Next")).id).toBe(at.mailbox + 1);
});

it("a mailbox is what an older change says of it, where the newest one is lost too", async () => {
  await forget(at.mailbox, 1);
  expect(await findings()).toContain(`mailbox ${at.mailbox} of account 1 is not as its newest change says`);
  expect(await repair()).toEqual([]);
  expect(await store.mailbox(at.account, "Lists")).toEqual(before);
});

it("a mailbox is what a segment says of it, where the index has none of its changes left", async () => {
  await forget(at.mailbox, 3);
  expect(await findings()).toContain(`mailbox ${at.mailbox} of account 1 is not as its newest change says`);
  expect(await repair()).toEqual([]);
  expect(await store.mailbox(at.account, "Lists")).toEqual(before);
});

it.each(["Lists", "INBOX"])("%s gets another name and UIDVALIDITY where nothing knows what it was", async (name) => {
  const { id, uidValidity } = (await store.mailbox(at.account, name))!;
  await forget(id, 3);
  await forgetInLog(`"name":"${name}"`);
  expect(await findings()).toContain(`mailbox ${id} of account 1 has lost its name and UIDVALIDITY`);
  expect(await repair()).toContainEqual(expect.stringContaining("has lost its name and UIDVALIDITY"));
  const found = (await store.mailboxes(at.account)).find((mailbox) => mailbox.id === id)!;
  expect(found.name).toBe(name === "INBOX" ? "INBOX" : `Recovered-${id}`);
  expect(found.uidValidity).toBeGreaterThan(uidValidity);
  expect(found.messages).toBe(name === "INBOX" ? 0 : 2);
  expect((await store.createMailbox(at.account, "Next")).uidValidity).toBeGreaterThan(found.uidValidity);
});

it("several are found in one walk through the segments", async () => {
  const { id: other } = await store.createMailbox(at.account, "Other");
  const { segments } = driver.inside;
  const acquire = segments.acquire.bind(segments);
  let reads = 0;
  segments.acquire = (number) => {
    reads++;
    return acquire(number);
  };
  await lastProperties(driver, at.account, [other]);
  const once = reads;
  const found = await lastProperties(driver, at.account, [at.mailbox, other]);
  const names = Array.from(found.values(), (properties) => decodeProperties({ properties }).name);
  expect([names.sort(), reads]).toEqual([["Lists", "Other"], 2 * once]);
});

it("an entry of metadata is removed where nothing knows what it was", async () => {
  await store.setMetadata(at.account, at.mailbox, [COMMENT]);
  await forget(mailboxId(METADATA_FIRST), 1);
  await forgetInLog(COMMENT.name);
  expect(await findings()).toContain("an entry of the metadata of account 1 has lost what it is");
  expect(await repair()).toContainEqual(expect.stringContaining("has lost what it is"));
  expect(await store.metadata(at.account, at.mailbox)).toEqual([]);
  expect(await store.mailbox(at.account, "Lists")).toMatchObject({ messages: 2 });
});

it("a mailbox is not called again as another one is by now", async () => {
  await store.renameMailbox(at.account, "Lists", "Old");
  const { id } = await store.createMailbox(at.account, "Lists");
  await forget(at.mailbox, 1);
  await forgetInLog('"name":"Old"');
  expect(await repair()).toContainEqual(expect.stringContaining("has lost its name and UIDVALIDITY"));
  const names = new Map((await store.mailboxes(at.account)).map((mailbox) => [mailbox.id, mailbox.name]));
  expect([names.get(id), names.get(at.mailbox)]).toEqual(["Lists", `Recovered-${at.mailbox}`]);
});
