// What is kept in memory is bounded, and nobody who works on something loses it under his hands.
import { describe, expect, it } from "@jest/globals";
import {
  cursor,
  mailboxId,
  openMailStore,
  openMemoryDriver,
  type AccountInfo,
  type MailboxAt,
  type MailStore,
  type StoreDriver,
} from "./index.ts";
import type { StoreLimits } from "./limits.ts";

async function opened(limits: Partial<StoreLimits>): Promise<{ driver: StoreDriver; store: MailStore }> {
  const driver = await openMemoryDriver();
  return {
    driver,
    store: openMailStore(driver, { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096, limits }),
  };
}

async function* once(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("Subject: x\r\n\r\nx\r\n");
}

/** The next turn of the event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function account(store: MailStore, name: string): Promise<AccountInfo> {
  return store.createAccount({ address: `${name}@example.org`, password: "secret" });
}

/** How often `method` was called for an account from now on. */
function countCalls(driver: StoreDriver, method: "head" | "snapshotCursor"): Map<number, number> {
  const calls = new Map<number, number>();
  const call = driver[method].bind(driver) as (...args: unknown[]) => Promise<never>;
  driver[method] = (...args: readonly unknown[]) => {
    const of = args.at(-1) as number;
    calls.set(of, (calls.get(of) ?? 0) + 1);
    return call(...args);
  };
  return calls;
}

describe("memory", () => {
  it("holds the indexes that were used last, within the bound, also of one account", async () => {
    const { driver, store } = await opened({ idleIndexMessagesMax: 200 });
    const { id } = await account(store, "alice");
    const boxes = await store.mailboxes(id);
    const loads = countCalls(driver, "snapshotCursor");
    const use = async (i: number): Promise<number> => {
      const mailbox = boxes[i]?.id ?? boxes[0]?.id;
      if (mailbox === undefined) throw new Error("no mailbox");
      const handle = await store.open({ account: id, mailbox });
      await handle.ready();
      handle.release();
      return loads.get(mailbox) ?? 0;
    };
    const first = await use(0);
    expect(await use(0)).toBe(first);
    await use(1);
    expect(await use(0)).toBe(first);
    await use(2);
    expect(await use(0)).toBe(first);
    await use(3);
    await use(4);
    expect(await use(0)).toBe(2 * first);
    await store.close();
  });

  it("holds the accounts that were used last, and whoever is watched or open", async () => {
    const { driver, store } = await opened({ idleAccountsMax: 3 });
    const people = [];
    for (let i = 0; i < 8; i++) people.push(await account(store, `a${i}`));
    const [watched, open, idle, ...others] = people as [AccountInfo, AccountInfo, AccountInfo, ...AccountInfo[]];
    const stop = store.watch(watched.id, () => undefined);
    const [inbox] = await store.mailboxes(open.id);
    if (inbox === undefined) throw new Error("no mailbox");
    const handle = await store.open({ account: open.id, mailbox: inbox.id });
    for (const { id } of [watched, idle, ...others]) await store.quota(id);
    const loads = countCalls(driver, "head");
    for (let i = 0; i < 3; i++) {
      for (const { id } of others) {
        await store.quota(id);
        await nextTurn();
      }
    }
    await store.quota(watched.id);
    await store.quota(open.id);
    await store.quota(idle.id);
    expect([loads.has(watched.id), loads.has(open.id), loads.get(idle.id)]).toEqual([false, false, 1]);
    handle.release();
    stop();
    await store.close();
  });

  it("holds an account while its mailboxes are being created", async () => {
    const { driver, store } = await opened({ idleAccountsMax: 1 });
    const alice = await account(store, "alice");
    const others = [await account(store, "bob"), await account(store, "carol"), await account(store, "dave")];
    await store.quota(alice.id);
    const commit = driver.commit.bind(driver);
    driver.commit = async (...args) => {
      driver.commit = commit;
      for (const { id } of others) {
        await store.quota(id);
        await nextTurn();
      }
      return commit(...args);
    };
    expect(await store.createMailbox(alice.id, "Lists")).toMatchObject({ name: "Lists" });
    await store.close();
  });

  it("holds an account while a snapshot of it waits for its turn", async () => {
    const { driver, store } = await opened({ idleAccountsMax: 1, tailRecordsMax: 2 });
    const people: AccountInfo[] = [];
    for (const name of ["alice", "bob", "carol", "dave"]) people.push(await account(store, name));
    const [alice, bob, ...others] = people as [AccountInfo, AccountInfo, ...AccountInfo[]];
    const deliver = async ({ id }: AccountInfo): Promise<void> => {
      const inbox = await store.mailbox(id, "INBOX");
      const message = await store.stage(once(), { bytesMax: 1_000 });
      for (let i = 0; i < 3; i++) await store.append([{ account: id, mailbox: inbox?.id ?? mailboxId(0), message }]);
    };
    let letGo = (): void => undefined;
    const free = new Promise<void>((resolve) => (letGo = resolve));
    const save = driver.saveSnapshot.bind(driver);
    const holding = new Promise<void>((resolve) => {
      driver.saveSnapshot = async (snapshot) => {
        resolve();
        await free;
        return save(snapshot);
      };
    });
    await deliver(bob);
    await holding;
    await deliver(alice);
    const loads = countCalls(driver, "head");
    for (const { id } of others) {
      await store.quota(id);
      await nextTurn();
    }
    await store.quota(alice.id);
    // Others were let go, and read in again.
    expect(loads.size).toBeGreaterThan(0);
    expect(loads.has(alice.id)).toBe(false);
    letGo();
    await store.close();
  });

  it("remembers changes only of accounts that are watched, and of mailboxes that are open", async () => {
    const { driver, store } = await opened({});
    const { id } = await account(store, "alice");
    let reads = 0;
    const log = driver.log.bind(driver);
    driver.log = (...args) => {
      reads++;
      return log(...args);
    };
    const since = await store.cursor(id);
    const created = async (name: string): Promise<unknown> => {
      await store.createMailbox(id, name);
      return store.changes(id, since, 10);
    };
    expect(await created("a")).toMatchObject({ records: [{ cursor: since + 1 }], more: false });
    expect(reads).toBe(1);
    const stop = store.watch(id, () => undefined);
    const from = await store.cursor(id);
    await store.createMailbox(id, "b");
    expect(await store.changes(id, from, 10)).toMatchObject({ records: [{ cursor: since + 2 }], more: false });
    expect(reads).toBe(1);
    stop();
    expect(await created("c")).toMatchObject({ records: [{}, {}, { cursor: since + 3 }], more: false });
    expect(reads).toBe(2);
    const [at, other] = (await store.mailboxes(id)).map((mailbox) => ({ account: id, mailbox: mailbox.id }));
    const handle = await store.open(at as MailboxAt);
    await handle.ready();
    reads = 0;
    const readsBehind = async (mailbox: MailboxAt | undefined): Promise<number> => {
      const before = await store.cursor(id);
      const message = await store.stage(once(), { bytesMax: 1_000 });
      await store.append([{ ...(mailbox as MailboxAt), message }]);
      expect(await store.changes(id, before, 10)).toMatchObject({ records: [{ cursor: before + 1 }], more: false });
      return reads;
    };
    expect([await readsBehind(at), await readsBehind(other), await readsBehind(at)]).toEqual([0, 1, 1]);
    handle.release();
    await store.close();
  });

  it("remembers the newest changes of all accounts together, within the bound", async () => {
    const { driver, store } = await opened({ recentRangesMax: 10 });
    const people = [];
    for (let i = 0; i < 4; i++) people.push(await account(store, `a${i}`));
    const since = await Promise.all(people.map(({ id }) => store.cursor(id)));
    for (const { id } of people) store.watch(id, () => undefined);
    for (const { id } of people) for (let i = 0; i < 4; i++) await store.createMailbox(id, `box${i}`);
    let reads = 0;
    const log = driver.log.bind(driver);
    driver.log = (...args) => {
      reads++;
      return log(...args);
    };
    const readsOf: number[] = [];
    for (const [i, { id }] of people.entries()) {
      reads = 0;
      expect(await store.changes(id, since[i] ?? cursor(0), 10)).toMatchObject({ records: [{}, {}, {}, {}] });
      readsOf.push(reads);
    }
    expect(readsOf).toEqual([1, 1, 0, 0]);
    await store.close();
  });

  it("counts an index anew when mail comes to it, and what it holds beside messages", async () => {
    const { driver, store } = await opened({ idleIndexMessagesMax: 500 });
    const { id } = await account(store, "alice");
    const [first, second] = (await store.mailboxes(id)).map((box) => ({ account: id, mailbox: box.id })) as [
      MailboxAt,
      MailboxAt,
    ];
    const loads = countCalls(driver, "snapshotCursor");
    const use = async (at: MailboxAt): Promise<boolean> => {
      const before = loads.get(at.mailbox) ?? 0;
      const handle = await store.open(at);
      await handle.ready();
      handle.release();
      return (loads.get(at.mailbox) ?? 0) > before;
    };
    const isRead = [await use(first), await use(second), await use(first)];
    const message = await store.stage(once(), { bytesMax: 1_000 });
    await store.append(Array.from({ length: 450 }, () => ({ ...second, message })));
    expect([...isRead, await use(first)]).toEqual([true, true, false, true]);
    // Of each second message it is remembered when it went.
    const odd = Array.from({ length: 225 }, (_, i) => [2 * i + 1, 2 * i + 1] as const);
    await store.setFlags(second, odd, { mode: "add", flags: ["\\Deleted"] });
    await store.expunge(second);
    expect([await use(second), await use(second)]).toEqual([true, true]);
    await store.close();
  });
});
