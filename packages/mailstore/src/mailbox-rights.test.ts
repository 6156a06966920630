// Mailboxes shared between accounts: whose rights come to what, that they last, and messages that go from one account to
// another, in memory and on disk.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import {
  accountId,
  mailboxId,
  openLevelDriver,
  openMailStore,
  openMemoryDriver,
  Refusal,
  type AccountInfo,
  type FlagKind,
  type MailboxAt,
  type MailboxStatus,
  type MailStore,
  type StoreDriver,
} from "./index.ts";
import { changedRights, rightsFor, type RightsChange, type RightsEntry } from "./mailbox-rights.ts";
import { TransactionDraft } from "./transaction-draft.ts";

const BOB = "bob@example.org";
const CARL = "carl@example.org";

describe("rights", () => {
  it.each([
    [[], ""],
    [[{ identifier: BOB, rights: "lr" }], "lr"],
    [[{ identifier: CARL, rights: "lr" }], ""],
    // All that is given, in the order of RFC 4314 2.1.
    [
      [
        { identifier: BOB, rights: "ti" },
        { identifier: "anyone", rights: "lr" },
      ],
      "lrit",
    ],
    // What is taken away is not there, whoever gave it.
    [
      [
        { identifier: BOB, rights: "lrs" },
        { identifier: "anyone", rights: "lw" },
        { identifier: `-${BOB}`, rights: "w" },
        { identifier: "-anyone", rights: "s" },
        { identifier: `-${CARL}`, rights: "l" },
      ],
      "lr",
    ],
  ])("of %j are %j to Bob", (entries, rights) => expect(rightsFor(entries, BOB)).toBe(rights));

  it("are replaced, added and removed, and an entry without any is none", () => {
    let entries = [{ identifier: CARL, rights: "l" }] as ReturnType<typeof changedRights>;
    const change = (mode: RightsChange["mode"], rights: string): string => {
      entries = changedRights(entries, { identifier: BOB, mode, rights });
      return entries.map((entry) => `${entry.identifier[0]}:${entry.rights}`).join(" ");
    };
    expect(change("add", "rl")).toBe("c:l b:lr");
    expect(change("add", "rw")).toBe("c:l b:lrw");
    expect(change("remove", "rx")).toBe("c:l b:lw");
    expect(change("replace", "aaa")).toBe("c:l b:a");
    expect(change("remove", "a")).toBe("c:l");
    expect(change("remove", "a")).toBe("c:l");
  });
});

it("rights that change between two messages of a request are those before, by which it is decided again", () => {
  const draft = new TransactionDraft(accountId(1));
  const [before, after] = [Buffer.from("before"), Buffer.from("after")];
  for (const properties of [before, after]) draft.rely(mailboxId(1), properties);
  expect(draft.finish({ enforceQuota: true }).parts).toMatchObject([{ propertiesBefore: before }]);
});

it("a mailbox that is shared while others push its account out of memory is told to whom it is shared with", async () => {
  const driver = await openMemoryDriver();
  const limits = { idleAccountsMax: 1 };
  const store = openMailStore(driver, { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096, limits });
  const people: AccountInfo[] = [];
  for (const name of ["alice", "bob", "carl", "dora"]) {
    people.push(await store.createAccount({ address: `${name}@example.org`, password: "x" }));
  }
  const [alice, bob, ...others] = people as [AccountInfo, AccountInfo, ...AccountInfo[]];
  const [inbox] = await store.mailboxes(alice.id);
  const get = driver.directory.get.bind(driver.directory);
  driver.directory.get = async (key) => {
    if (key === `address/${BOB}`) {
      driver.directory.get = get;
      for (const { id } of others) {
        await store.quota(id);
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    return get(key);
  };
  const at = { account: alice.id, mailbox: inbox?.id ?? mailboxId(0) };
  await store.setRights(at, { identifier: BOB, mode: "replace", rights: "lr" });
  expect(await store.sharersWith(bob)).toEqual([alice]);
  await store.close();
});

it("who shares with whom is read again after it could not be read, and is kept for as many as may be idle", async () => {
  const driver = await openMemoryDriver();
  const store = openMailStore(driver, { scryptCost: { N: 16, r: 1, p: 1 }, limits: { idleAccountsMax: 1 } });
  const alice = await store.createAccount({ address: "alice@example.org", password: "x" });
  const bob = await store.createAccount({ address: BOB, password: "x" });
  const list = driver.directory.list.bind(driver.directory);
  let reads = 0;
  Object.assign(driver.directory, {
    list: (prefix: string) => {
      if (prefix === `shared/${BOB}/` && ++reads === 1) throw new Error("unreadable");
      return list(prefix);
    },
  });
  await expect(store.sharersWith(bob)).rejects.toThrow("unreadable");
  for (let i = 0; i < 2; i++) expect(await store.sharersWith(bob)).toEqual([]);
  expect(reads).toBe(2);
  await store.sharersWith(alice);
  await store.sharersWith(bob);
  expect(reads).toBe(3);
  await store.close();
});

describe.each(["memory", "disk"])("in %s", (where) => {
  let directory: string;
  let driver: StoreDriver;
  let store: MailStore;
  let alice: AccountInfo;
  let bob: AccountInfo;

  async function open(): Promise<void> {
    driver = where === "disk" ? await openLevelDriver({ directory }) : await openMemoryDriver();
    store = openMailStore(driver, { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 });
  }

  /** The same store, read anew from what is stored. */
  async function reopen(): Promise<void> {
    if (where === "disk") {
      await store.close();
      await open();
    } else store = openMailStore(driver, { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 });
  }

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), "pushmail-rights-"));
    await open();
    alice = await store.createAccount({ address: "alice@example.org", password: "x", aliases: ["al@example.org"] });
    bob = await store.createAccount({ address: BOB, password: "x" });
    await store.createAccount({ address: CARL, password: "x" });
    await store.createMailbox(alice.id, "Team");
  });

  afterEach(async () => {
    await store.close();
    await rm(directory, { recursive: true });
  });

  async function named(owner: AccountInfo, name: string): Promise<MailboxStatus> {
    const status = await store.mailbox(owner.id, name);
    if (status === undefined) throw new Error(`no mailbox ${name}`);
    return status;
  }

  async function at(owner: AccountInfo, name: string): Promise<MailboxAt> {
    return { account: owner.id, mailbox: (await named(owner, name)).id };
  }

  async function grant(name: string, identifier: string, rights: string): Promise<void> {
    await store.setRights(await at(alice, name), { identifier, mode: "replace", rights });
  }

  async function rightsOf(name: string): Promise<string> {
    const { rights } = await named(alice, name);
    return rights.map((entry) => `${entry.identifier} ${entry.rights}`).join(", ");
  }

  async function sharersWith(account: AccountInfo): Promise<readonly string[]> {
    return (await store.sharersWith(account)).map(({ address }) => address);
  }

  async function deliver(to: MailboxAt, flags: readonly string[]): Promise<void> {
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("Subject: shared\r\n\r\ntext\r\n");
    }
    const message = await store.stage(body(), { bytesMax: 1_000 });
    await store.append([{ ...to, message, flags }]);
  }

  /** The subject and the flags of each message. */
  async function messages(where: MailboxAt): Promise<readonly string[]> {
    const handle = await store.open(where);
    const index = await handle.ready();
    const lines: string[] = [];
    for await (const batch of handle.details([[1, 2 ** 32 - 1]])) {
      for (const { uid, summary, emailId } of batch) {
        const { names } = index.flagsAt(index.rowOf(uid));
        lines.push([uid, emailId, summary.envelope.subject, ...names].join(" "));
      }
    }
    handle.release();
    return lines;
  }

  it("rights last, go with a mailbox to another name, to what is made below it, and end with it", async () => {
    await grant("Team", BOB, "lr");
    await grant("Team", "anyone", "l");
    await grant("Team", `-${CARL}`, "l");
    const all = `${BOB} lr, anyone l, -${CARL} l`;
    await reopen();
    expect(await rightsOf("Team")).toBe(all);
    await store.renameMailbox(alice.id, "Team", "Group");
    await store.createMailbox(alice.id, "Group/a/b");
    await store.createMailbox(alice.id, "Alone");
    await reopen();
    for (const name of ["Group", "Group/a", "Group/a/b"]) expect(await rightsOf(name)).toBe(all);
    expect(await rightsOf("Alone")).toBe("");
    await grant("Group/a/b", "anyone", "");
    await store.deleteMailbox(alice.id, "Group");
    await store.createMailbox(alice.id, "Group");
    await reopen();
    expect([await rightsOf("Group"), await rightsOf("Group/a/b")]).toEqual(["", `${BOB} lr, -${CARL} l`]);
  });

  it("rights are told in the feed, once where they changed", async () => {
    const since = await store.cursor(alice.id);
    await grant("Team", BOB, "lr");
    await grant("Team", BOB, "rl");
    const page = await store.changes(alice.id, since, 10);
    const { mailbox } = await at(alice, "Team");
    expect(page.tooOld ? [] : page.records.map(({ changes }) => changes)).toEqual([
      [{ type: "RightsChanged", mailbox, identifier: BOB }],
    ]);
  });

  it("rights are of accounts, by their own addresses, and not of the owner", async () => {
    const to = await at(alice, "Team");
    const change = { mode: "add", rights: "l" } as const;
    for (const identifier of ["nobody@example.org", "bob", "-", "", "$group", "@example.org"]) {
      await expect(store.setRights(to, { ...change, identifier })).rejects.toMatchObject({ code: "accountNotFound" });
    }
    const ofBob = await at(bob, "INBOX");
    await expect(store.setRights(ofBob, { ...change, identifier: "al@example.org" })).rejects.toMatchObject({
      code: "accountNotFound",
    });
    for (const identifier of ["Alice@Example.org", "-alice@example.org"]) {
      await expect(store.setRights(to, { ...change, identifier })).rejects.toMatchObject({ code: "mailboxProtected" });
    }
    await expect(
      store.setRights({ ...to, mailbox: mailboxId(99) }, { ...change, identifier: BOB }),
    ).rejects.toMatchObject({ code: "mailboxNotFound" });
  });

  it("who shares with whom is known for as long as something is shared", async () => {
    expect(await sharersWith(bob)).toEqual([]);
    await grant("Team", "Bob@Example.org", "l");
    await grant("Archive", BOB, "l");
    await reopen();
    expect([await sharersWith(bob), await sharersWith(alice)]).toEqual([["alice@example.org"], []]);
    await grant("Team", BOB, "");
    expect(await sharersWith(bob)).toEqual(["alice@example.org"]);
    await store.deleteMailbox(alice.id, "Archive");
    expect(await sharersWith(bob)).toEqual([]);
    await grant("Team", "anyone", "l");
    expect([await sharersWith(bob), await sharersWith(alice)]).toEqual([["alice@example.org"], []]);
    const zoe = await store.createAccount({ address: "zoe@example.org", password: "x" });
    await store.setRights(await at(zoe, "INBOX"), { identifier: BOB, mode: "add", rights: "l" });
    expect(await sharersWith(bob)).toEqual(["zoe@example.org", "alice@example.org"]);
  });

  it("who shares with whom does not depend on how accounts are named", async () => {
    const odd = await store.createAccount({ address: "anyone/odd@example.org", password: "x" });
    await store.setRights(await at(alice, "Team"), { identifier: odd.address, mode: "add", rights: "l" });
    expect([await sharersWith(odd), await sharersWith(bob)]).toEqual([["alice@example.org"], []]);
  });

  it("who shares with whom is known after grants and their ends at once", async () => {
    const to = await at(alice, "Team");
    const turns = Array.from({ length: 40 }, (_, i) => (i % 2 === 0 ? "add" : "remove") as RightsChange["mode"]);
    await Promise.all(turns.map((mode) => store.setRights(to, { identifier: BOB, mode, rights: "l" })));
    await store.setRights(to, { identifier: BOB, mode: "add", rights: "r" });
    expect(await sharersWith(bob)).toEqual(["alice@example.org"]);
  });

  it("messages are copied to another account, and count there", async () => {
    const [from, to] = [await at(alice, "INBOX"), await at(bob, "Archive")];
    await deliver(from, ["\\Seen", "\\Deleted", "$Label"]);
    await deliver(from, ["\\Flagged"]);
    expect(await store.copy(from, [[1, 2]], to)).toMatchObject({ from: [1, 2], to: [1, 2] });
    expect(await store.copy(from, [[1, 1]], to, { byRights: () => ["deleted", "others"] })).toMatchObject({ to: [3] });
    expect(await store.copy(from, [[7, 9]], to)).toMatchObject({ from: [], to: [] });
    const copies = (mailbox: number): string[] => [
      `1 E${mailbox}-1 shared \\Deleted \\Seen $Label`,
      `2 E${mailbox}-2 shared \\Flagged`,
      `3 E${mailbox}-3 shared \\Seen`,
    ];
    expect(await messages(to)).toEqual(copies(to.mailbox));
    expect([(await store.quota(alice.id)).messages, (await store.quota(bob.id)).messages]).toEqual([2, 3]);
    // What one account no longer has, the other one keeps.
    await store.setFlags(from, [[1, 2]], { mode: "add", flags: ["\\Deleted"] });
    await store.expunge(from);
    await store.compact();
    await reopen();
    expect(await messages(to)).toEqual(copies(to.mailbox));
    await store.updateAccount(bob.id, { quotaMessagesMax: 3 });
    await deliver(from, []);
    await expect(store.copy(from, [[3, 3]], to)).rejects.toMatchObject({ code: "overQuota" });
    await expect(store.move(from, [[3, 3]], to)).rejects.toMatchObject({ code: "overQuota" });
    await expect(store.copy(from, [[3, 3]], { ...to, mailbox: mailboxId(99) })).rejects.toMatchObject({
      code: "mailboxNotFound",
    });
    expect((await named(alice, "INBOX")).messages).toBe(1);
  });

  it("messages move to another account, or are replaced there", async () => {
    const [from, to] = [await at(alice, "INBOX"), await at(bob, "Archive")];
    for (const flag of ["a", "b", "c"]) await deliver(from, [flag]);
    const cursor = await store.cursor(bob.id);
    expect(await store.move(from, [[1, 2]], to, { byRights: () => ["others"] })).toMatchObject({
      cursor: cursor + 1,
      from: [1, 2],
      to: [1, 2],
    });
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("Subject: new\r\n\r\n");
    }
    const message = await store.stage(body(), { bytesMax: 1_000 });
    expect(await store.replace(from, 3, { ...to, message, flags: ["d"] })).toMatchObject({ uid: 3 });
    await expect(store.replace(from, 3, { ...to, message })).rejects.toMatchObject({ code: "messageMissing" });
    await reopen();
    expect((await messages(to)).map((line) => line.replace(/ E\d+-\d+/, ""))).toEqual([
      "1 shared",
      "2 shared",
      "3 new d",
    ]);
    expect(await messages(from)).toEqual([]);
  });

  describe("rights that change when it is about to commit", () => {
    /** Runs `first` to its end at the next commit, behind what was decided for that. */
    function beforeNextCommit(first: () => Promise<unknown>): void {
      const commit = driver.commit.bind(driver);
      driver.commit = async (...args) => {
        driver.commit = commit;
        await first();
        return commit(...args);
      };
    }

    function byRights(entries: readonly RightsEntry[]): readonly FlagKind[] {
      const rights = rightsFor(entries, BOB);
      if (!rights.includes("i")) throw new Refusal("notPermitted", "not there");
      return rights.includes("w") ? [] : ["others"];
    }

    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("Subject: shared\r\n\r\n");
    }

    it.each(["append", "copy", "move", "replace", "copy within", "replace within"])("are those of %s", async (way) => {
      const to = await at(alice, "Team");
      const from = await at(way.endsWith("within") ? alice : bob, "INBOX");
      const flags = ["\\Seen", "a"];
      for (let i = 0; i < 2; i++) await deliver(from, flags);
      const message = await store.stage(body(), { bytesMax: 1_000 });
      function put(uid: number): Promise<unknown> {
        if (way.startsWith("copy")) return store.copy(from, [[uid, uid]], to, { byRights });
        if (way === "move") return store.move(from, [[uid, uid]], to, { byRights });
        const appending = { ...to, message, flags, byRights };
        return way === "append" ? store.append([appending]) : store.replace(from, uid, appending);
      }
      await grant("Team", BOB, "liw");
      beforeNextCommit(() => grant("Team", BOB, "li"));
      await put(1);
      expect((await messages(to)).map((line) => line.replace(/ E\d+-\d+/, ""))).toEqual(["1 shared \\Seen"]);
      beforeNextCommit(() => grant("Team", BOB, "l"));
      await expect(put(2)).rejects.toMatchObject({ code: "notPermitted" });
      expect((await named(alice, "Team")).messages).toBe(1);
      expect(await messages(from)).toContainEqual(expect.stringMatching(/^2 /));
    });

    it("are those of flags that are set", async () => {
      const team = await at(alice, "Team");
      await deliver(team, []);
      const set = (flags: readonly string[]): Promise<unknown> =>
        store.setFlags(team, [[1, 1]], { mode: "replace", flags }, { byRights });
      await grant("Team", BOB, "liw");
      beforeNextCommit(() => grant("Team", BOB, "li"));
      await set(["\\Seen", "a"]);
      expect(await messages(team)).toEqual([expect.stringMatching(/ shared \\Seen$/)]);
      beforeNextCommit(() => grant("Team", BOB, "l"));
      await expect(set([])).rejects.toMatchObject({ code: "notPermitted" });
      expect(await messages(team)).toEqual([expect.stringMatching(/ shared \\Seen$/)]);
    });

    it.each(["expunge", "move", "replace"])("are those of %s where messages go from", async (way) => {
      const from = await at(alice, "Team");
      const to = await at(alice, "INBOX");
      await deliver(from, ["\\Deleted"]);
      const before = await messages(from);
      await grant("Team", BOB, "liw");
      beforeNextCommit(() => grant("Team", BOB, "l"));
      const message = await store.stage(body(), { bytesMax: 1_000 });
      const refused = {
        expunge: () => store.expunge(from, [[1, 1]], { byRights }),
        move: () => store.move(from, [[1, 1]], to, { byRightsFrom: byRights }),
        replace: () => store.replace(from, 1, { ...to, message }, { byRightsFrom: byRights }),
      }[way]!();
      await expect(refused).rejects.toMatchObject({ code: "notPermitted" });
      expect([await messages(from), await messages(to)]).toEqual([before, []]);
    });

    it.each(["move", "replace"])("are those of %s to another account, at each of its commits", async (way) => {
      const from = await at(alice, "Team");
      const to = await at(bob, "INBOX");
      await deliver(from, []);
      const message = await store.stage(body(), { bytesMax: 1_000 });
      const go = (): Promise<unknown> =>
        way === "move"
          ? store.move(from, [[1, 1]], to, { byRightsFrom: byRights })
          : store.replace(from, 1, { ...to, message }, { byRightsFrom: byRights });
      await grant("Team", BOB, "l");
      await expect(go()).rejects.toMatchObject({ code: "notPermitted" });
      expect([(await messages(from)).length, (await messages(to)).length]).toEqual([1, 0]);
      await grant("Team", BOB, "liw");
      beforeNextCommit(() => grant("Team", BOB, "l"));
      await expect(go()).rejects.toMatchObject({ code: "notPermitted" });
      // What is there is no longer Bob's to remove.
      expect([(await messages(from)).length, (await messages(to)).length]).toEqual([1, 1]);
    });
  });

  it("flags that a replacement keeps stay as they are, in the log too", async () => {
    const inbox = await at(alice, "INBOX");
    await deliver(inbox, ["\\Seen", "\\Deleted", "\\Flagged", "a"]);
    const flags = async (): Promise<string> => (await messages(inbox))[0]?.split(" ").slice(3).join(" ") ?? "";
    await store.setFlags(inbox, [[1, 1]], { mode: "replace", flags: [], keeps: ["deleted", "others"] });
    expect(await flags()).toBe("\\Flagged \\Deleted a");
    await store.setFlags(inbox, [[1, 1]], { mode: "replace", flags: ["b"], keeps: ["seen", "deleted"] });
    await store.setFlags(inbox, [[1, 1]], { mode: "replace", flags: ["\\Seen"], keeps: ["others"] });
    expect(await flags()).toBe("\\Seen b");
    await reopen();
    expect(await flags()).toBe("\\Seen b");
    expect(await named(alice, "INBOX")).toMatchObject({ unseen: 0, deleted: 0 });
  });
});
