import { once } from "node:events";
import { Readable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type { ChangesPage } from "./change.ts";
import { follow } from "./follow.ts";
import type { AccountId, Cursor } from "./ids.ts";
import { openMemoryDriver } from "./level/index.ts";
import { openMailStore } from "./open-mail-store.ts";
import type { MailStore } from "./store.ts";

let store: MailStore;
let account: AccountId;
beforeEach(async () => {
  store = openMailStore(await openMemoryDriver(), { scryptCost: { N: 16, r: 1, p: 1 } });
  account = (await store.createAccount({ address: "ann@example.org", password: "x" })).id;
});
afterEach(() => store.close());

function change(name: string): Promise<Cursor> {
  return store.setSubscribed(account, name, true);
}

/** The store, with how many watch it. */
class Counted implements Pick<MailStore, "changes" | "watch"> {
  watching = 0;

  changes(...asked: Parameters<MailStore["changes"]>): Promise<ChangesPage> {
    return store.changes(...asked);
  }

  watch(...asked: Parameters<MailStore["watch"]>): () => void {
    const stop = store.watch(...asked);
    this.watching++;
    return () => {
      this.watching--;
      stop();
    };
  }
}

/** The names of the page that comes next. */
async function names(pages: AsyncIterator<ChangesPage>): Promise<string[]> {
  const { value, done } = await pages.next();
  if (done === true || value.tooOld) throw new Error("no page");
  return value.records.flatMap(({ changes }) => changes.flatMap((each) => ("name" in each ? each.name : [])));
}

describe("who follows an account", () => {
  it("is given what was there, what comes while it is busy in one page, and what it waits for", async () => {
    const since = await change("one");
    await change("two");
    const pages = follow(store, account, { since });
    expect(await names(pages)).toEqual(["two"]);
    await change("three");
    await change("four");
    expect(await names(pages)).toEqual(["three", "four"]);
    const next = names(pages);
    await change("five");
    expect(await next).toEqual(["five"]);
    await pages.return();
  });

  it("misses nothing that comes while it reads", async () => {
    const since = await change("one");
    const changes = store.changes.bind(store);
    let reads = 0;
    const busy = {
      watch: store.watch.bind(store),
      async changes(...asked: Parameters<MailStore["changes"]>) {
        const page = await changes(...asked);
        if (++reads === 1) await change("two");
        return page;
      },
    };
    const pages = follow(busy, account, { since });
    expect(await names(pages)).toEqual(["two"]);
    await pages.return();
  });

  it("is told that it is too late, and goes on behind that", async () => {
    const end = await change("one");
    const pages = follow(store, account, { since: end + 1 });
    expect(await pages.next()).toEqual({ done: false, value: { tooOld: true, through: end } });
    const next = names(pages);
    await change("two");
    expect(await next).toEqual(["two"]);
    await pages.return();
  });

  it("ends with its signal, while it waits and before it begins, and is woken no more", async () => {
    const end = new AbortController();
    const since = await store.cursor(account);
    const counted = new Counted();
    const next = follow(counted, account, { since, signal: end.signal }).next();
    expect(counted.watching).toBe(1);
    end.abort();
    expect((await next).done).toBe(true);
    expect((await follow(counted, account, { since: 0, signal: end.signal }).next()).done).toBe(true);
    expect(counted.watching).toBe(0);
  });

  it.each<[string, (pages: AsyncGenerator<ChangesPage>) => Promise<unknown>]>([
    ["leaves", (pages) => pages.return(undefined)],
    ["throws", (pages) => expect(pages.throw(new Error("gone"))).rejects.toThrow("gone")],
    ["ends a stream of it", (pages) => once(Readable.from(pages).destroy(), "close")],
  ])("is let go of where whoever waits %s", async (_, leave) => {
    const counted = new Counted();
    const pages = follow(counted, account, { since: await store.cursor(account) });
    const next = pages.next();
    await leave(pages);
    expect((await next).done).toBe(true);
    expect(counted.watching).toBe(0);
  });

  it("learns that the store is closed", async () => {
    const waiting = follow(store, account, { since: await store.cursor(account) }).next();
    // Its first read has come to nothing.
    await store.changes(account, await store.cursor(account), 1);
    await Promise.all([store.close(), expect(waiting).rejects.toThrow("the store is closed")]);
  });

  it("refuses what is no cursor", async () => {
    await expect(follow(store, account, { since: Number.NaN }).next()).rejects.toThrow("cursor out of range: NaN");
  });
});
