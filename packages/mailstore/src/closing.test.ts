// What is left behind when something fails: nothing that stays open, staged or untold.
import { describe, expect, it } from "@jest/globals";
import { openMailStore, openMemoryDriver, type MailboxAt, type MailStore, type StoreDriver } from "./index.ts";

const CHEAP = { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 };

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text, "latin1");
}

/** The next turn of the event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function deliver(store: MailStore): Promise<void> {
  const { account, mailbox } = (await store.resolve("alice@example.org")) ?? {};
  if (account === undefined || mailbox === undefined) throw new Error("nobody");
  const message = await store.stage(once("Subject: x\r\n\r\nx\r\n"), { bytesMax: 1000 });
  await store.append([{ account: account.id, mailbox, message }]);
}

describe("a store", () => {
  it("closes its driver where the last it would write down cannot be written", async () => {
    const driver = await openMemoryDriver();
    const troubles: unknown[] = [];
    const store = openMailStore(driver, { ...CHEAP, onTrouble: (error) => troubles.push(error) });
    const { id } = await store.createAccount({ address: "alice@example.org", password: "x" });
    const [inbox] = await store.mailboxes(id);
    if (inbox === undefined) throw new Error("no mailbox");
    await deliver(store);
    const handle = await store.open({ account: id, mailbox: inbox.id });
    expect(handle.claimRecent()).toBe(1);
    const full = new Error("disk full");
    driver.directory.put = () => Promise.reject(full);
    let closed = 0;
    const close = driver.close.bind(driver);
    driver.close = () => {
      closed++;
      return close();
    };
    await Promise.all([store.close(), store.close()]);
    handle.release();
    await store.close();
    expect([closed, troubles]).toEqual([1, [full]]);
  });

  it("tries a snapshot that failed again when as much again has come, not at every mail", async () => {
    const driver = await openMemoryDriver();
    const troubles: unknown[] = [];
    const limits = { tailRecordsMax: 3 };
    const store = openMailStore(driver, { ...CHEAP, limits, onTrouble: (error) => troubles.push(error) });
    const { id } = await store.createAccount({ address: "alice@example.org", password: "x" });
    const [inbox] = await store.mailboxes(id);
    if (inbox === undefined) throw new Error("no mailbox");
    const handle = await store.open({ account: id, mailbox: inbox.id });
    await handle.ready();
    const save = driver.saveSnapshot.bind(driver);
    driver.saveSnapshot = () => Promise.reject(new Error("disk full"));
    const tries: number[] = [];
    for (let i = 1; i <= 30; i++) {
      await deliver(store);
      for (let turn = 0; turn < 5; turn++) await nextTurn();
      if (troubles.length > tries.length) tries.push(i);
    }
    expect(tries).toEqual([3, 7, 15]);
    const saved = new Promise<void>((resolve) => {
      driver.saveSnapshot = async (snapshot) => {
        const written = await save(snapshot);
        resolve();
        return written;
      };
    });
    for (let i = 0; i < 10; i++) await deliver(store);
    await saved;
    handle.release();
    await store.close();
    expect(troubles).toHaveLength(3);
  });

  it("cuts the log where a snapshot under way is of an earlier state than needed", async () => {
    const driver = await openMemoryDriver();
    const store = openMailStore(driver, { ...CHEAP, limits: { tailRecordsMax: 3, logRecordsKept: 2 } });
    const { id } = await store.createAccount({ address: "alice@example.org", password: "x" });
    const [inbox, archive] = await store.mailboxes(id);
    if (inbox === undefined || archive === undefined) throw new Error("no mailbox");
    const { holding, letGo } = holdSnapshot(driver);
    const trimmed = new Promise<void>((resolve, reject) => {
      const trim = driver.trimLog.bind(driver);
      driver.trimLog = async (...args) => {
        await trim(...args).then(resolve, reject);
      };
    });
    await append(store, { account: id, mailbox: inbox.id }, 4);
    await holding;
    // Behind the snapshot that is held, and before the floor to come.
    await append(store, { account: id, mailbox: inbox.id }, 1);
    await append(store, { account: id, mailbox: archive.id }, 5);
    letGo();
    await trimmed;
    expect((await driver.log(id, await store.cursor(id), { limit: 1 })).floor).toBeGreaterThan(0);
    await store.close();
  });

  it("waits for the snapshot under way when it closes, and for none that many mailboxes are in want of", async () => {
    const driver = await openMemoryDriver();
    const store = openMailStore(driver, { ...CHEAP, limits: { tailRecordsMax: 3 } });
    const { id } = await store.createAccount({ address: "alice@example.org", password: "x" });
    const first = holdSnapshot(driver);
    for (const { id: mailbox } of await store.mailboxes(id)) await append(store, { account: id, mailbox }, 4);
    await first.holding;
    const next = holdSnapshot(driver);
    let others = 0;
    void next.holding.then(() => others++);
    for (let turn = 0; turn < 20; turn++) await nextTurn();
    const closed = store.close();
    first.letGo();
    next.letGo();
    await closed;
    expect(others).toBe(0);
  });
});

async function append(store: MailStore, at: MailboxAt, count: number): Promise<void> {
  const message = await store.stage(once("Subject: x\r\n\r\nx\r\n"), { bytesMax: 1000 });
  for (let i = 0; i < count; i++) await store.append([{ ...at, message }]);
}

/** The next snapshot is held, from where `holding` resolves until it is let go. */
function holdSnapshot(driver: StoreDriver): { readonly holding: Promise<void>; readonly letGo: () => void } {
  let letGo = (): void => undefined;
  const free = new Promise<void>((resolve) => (letGo = resolve));
  const save = driver.saveSnapshot.bind(driver);
  const holding = new Promise<void>((resolve) => {
    driver.saveSnapshot = async (snapshot) => {
      driver.saveSnapshot = save;
      resolve();
      await free;
      return save(snapshot);
    };
  });
  return { holding, letGo };
}
