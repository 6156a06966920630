// Flags of very many messages: in pieces, so that others get their turn, and right whatever others do meanwhile.
import { describe, expect, it } from "@jest/globals";
import {
  mailboxId,
  openMailStore,
  openMemoryDriver,
  type MailboxAt,
  type MailStore,
  type StoreDriver,
} from "./index.ts";
import { turnsUntilCommit } from "./test-support/turns-until-commit.ts";

const CHEAP = { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096, limits: { rowsPerTurnMax: 1 } };
const MESSAGES = 200;
const ALL = [[1, 1_000]] as const;
const EACH_SECOND = Array.from({ length: MESSAGES / 2 }, (_, i) => [2 * i + 1, 2 * i + 1] as const);
const SEEN = { mode: "add", flags: ["\\Seen"] } as const;

async function filled(): Promise<{ driver: StoreDriver; store: MailStore; at: MailboxAt }> {
  const driver = await openMemoryDriver();
  const store = openMailStore(driver, CHEAP);
  const { id: account } = await store.createAccount({ address: "alice@example.org", password: "x" });
  const inbox = await store.mailbox(account, "INBOX");
  if (inbox === undefined) throw new Error("no INBOX");
  const at = { account, mailbox: inbox.id };
  const message = await store.stage(once(), { bytesMax: 1_000 });
  await store.append(Array.from({ length: MESSAGES }, () => ({ ...at, message })));
  return { driver, store, at };
}

async function* once(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("Subject: x\r\n\r\nx\r\n");
}

async function deliver(store: MailStore, at: MailboxAt): Promise<void> {
  await store.append([{ ...at, message: await store.stage(once(), { bytesMax: 1_000 }) }]);
}

describe("flags of many messages", () => {
  it("are decided on in pieces, between which others get their turn", async () => {
    const { driver, store, at } = await filled();
    // Where all are alike there is one piece.
    const one = turnsUntilCommit(driver);
    await store.setFlags(at, ALL, { mode: "add", flags: ["\\Draft"] });
    expect(await one).toBe(0);
    await store.setFlags(at, EACH_SECOND, { mode: "add", flags: ["\\Flagged"] });
    const turns = turnsUntilCommit(driver);
    const { changed, missing } = await store.setFlags(at, ALL, SEEN);
    expect(await turns).toBeGreaterThanOrEqual(MESSAGES - 1);
    expect([changed, missing]).toEqual([[[1, MESSAGES]], [[MESSAGES + 1, 1_000]]]);
    expect((await store.mailboxAt(at))?.unseen).toBe(0);
    const few = turnsUntilCommit(driver);
    await store.setFlags(at, [[3, 3]], { mode: "remove", flags: ["\\Seen"] });
    expect(await few).toBe(0);
    await store.close();
  });

  it("are right where mail comes meanwhile, and decided on again where another node changed some", async () => {
    const { driver, store, at } = await filled();
    await store.setFlags(at, EACH_SECOND, { mode: "add", flags: ["\\Flagged"] });
    const other = openMailStore(driver, CHEAP);
    await other.setFlags(at, [[1, 2]], { mode: "add", flags: ["\\Seen", "\\Deleted"] });
    let isDone = false;
    const flagged = store.setFlags(at, ALL, SEEN).finally(() => (isDone = true));
    await new Promise((resolve) => setImmediate(resolve));
    await deliver(store, at);
    // Behind what was decided on, and told to this node before the rest is.
    await other.setFlags(at, [[2, 2]], { mode: "remove", flags: ["\\Seen"] });
    await other.expunge(at);
    expect(isDone).toBe(false);
    expect((await flagged).changed).toEqual([[3, MESSAGES + 1]]);
    expect((await store.mailboxAt(at))?.unseen).toBe(0);
    await store.close();
  });

  it("are on no message more than it may have, however many changes add them", async () => {
    const store = openMailStore(await openMemoryDriver(), { ...CHEAP, limits: { messageFlagsMax: 3 } });
    const { id: account } = await store.createAccount({ address: "alice@example.org", password: "x" });
    const at = { account, mailbox: (await store.mailbox(account, "INBOX"))?.id ?? mailboxId(0) };
    await deliver(store, at);
    const add = (flags: string[]) => store.setFlags(at, ALL, { mode: "add", flags });
    await add(["a", "b"]);
    await expect(add(["c", "d"])).rejects.toMatchObject({ code: "tooManyKeywords" });
    expect(await add(["A", "b", "c"])).toMatchObject({ changed: [[1, 1]] });
    expect(await add(["\\Seen", "\\Deleted", "a"])).toMatchObject({ changed: [[1, 1]] });
    await expect(add(["d"])).rejects.toMatchObject({ code: "tooManyKeywords" });
    await store.close();
  });

  it("are known only once they are on a message: what was refused takes no room", async () => {
    const limits = { messageFlagsMax: 2, keywordsMax: 3 };
    const store = openMailStore(await openMemoryDriver(), { ...CHEAP, limits });
    const { id: account } = await store.createAccount({ address: "alice@example.org", password: "x" });
    const at = { account, mailbox: (await store.mailbox(account, "INBOX"))?.id ?? mailboxId(0) };
    for (let i = 0; i < 2; i++) await deliver(store, at);
    const add = (uid: number, ...flags: string[]) => store.setFlags(at, [[uid, uid]], { mode: "add", flags });
    await add(1, "a", "b");
    for (const flag of ["c", "d", "e"]) await expect(add(1, flag)).rejects.toMatchObject({ code: "tooManyKeywords" });
    const handle = await store.open(at);
    await handle.ready();
    expect(handle.keywords()).toEqual(["a", "b"]);
    await add(2, "F");
    expect(handle.keywords()).toEqual(["a", "b", "F"]);
    handle.release();
    await store.close();
  });
});
