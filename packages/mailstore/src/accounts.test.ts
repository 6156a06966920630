// Accounts where requests cross each other, on one store and on two over one driver.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { accountId, openMailStore, openMemoryDriver, type MailStore, type StoreDriver } from "./index.ts";

const CHEAP = { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 };

let driver: StoreDriver;
let store: MailStore;

beforeEach(async () => {
  driver = await openMemoryDriver();
  store = openMailStore(driver, CHEAP);
});

afterEach(() => store.close());

describe("an account", () => {
  it("keeps its address where that is an alias too", async () => {
    const address = "alice@example.org";
    const { id, aliases } = await store.createAccount({ address, password: "x", aliases: [address, "a@example.org"] });
    expect(aliases).toEqual(["a@example.org"]);
    expect(await store.updateAccount(id, { aliases: [address] })).toMatchObject({ aliases: [] });
    await store.updateAccount(id, { aliases: [] });
    expect(await store.findAccount(address)).toMatchObject({ id });
  });

  it("keeps its quota where mail comes while it is being created", async () => {
    const commit = driver.commit.bind(driver);
    const early: Promise<unknown>[] = [];
    const head = driver.head.bind(driver);
    driver.head = async (account) => {
      const found = await head(account);
      // Found missing just before the creation commits.
      if (found === undefined) released();
      return found;
    };
    let released = (): void => undefined;
    const missed = new Promise<void>((resolve) => {
      released = resolve;
    });
    driver.commit = async (...args) => {
      driver.commit = commit;
      early.push(store.resolve("alice@example.org"));
      await missed;
      return commit(...args);
    };
    const { id } = await store.createAccount({ address: "alice@example.org", password: "x", quotaMessagesMax: 7 });
    await Promise.all(early);
    expect(await store.quota(id)).toMatchObject({ messagesMax: 7 });
    expect(await store.mailboxes(id)).toHaveLength(6);
  });

  it("gets its first mailboxes later where they could not be written when it was created", async () => {
    const commit = driver.commit.bind(driver);
    let left = 1;
    driver.commit = async (...args) => {
      if (left-- === 0) throw new Error("the disk is gone");
      return commit(...args);
    };
    const address = "alice@example.org";
    await expect(store.createAccount({ address, password: "x", quotaMessagesMax: 7 })).rejects.toThrow("disk");
    driver.commit = commit;
    const { account, mailbox } = (await store.resolve(address)) ?? {};
    expect(await store.mailbox(account?.id ?? accountId(0), "INBOX")).toMatchObject({ id: mailbox });
    expect(await store.mailboxes(account?.id ?? accountId(0))).toHaveLength(6);
    expect(await store.quota(account?.id ?? accountId(0))).toMatchObject({ messagesMax: 7 });
  });

  it("is found by its address as it is told, however letters change with their case", async () => {
    const { id, address } = await store.createAccount({ address: "J\u030cana@example.org", password: "x" });
    expect(await store.findOwner(address)).toMatchObject({ id });
    expect(await store.findOwner("\u01f0ana@example.org")).toMatchObject({ id });
  });

  it("is created where another store over the same driver has taken the next id", async () => {
    const other = openMailStore(driver, CHEAP);
    const ids = [];
    for (const [i, own] of [store, other, store, other, other, store].entries()) {
      ids.push((await own.createAccount({ address: `a${i}@example.org`, password: "x" })).id);
    }
    expect(ids).toEqual([1, 2, 3, 4, 5, 6]);
    await expect(store.createAccount({ address: "a4@example.org", password: "x" })).rejects.toMatchObject({
      code: "accountExists",
    });
  });
});
