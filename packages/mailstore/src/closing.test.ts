// What is left behind when something fails: nothing that stays open, staged or untold.
import { describe, expect, it } from "@jest/globals";
import type { Snapshot } from "./driver.ts";
import { openMailStore, openMemoryDriver, type MailboxAt, type MailStore, type StoreDriver } from "./index.ts";
import { untilTrimmed } from "./test-support/until-trimmed.ts";

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

  it("checks no more of the passwords that wait when it closes", async () => {
    const scryptCost = { N: 4_096, r: 8, p: 1 };
    const store = openMailStore(await openMemoryDriver(), {
      ...CHEAP,
      scryptCost,
      limits: { passwordChecksAtOnce: 1 },
    });
    await store.createAccount({ address: "alice@example.org", password: "x" });
    const logins = Array.from({ length: 100 }, (_, i) => store.authenticate("alice@example.org", `guess ${i}`));
    const outcomes = Promise.allSettled(logins);
    for (let turn = 0; turn < 5; turn++) await nextTurn();
    await store.close();
    expect((await outcomes).at(-1)).toMatchObject({ reason: { code: "shuttingDown" } });
  });

  it("wakes the others, and closes, where one who watches throws", async () => {
    const driver = await openMemoryDriver();
    const troubles: unknown[] = [];
    const store = openMailStore(driver, { ...CHEAP, onTrouble: (error) => troubles.push(error) });
    const { id } = await store.createAccount({ address: "alice@example.org", password: "x" });
    const broken = new Error("broken");
    let wakes = 0;
    store.watch(id, () => {
      throw broken;
    });
    store.watch(id, () => wakes++);
    await deliver(store);
    expect([wakes, troubles]).toEqual([1, [broken]]);
    let closed = 0;
    const close = driver.close.bind(driver);
    driver.close = () => {
      closed++;
      return close();
    };
    await store.close();
    expect([closed, wakes, troubles]).toEqual([1, 2, [broken, broken]]);
  });

  it("wakes who watches anew in a wake for the next change alone, and closes", async () => {
    const store = openMailStore(await openMemoryDriver(), CHEAP);
    const { id } = await store.createAccount({ address: "alice@example.org", password: "x" });
    let wakes = 0;
    const watchAnew = (): void => {
      const stop = store.watch(id, () => {
        stop();
        if (++wakes < 100) watchAnew();
      });
    };
    watchAnew();
    const stopOther = store.watch(id, () => undefined);
    await deliver(store);
    expect(wakes).toBe(1);
    stopOther();
    await deliver(store);
    expect(wakes).toBe(2);
    await store.close();
    expect(wakes).toBe(3);
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

  it("writes snapshots as often as ever where the log cannot be cut", async () => {
    const driver = await openMemoryDriver();
    const troubles: unknown[] = [];
    const limits = { tailRecordsMax: 3, logRecordsKept: 1 };
    const store = openMailStore(driver, { ...CHEAP, limits, onTrouble: (error) => troubles.push(error) });
    await store.createAccount({ address: "alice@example.org", password: "x" });
    driver.trimLog = () => Promise.reject(new Error("disk full"));
    const save = driver.saveSnapshot.bind(driver);
    let saved = 0;
    driver.saveSnapshot = (snapshot) => {
      saved++;
      return save(snapshot);
    };
    for (let i = 1; i <= 40; i++) {
      await deliver(store);
      for (let turn = 0; turn < 5; turn++) await nextTurn();
    }
    expect(saved).toBe(10);
    expect(troubles.length).toBeGreaterThan(0);
    await store.close();
  });

  it("cuts the log of an account also where hardly anything comes to any mailbox of it", async () => {
    const driver = await openMemoryDriver();
    const store = openMailStore(driver, { ...CHEAP, limits: { tailRecordsMax: 3, logRecordsKept: 5 } });
    const { id } = await store.createAccount({ address: "alice@example.org", password: "x" });
    const change: readonly ((i: number) => Promise<unknown>)[] = [
      (i) => store.setSubscribed(id, "Lists", i % 2 === 0),
      (i) => store.setMetadata(id, null, [{ name: "/private/comment", value: Buffer.from(`${i}`) }]),
      (i) => (i % 2 === 0 ? store.createMailbox(id, "Lists") : store.deleteMailbox(id, "Lists")),
    ];
    for (const one of change) {
      const trimmed = untilTrimmed(driver, (await store.cursor(id)) + 10);
      for (let i = 0; i < 20; i++) await one(i);
      await trimmed;
    }
    await store.close();
  });

  it("cuts the log where a snapshot under way is of an earlier state than needed", async () => {
    const driver = await openMemoryDriver();
    const store = openMailStore(driver, { ...CHEAP, limits: { tailRecordsMax: 3, logRecordsKept: 2 } });
    const { id } = await store.createAccount({ address: "alice@example.org", password: "x" });
    const [inbox, archive] = await store.mailboxes(id);
    if (inbox === undefined || archive === undefined) throw new Error("no mailbox");
    const { holding, letGo } = holdSnapshot(driver);
    const trimmed = untilTrimmed(driver);
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

  it("writes snapshots of what is in memory, those of the account used last first, for as long as it may take", async () => {
    const driver = await openMemoryDriver();
    const limits = { closeTailRecordsMin: 4, closeSnapshotsMs: 10 };
    let now = 0;
    const store = openMailStore(driver, { ...CHEAP, limits, now: () => now });
    const save = driver.saveSnapshot.bind(driver);
    const saved: MailboxAt[] = [];
    driver.saveSnapshot = (snapshot) => {
      saved.push({ account: snapshot.account, mailbox: snapshot.mailbox });
      now += limits.closeSnapshotsMs / 2;
      return save(snapshot);
    };
    const boxes: MailboxAt[] = [];
    for (const address of ["ann@example.org", "ben@example.org", "cy@example.org", "di@example.org"]) {
      const { id } = await store.createAccount({ address, password: "x" });
      const [inbox, archive] = await store.mailboxes(id);
      if (inbox === undefined || archive === undefined) throw new Error("no mailbox");
      boxes.push({ account: id, mailbox: inbox.id });
      // Little has come to the one, and the other is not in memory.
      for (const [{ id: mailbox }, count, isOpen] of [
        [inbox, 3, true],
        [archive, 9, false],
      ] as const) {
        await append(store, { account: id, mailbox }, count);
        if (isOpen) await (await store.open({ account: id, mailbox })).ready();
      }
    }
    const [ann, ben, cy] = boxes as [MailboxAt, MailboxAt, MailboxAt];
    for (const at of [ben, ann, cy]) await append(store, at, 1);
    await store.close();
    expect(saved).toEqual([cy, ann]);
  });

  it("writes a snapshot that an end left out once the mailbox is read in", async () => {
    const driver = await openMemoryDriver();
    const writer = openMailStore(driver, { ...CHEAP, limits: { tailRecordsMax: 1e9 } });
    const { id: account } = await writer.createAccount({ address: "alice@example.org", password: "x" });
    const [inbox, archive] = await writer.mailboxes(account);
    if (inbox === undefined || archive === undefined) throw new Error("no mailbox");
    await append(writer, { account, mailbox: inbox.id }, 5);
    await append(writer, { account, mailbox: archive.id }, 2);
    const reader = openMailStore(driver, { ...CHEAP, limits: { tailRecordsMax: 3 } });
    const { holding, letGo } = holdSnapshot(driver);
    letGo();
    for (const { id: mailbox } of [archive, inbox]) await (await reader.open({ account, mailbox })).ready();
    expect((await holding).mailbox).toBe(inbox.id);
    await reader.close();
    await writer.close();
  });
});

async function append(store: MailStore, at: MailboxAt, count: number): Promise<void> {
  const message = await store.stage(once("Subject: x\r\n\r\nx\r\n"), { bytesMax: 1000 });
  for (let i = 0; i < count; i++) await store.append([{ ...at, message }]);
}

/** The next snapshot is held, from where `holding` resolves until it is let go. */
function holdSnapshot(driver: StoreDriver): { readonly holding: Promise<Snapshot>; readonly letGo: () => void } {
  let letGo = (): void => undefined;
  const free = new Promise<void>((resolve) => (letGo = resolve));
  const save = driver.saveSnapshot.bind(driver);
  const holding = new Promise<Snapshot>((resolve) => {
    driver.saveSnapshot = async (snapshot) => {
      driver.saveSnapshot = save;
      resolve(snapshot);
      await free;
      return save(snapshot);
    };
  });
  return { holding, letGo };
}
