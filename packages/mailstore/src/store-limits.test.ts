// Bounds of the store's upper side that clients meet: the last that fits is taken, the next is refused and changes nothing.
import { afterEach, describe, expect, it } from "@jest/globals";
import {
  openMailStore,
  openMemoryDriver,
  type AccountInfo,
  type MailboxAt,
  type MailStore,
  type StoreDriver,
} from "./index.ts";
import type { StoreLimits } from "./limits.ts";

let driver: StoreDriver;
let store: MailStore;
let alice: AccountInfo;

async function open(limits: Partial<StoreLimits>): Promise<void> {
  driver = await openMemoryDriver();
  store = openMailStore(driver, { scryptCost: { N: 16, r: 1, p: 1 }, limits });
  alice = await store.createAccount({ address: "alice@example.org", password: "secret" });
}

afterEach(() => store.close());

async function names(): Promise<readonly string[]> {
  return (await store.mailboxes(alice.id)).map(({ name }) => name).sort();
}

async function refused(work: Promise<unknown>, code: string): Promise<void> {
  await expect(work).rejects.toMatchObject({ name: "Refusal", code });
}

describe("mailboxes", () => {
  it("are at most mailboxesMax, whatever makes them", async () => {
    // Six are there from the beginning.
    await open({ mailboxesMax: 9 });
    await store.createMailbox(alice.id, "a/b");
    await refused(store.createMailbox(alice.id, "x/y"), "tooManyMailboxes");
    await refused(store.renameMailbox(alice.id, "Junk", "p/q/r"), "tooManyMailboxes");
    await store.createMailbox(alice.id, "a/c");
    const full = await names();
    await refused(store.createMailbox(alice.id, "d"), "tooManyMailboxes");
    await refused(store.renameMailbox(alice.id, "INBOX", "old"), "tooManyMailboxes");
    expect(await names()).toEqual(full);
    await store.deleteMailbox(alice.id, "a/c");
    await store.createMailbox(alice.id, "d");
  });

  it("have names of at most mailboxNameBytesMax octets and mailboxLevelsMax levels, whatever makes them", async () => {
    await open({ mailboxNameBytesMax: 10, mailboxLevelsMax: 3 });
    const before = await names();
    for (const name of ["x".repeat(11), "\u00e9".repeat(6), "a/b/c/d"]) {
      await refused(store.createMailbox(alice.id, name), "mailboxNameInvalid");
      await refused(store.renameMailbox(alice.id, "Archive", name), "mailboxNameInvalid");
      await refused(store.setSubscribed(alice.id, name, true), "mailboxNameInvalid");
    }
    expect(await names()).toEqual(before);
    for (const name of ["x".repeat(10), "\u00e9".repeat(5), "a/b/c"]) await store.createMailbox(alice.id, name);
    // What lies below a mailbox gets longer with it.
    await refused(store.renameMailbox(alice.id, "a", "1234567"), "mailboxNameInvalid");
    await refused(store.renameMailbox(alice.id, "a", "p/q"), "mailboxNameInvalid");
    expect(await names()).toContain("a/b/c");
  });

  it("are subscribed by at most subscriptionsMax names, there or not", async () => {
    await open({ subscriptionsMax: 7 });
    await store.setSubscribed(alice.id, "not/there", true);
    await refused(store.setSubscribed(alice.id, "nor/this", true), "tooManyMailboxes");
    await store.setSubscribed(alice.id, "Junk", false);
    await store.setSubscribed(alice.id, "nor/this", true);
    expect(await store.subscriptions(alice.id)).toHaveLength(7);
  });

  it("are subscribed by names of at most subscriptionsBytesMax together", async () => {
    await open({ subscriptionsBytesMax: 1_500 });
    const name = (i: number): string => `${i}${"x".repeat(900)}`;
    await store.setSubscribed(alice.id, name(1), true);
    await refused(store.setSubscribed(alice.id, name(2), true), "tooManyMailboxes");
    await store.setSubscribed(alice.id, name(1), false);
    await store.setSubscribed(alice.id, name(2), true);
    expect(await store.subscriptions(alice.id)).toContain(name(2));
  });
});

describe("rights", () => {
  it("of one mailbox are of at most rightsEntriesMax accounts", async () => {
    await open({ rightsEntriesMax: 2 });
    const others = ["b@example.org", "c@example.org", "d@example.org"];
    for (const address of others) await store.createAccount({ address, password: "x" });
    const inbox = await store.mailbox(alice.id, "INBOX");
    if (inbox === undefined) throw new Error("no INBOX");
    const set = (identifier: string, rights: string): Promise<unknown> =>
      store.setRights({ account: alice.id, mailbox: inbox.id }, { identifier, mode: "replace", rights });
    await set("b@example.org", "l");
    await set("-c@example.org", "l");
    await refused(set("d@example.org", "l"), "tooManyRights");
    await set("b@example.org", "");
    await set("d@example.org", "l");
    const rights = (await store.mailbox(alice.id, "INBOX"))?.rights;
    expect(rights?.map(({ identifier }) => identifier)).toEqual(["-c@example.org", "d@example.org"]);
    // Where there are more since the limit was lowered, they may become fewer.
    store = openMailStore(driver, { limits: { rightsEntriesMax: 0 } });
    await set("d@example.org", "");
    await refused(set("d@example.org", "l"), "tooManyRights");
  });
});

describe("accounts", () => {
  it("have at most aliasesMax aliases", async () => {
    await open({ aliasesMax: 2 });
    const aliases = ["a@example.org", "b@example.org", "c@example.org"];
    await refused(store.updateAccount(alice.id, { aliases }), "addressInvalid");
    await refused(store.createAccount({ address: "bob@example.org", password: "x", aliases }), "addressInvalid");
    expect(await store.findAccount("a@example.org")).toBeUndefined();
    await store.updateAccount(alice.id, { aliases: aliases.slice(1) });
    expect((await store.findAccount("c@example.org"))?.id).toBe(alice.id);
  });
});

it("nobody has what 0 is set for", async () => {
  await open({
    metadataEntriesMax: 0,
    rightsEntriesMax: 0,
    aliasesMax: 0,
    appPasswordsMax: 0,
    verifiedPasswordsMax: 0,
  });
  const inbox = { account: alice.id, mailbox: (await store.mailbox(alice.id, "INBOX"))!.id };
  await store.createAccount({ address: "bob@example.org", password: "secret" });
  const note = { name: "/private/comment", value: Buffer.from("mine") };
  await refused(store.setMetadata(alice.id, inbox.mailbox, [note]), "tooManyEntries");
  const given = { identifier: "bob@example.org", mode: "replace", rights: "l" } as const;
  await refused(store.setRights(inbox, given), "tooManyRights");
  await refused(store.updateAccount(alice.id, { aliases: ["a@example.org"] }), "addressInvalid");
  await refused(store.addAppPassword(alice.id, "phone"), "appPasswordInvalid");
  for (let i = 0; i < 2; i++) expect((await store.authenticate("alice@example.org", "secret")).id).toBe(alice.id);
  await refused(store.authenticate("alice@example.org", "other"), "authenticationFailed");
});

describe("what comes behind a snapshot", () => {
  let inbox: MailboxAt;
  async function openInbox(limits: Partial<StoreLimits>): Promise<void> {
    await open(limits);
    inbox = { account: alice.id, mailbox: (await store.mailbox(alice.id, "INBOX"))!.id };
  }

  // The subject is in the summary that a record carries.
  const text = Buffer.from(`Subject: ${"x".repeat(900)}\r\n\r\n`);
  async function* once(): AsyncGenerator<Uint8Array> {
    yield text;
  }
  async function appendOne(): Promise<void> {
    const message = await store.stage(once(), { bytesMax: 10_000 });
    await store.append([{ ...inbox, message }]);
  }

  it("is in the next one as soon as it is more than tailBytesMax", async () => {
    await openInbox({ tailRecordsMax: 1e9, tailBytesMax: 2_000 });
    let appended = 0;
    const taken = new Promise<number>((resolve) => {
      const saveSnapshot = driver.saveSnapshot.bind(driver);
      driver.saveSnapshot = (snapshot) => {
        resolve(appended);
        return saveSnapshot(snapshot);
      };
    });
    for (; appended < 3; appended++) await appendOne();
    expect(await taken).toBeGreaterThanOrEqual(1);
  });

  it("is waited for once more than tailBytesStallMax came while it was written", async () => {
    await openInbox({ tailRecordsMax: 1, tailBytesStallMax: 4_000 });
    const handle = await store.open(inbox);
    await handle.ready();
    const saveSnapshot = driver.saveSnapshot.bind(driver);
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    driver.saveSnapshot = async (snapshot) => {
      await held;
      return saveSnapshot(snapshot);
    };
    let appended = 0;
    const all = (async () => {
      for (; appended < 10; appended++) await appendOne();
    })();
    // Others are not kept waiting.
    const other = { account: alice.id, mailbox: (await store.mailbox(alice.id, "Archive"))!.id };
    for (let i = 0; i < 30; i++) {
      await store.append([{ ...other, message: await store.stage(once(), { bytesMax: 10_000 }) }]);
    }
    expect(appended).toBeGreaterThan(1);
    expect(appended).toBeLessThan(10);
    goOn();
    await all;
    expect((await store.mailboxAt(inbox))?.messages).toBe(10);
    handle.release();
  });

  it("is in another, where one could not be written, only once as much again has come", async () => {
    await openInbox({ tailRecordsMax: 3 });
    const handle = await store.open(inbox);
    await handle.ready();
    let tries = 0;
    const triedAt: number[] = [];
    // That it was made is one too.
    let records = 1;
    const saveSnapshot = driver.saveSnapshot.bind(driver);
    driver.saveSnapshot = (snapshot) => {
      triedAt.push(records);
      // Not for ever: whoever tried again at once would do so without end.
      return ++tries > 20 ? saveSnapshot(snapshot) : Promise.reject(new Error("the disk is full"));
    };
    while (records < 12) {
      records++;
      await appendOne();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(triedAt).toEqual([4, 8]);
    handle.release();
  });

  it("is in one that follows by itself where it fell due while one was written", async () => {
    await openInbox({ tailRecordsMax: 3 });
    const saveSnapshot = driver.saveSnapshot.bind(driver);
    let [begun, goOn, followed]: (() => void)[] = [];
    const [first, held, second] = [
      new Promise<void>((resolve) => (begun = resolve)),
      new Promise<void>((resolve) => (goOn = resolve)),
      new Promise<void>((resolve) => (followed = resolve)),
    ];
    let saved = 0;
    driver.saveSnapshot = async (snapshot) => {
      if (++saved === 2) followed!();
      begun!();
      await held;
      return saveSnapshot(snapshot);
    };
    for (let i = 0; i < 4; i++) await appendOne();
    await first;
    for (let i = 0; i < 4; i++) await appendOne();
    goOn!();
    await second;
  });
});
