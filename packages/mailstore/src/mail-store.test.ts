// The store's semantics, on the memory driver: named cases, then random operations against a naive model.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import * as fc from "fast-check";
import {
  cursor,
  mailboxId,
  openMailStore,
  openMemoryDriver,
  uidSetOf,
  type AccountInfo,
  type ChangeRecord,
  type Cursor,
  type MailboxHandle,
  type MailboxId,
  type MailboxStatus,
  type MailStore,
  type MailStoreOptions,
  type StagedMessage,
  type StoreDriver,
} from "./index.ts";
import { untilTrimmed } from "./test-support/until-trimmed.ts";

const CHEAP: MailStoreOptions = { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 };

let driver: StoreDriver;
let store: MailStore;
let alice: AccountInfo;
let inbox: MailboxStatus;

beforeEach(async () => {
  driver = await openMemoryDriver();
  store = openMailStore(driver, CHEAP);
  alice = await store.createAccount({ address: "alice@example.org", password: "secret" });
  inbox = await named("INBOX");
});

afterEach(() => store.close());

async function named(name: string, of: MailStore = store): Promise<MailboxStatus> {
  const status = await of.mailbox(alice.id, name);
  if (status === undefined) throw new Error(`no mailbox ${name}`);
  return status;
}

function at(mailbox: MailboxStatus | MailboxId): { account: AccountInfo["id"]; mailbox: MailboxId } {
  return { account: alice.id, mailbox: typeof mailbox === "object" ? mailbox.id : mailbox };
}

async function* pieces(text: string): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < text.length; i += 7) yield Buffer.from(text.slice(i, i + 7), "latin1");
}

function mail(text: string): Promise<StagedMessage> {
  return store.stage(pieces(`Subject: ${text}\r\n\r\nbody of ${text}\r\n`), { bytesMax: 10_000 });
}

async function deliver(text: string, flags: readonly string[] = [], to: MailboxId = inbox.id): Promise<number> {
  const message = await mail(text);
  const [done] = await store.append([{ account: alice.id, mailbox: to, message, flags }]);
  return done?.uid ?? 0;
}

async function bodyOf(
  blob: Parameters<MailStore["body"]>[0],
  range?: { start?: number; end?: number },
): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const piece of store.body(blob, range)) parts.push(piece);
  return Buffer.concat(parts).toString("latin1");
}

/** Everything that is visible of a mailbox, one line a message. */
async function contents(mailbox: MailboxId, of: MailStore = store): Promise<string[]> {
  const handle = await of.open(at(mailbox));
  const index = await handle.ready();
  const lines: string[] = [];
  for await (const batch of handle.details([[1, 2 ** 32 - 1]])) {
    for (const { uid, summary } of batch) {
      const flags = index.flagsAt(index.rowOf(uid)).names.map((name) => name.toLowerCase());
      lines.push([uid, summary.envelope.subject, ...flags.toSorted()].join(" "));
    }
  }
  expect(lines).toHaveLength(index.count);
  expect(handle.status?.messages).toBe(index.count);
  handle.release();
  return lines;
}

async function allChanges(since: Cursor): Promise<readonly ChangeRecord[]> {
  const page = await store.changes(alice.id, since, 1000);
  if (page.tooOld) throw new Error("too old");
  expect(page.more).toBe(false);
  return page.records;
}

describe("accounts", () => {
  it("are made with their first mailboxes, found by address, and hold their password", async () => {
    const names = (await store.mailboxes(alice.id)).map(({ name, specialUse }) => [name, specialUse]);
    expect(names).toEqual([
      ["INBOX", null],
      ["Archive", "Archive"],
      ["Drafts", "Drafts"],
      ["Junk", "Junk"],
      ["Sent", "Sent"],
      ["Trash", "Trash"],
    ]);
    expect(await store.subscriptions(alice.id)).toEqual(names.map(([name]) => name));
    expect(await store.findAccount("Alice@Example.ORG")).toEqual(alice);
    expect(await store.authenticate("alice@example.org", "secret")).toEqual(alice);
    expect(await store.authenticate("alice@example.org", "secret")).toEqual(alice);
    for (const [address, password] of [
      ["alice@example.org", "wrong"],
      ["bob@example.org", "secret"],
      ["", ""],
    ] as const) {
      await expect(store.authenticate(address, password)).rejects.toMatchObject({ code: "authenticationFailed" });
    }
    await store.updateAccount(alice.id, { password: "other" });
    await expect(store.authenticate("alice@example.org", "secret")).rejects.toMatchObject({
      code: "authenticationFailed",
    });
    expect(await store.authenticate("alice@example.org", "other")).toEqual(alice);
  });

  it("have quotas and dates that are numbers which can be kept", async () => {
    const bob = { address: "bob@example.org", password: "b" };
    for (const wrong of [-1, 1.5, Number.NaN, Infinity, 2 ** 53]) {
      for (const quota of [{ quotaBytesMax: wrong }, { quotaMessagesMax: wrong }]) {
        await expect(store.createAccount({ ...bob, ...quota })).rejects.toThrow(RangeError);
        await expect(store.updateAccount(alice.id, { ...quota, aliases: ["al@example.org"] })).rejects.toThrow(
          RangeError,
        );
      }
    }
    for (const address of [bob.address, "al@example.org"]) expect(await store.findAccount(address)).toBeUndefined();
    expect(await store.quota(alice.id)).toMatchObject({ bytesMax: 0, messagesMax: 0 });
    const message = await mail("when");
    for (const internalDateMs of [Number.NaN, Infinity, -Infinity]) {
      await expect(store.append([{ ...at(inbox), message, internalDateMs }])).rejects.toThrow(RangeError);
    }
    expect(await named("INBOX")).toMatchObject({ messages: 0 });
  });

  it("take each address once, and none that cannot be one", async () => {
    await store.createAccount({
      address: "bob@example.org",
      password: "b",
      aliases: ["info@example.org", "@example.net"],
    });
    for (const address of ["ALICE@example.org", "info@example.org"]) {
      await expect(store.createAccount({ address, password: "x" })).rejects.toMatchObject({ code: "accountExists" });
    }
    for (const address of ["", "nobody", "@example.org", "a b@example.org", "a@b@c", `${"x".repeat(65)}@example.org`]) {
      await expect(store.createAccount({ address, password: "x" })).rejects.toMatchObject({ code: "addressInvalid" });
    }
    const all: string[] = [];
    for await (const { address } of store.accounts()) all.push(address);
    expect(all).toEqual(["alice@example.org", "bob@example.org"]);
  });

  it("receive by address, alias, plus detail and catch-all", async () => {
    const bob = await store.createAccount({
      address: "bob@example.org",
      password: "b",
      aliases: ["info@example.org", "@example.net"],
    });
    const to = async (address: string): Promise<unknown> => {
      const found = await store.resolve(address);
      return found === undefined ? undefined : [found.account.id, found.detail];
    };
    expect(await to("Bob@example.org")).toEqual([bob.id, null]);
    expect(await to("bob+lists+x@example.org")).toEqual([bob.id, "lists+x"]);
    expect(await to("info+a@example.org")).toEqual([bob.id, "a"]);
    expect(await to("anybody@example.net")).toEqual([bob.id, null]);
    expect(await to("nobody@example.org")).toBeUndefined();
    expect(await to("+x@example.org")).toBeUndefined();
    await store.updateAccount(bob.id, { aliases: ["sales@example.org"] });
    expect(await to("info@example.org")).toBeUndefined();
    expect(await to("sales@example.org")).toEqual([bob.id, null]);
  });

  it("whose creation was cut short get their mailboxes when first used", async () => {
    const stored = { address: "cut@example.org", aliases: [], secret: "scrypt$16$1$1$AA==$AA==" };
    await driver.directory.put([
      { key: "account/0000000009", value: Buffer.from(JSON.stringify(stored)) },
      { key: "address/cut@example.org", value: Buffer.from("9") },
    ]);
    const found = await store.resolve("cut@example.org");
    expect((await store.mailboxes(found?.account.id ?? alice.id)).map(({ name }) => name)).toContain("INBOX");
    expect((await store.mailboxes(found?.account.id ?? alice.id))[0]?.id).toBe(found?.mailbox);
  });
});

describe("mailboxes", () => {
  it("are created with their superiors, keep their id when renamed with their inferiors, and never reuse one", async () => {
    const created = await store.createMailbox(alice.id, "a/b/c");
    expect(created.name).toBe("a/b/c");
    const b = await named("a/b");
    await deliver("kept", [], created.id);
    await store.renameMailbox(alice.id, "a/b", "x/y");
    expect((await named("x/y")).id).toBe(b.id);
    expect((await named("x/y/c")).id).toBe(created.id);
    expect(await contents(created.id)).toEqual(["1 kept"]);
    expect(await store.mailbox(alice.id, "a/b/c")).toBeUndefined();
    await store.deleteMailbox(alice.id, "x/y/c");
    const again = await store.createMailbox(alice.id, "x/y/c");
    expect(again.id).toBeGreaterThan(created.id);
    expect(again.uidValidity).toBeGreaterThan(created.uidValidity);
    expect(again.messages).toBe(0);
  });

  it("are renamed to where one above them was, with an inferior that takes their own place", async () => {
    const inner = await store.createMailbox(alice.id, "a/b/b");
    const outer = await named("a/b");
    await store.deleteMailbox(alice.id, "a");
    await store.renameMailbox(alice.id, "a/b", "a");
    expect([(await named("a")).id, (await named("a/b")).id]).toEqual([outer.id, inner.id]);
    expect(await store.mailbox(alice.id, "a/b/b")).toBeUndefined();
    expect(await Promise.all(["a", "a/b"].map((name) => store.hasInferiors(alice.id, name)))).toEqual([true, false]);
  });

  it("are refused where the name, the number or the kind does not do", async () => {
    const refused = async (work: Promise<unknown>, code: string): Promise<void> => {
      await expect(work).rejects.toMatchObject({ name: "Refusal", code });
    };
    await store.createMailbox(alice.id, "one");
    await refused(store.createMailbox(alice.id, "one"), "mailboxExists");
    await refused(store.createMailbox(alice.id, "inbox"), "mailboxExists");
    for (const name of ["", "/a", "a//b", "a/", "a\nb", "a\ud800", "x".repeat(2000)]) {
      await refused(store.createMailbox(alice.id, name), "mailboxNameInvalid");
    }
    await refused(store.deleteMailbox(alice.id, "Inbox"), "mailboxProtected");
    await refused(store.deleteMailbox(alice.id, "nowhere"), "mailboxNotFound");
    await refused(store.renameMailbox(alice.id, "nowhere", "x"), "mailboxNotFound");
    await refused(store.renameMailbox(alice.id, "one", "Sent"), "mailboxExists");
    await refused(store.renameMailbox(alice.id, "one", "one/two"), "mailboxNameInvalid");
    await refused(store.open(at(99 as MailboxId)), "mailboxNotFound");
  });

  it("rename INBOX by moving its mail out of it", async () => {
    await deliver("first", ["\\Seen"]);
    await deliver("second");
    await store.renameMailbox(alice.id, "INBOX", "old/mail");
    const target = await named("old/mail");
    expect(await contents(inbox.id)).toEqual([]);
    expect(await contents(target.id)).toEqual(["1 first \\seen", "2 second"]);
    expect(await deliver("third")).toBe(3);
  });

  it("keep subscriptions by name, whether or not the mailbox is there", async () => {
    await store.createMailbox(alice.id, "list");
    await store.setSubscribed(alice.id, "list", true);
    expect((await named("list")).subscribed).toBe(true);
    await store.deleteMailbox(alice.id, "list");
    expect(await store.subscriptions(alice.id)).toContain("list");
    await store.setSubscribed(alice.id, "list", false);
    expect(await store.subscriptions(alice.id)).not.toContain("list");
  });
});

describe("messages", () => {
  it("are stored once for many recipients, and read whole or in part", async () => {
    const bob = await store.createAccount({ address: "bob@example.org", password: "b" });
    const bobInbox = await store.mailbox(bob.id, "INBOX");
    const message = await mail("hello");
    const done = await store.append([
      { account: alice.id, mailbox: inbox.id, message },
      { account: bob.id, mailbox: bobInbox?.id ?? inbox.id, message, flags: ["$Work"] },
      { account: alice.id, mailbox: (await named("Archive")).id, message },
    ]);
    expect(done.map(({ uid }) => uid)).toEqual([1, 1, 1]);
    expect(done[0]?.cursor).toBe(done[2]?.cursor);
    const handle = await store.open(at(inbox));
    const blobs: unknown[] = [];
    for await (const [row] of handle.metadata([[1, 1]])) {
      if (row === undefined) continue;
      expect(row.emailId).toBe(`E${inbox.id}-1`);
      expect(await bodyOf(row.blob)).toBe("Subject: hello\r\n\r\nbody of hello\r\n");
      expect(await bodyOf(row.blob, { start: 9, end: 14 })).toBe("hello");
      blobs.push(row.blob);
    }
    const other = await store.open({ account: bob.id, mailbox: bobInbox?.id ?? inbox.id });
    for await (const [row] of other.metadata([[1, 1]])) expect(row?.blob).toBe(blobs[0]);
    handle.release();
    other.release();
  });

  it("too large are refused while they come in", async () => {
    let given = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (; given < 1000; given++) yield Buffer.alloc(100);
    }
    await expect(store.stage(endless(), { bytesMax: 1000 })).rejects.toMatchObject({ code: "messageTooLarge" });
    expect(given).toBeLessThan(20);
  });

  it("beyond the quota are refused, all of them", async () => {
    await store.updateAccount(alice.id, { quotaMessagesMax: 2 });
    await deliver("one");
    const message = await mail("two");
    const request = { account: alice.id, mailbox: inbox.id, message };
    await expect(store.append([request, request])).rejects.toMatchObject({ code: "overQuota" });
    expect(await contents(inbox.id)).toEqual(["1 one"]);
    await store.append([request]);
    await store.updateAccount(alice.id, { quotaMessagesMax: 0, quotaBytesMax: 80 });
    await expect(deliver("three")).rejects.toMatchObject({ code: "overQuota" });
    expect(await store.quota(alice.id)).toMatchObject({ messages: 2, messagesMax: 0, bytesMax: 80 });
  });

  it("change flags at one cursor, only where something changes, and not behind UNCHANGEDSINCE", async () => {
    for (const text of ["a", "b", "c"]) await deliver(text);
    const first = await store.setFlags(at(inbox), [[1, 2]], { mode: "add", flags: ["\\Seen", "$Work"] });
    expect(first).toMatchObject({ changed: [[1, 2]], modified: [], missing: [] });
    const second = await store.setFlags(
      at(inbox),
      [[1, 9]],
      { mode: "add", flags: ["\\seen"] },
      { unchangedSince: cursor(first.cursor - 1) },
    );
    expect(second).toMatchObject({ changed: [[3, 3]], modified: [[1, 2]], missing: [[4, 9]] });
    const nothing = await store.setFlags(at(inbox), [[3, 3]], { mode: "add", flags: ["\\Seen"] });
    expect(nothing).toMatchObject({ cursor: second.cursor, changed: [] });
    await store.setFlags(at(inbox), [[1, 1]], { mode: "replace", flags: [] });
    await store.setFlags(at(inbox), [[2, 2]], { mode: "remove", flags: ["$WORK"] });
    expect(await contents(inbox.id)).toEqual(["1 a", "2 b \\seen", "3 c \\seen"]);
    expect((await named("INBOX")).unseen).toBe(1);
  });

  it("take one small record to flag them all, however many", async () => {
    const message = await mail("many");
    const request = { account: alice.id, mailbox: inbox.id, message };
    await store.append(Array.from({ length: 5000 }, () => request));
    const { cursor: flagged, changed } = await store.setFlags(at(inbox), [[1, 5000]], {
      mode: "add",
      flags: ["\\Seen"],
    });
    expect(changed).toEqual([[1, 5000]]);
    const { records } = await driver.log(alice.id, cursor(flagged - 1), { limit: 1 });
    expect(records[0]?.parts.map((part) => part.record.length)).toEqual([expect.any(Number)]);
    expect(records[0]?.parts[0]?.record.length).toBeLessThan(50);
    expect((await named("INBOX")).unseen).toBe(0);
  });

  it("are replaced in one transaction, in their mailbox or into another", async () => {
    for (const text of ["a", "b", "c"]) await deliver(text, ["\\Seen"]);
    const archive = await named("Archive");
    const { cursor: before } = await store.replace(at(inbox), 2, {
      account: alice.id,
      mailbox: inbox.id,
      message: await mail("newer"),
      flags: ["\\Draft"],
    });
    expect(await contents(inbox.id)).toEqual(["1 a \\seen", "3 c \\seen", "4 newer \\draft"]);
    const {
      uid,
      uidValidity,
      cursor: after,
    } = await store.replace(at(inbox), 1, {
      account: alice.id,
      mailbox: archive.id,
      message: await mail("moved"),
    });
    expect([uid, uidValidity]).toEqual([1, archive.uidValidity]);
    expect(await contents(inbox.id)).toEqual(["3 c \\seen", "4 newer \\draft"]);
    expect(await contents(archive.id)).toEqual(["1 moved"]);
    const [record, ...others] = await allChanges(before);
    expect(others).toEqual([]);
    expect(record).toMatchObject({
      cursor: after,
      changes: [
        { type: "MessageAppended", mailbox: archive.id, uids: [[1, 1]] },
        { type: "MessageExpunged", mailbox: inbox.id, uids: [[1, 1]] },
      ],
    });
    // What is not there is replaced by nothing.
    const lost = { account: alice.id, mailbox: archive.id, message: await mail("lost") };
    await expect(store.replace(at(inbox), 1, lost)).rejects.toMatchObject({ code: "messageMissing" });
    await expect(store.replace(at(inbox), 3, { ...lost, mailbox: mailboxId(99) })).rejects.toMatchObject({
      code: "mailboxNotFound",
    });
    expect(await contents(archive.id)).toEqual(["1 moved"]);
    expect(await allChanges(after)).toEqual([]);
  });

  it("are copied and moved with their dates and ids, in order", async () => {
    for (const text of ["a", "b", "c"]) await deliver(text, [`$${text}`]);
    const archive = await named("Archive");
    expect(await store.copy(at(inbox), uidSetOf([3, 1, 7]), at(archive))).toMatchObject({
      uidValidity: archive.uidValidity,
      from: [1, 3],
      to: [1, 2],
    });
    expect(await store.move(at(inbox), [[2, 3]], at(archive))).toMatchObject({ from: [2, 3], to: [3, 4] });
    expect(await contents(inbox.id)).toEqual(["1 a $a"]);
    expect(await contents(archive.id)).toEqual(["1 a $a", "2 c $c", "3 b $b", "4 c $c"]);
    expect(await store.move(at(inbox), [[1, 1]], at(inbox))).toMatchObject({ from: [1], to: [4] });
    expect(await contents(inbox.id)).toEqual(["4 a $a"]);
    const ids: string[] = [];
    const handle = await store.open(at(archive));
    for await (const rows of handle.metadata([[1, 4]])) ids.push(...rows.map(({ emailId }) => emailId));
    expect(ids).toEqual([`E${inbox.id}-1`, `E${inbox.id}-3`, `E${inbox.id}-2`, `E${inbox.id}-3`]);
    handle.release();
    expect(await store.copy(at(inbox), [[9, 9]], at(archive))).toMatchObject({ from: [], to: [] });
    await expect(store.copy(at(inbox), [[4, 4]], { ...at(inbox), mailbox: mailboxId(99) })).rejects.toMatchObject({
      code: "mailboxNotFound",
    });
  });

  it("are meant once by a set of UIDs, in whatever order its ranges are", async () => {
    for (const text of ["a", "b", "c", "d"]) await deliver(text);
    const archive = await named("Archive");
    const some = [
      [3, 3],
      [1, 2],
      [2, 3],
    ] as const;
    const { changed, missing } = await store.setFlags(at(inbox), some, { mode: "add", flags: ["\\Seen", "\\Deleted"] });
    expect({ changed, missing }).toEqual({ changed: [[1, 3]], missing: [] });
    expect(await named("INBOX")).toMatchObject({ messages: 4, unseen: 1, deleted: 3 });
    expect(await store.copy(at(inbox), some, at(archive))).toMatchObject({ from: [1, 2, 3], to: [1, 2, 3] });
    const handle = await store.open(at(inbox));
    for (const source of ["metadata", "details"] as const) {
      const uids: number[] = [];
      for await (const batch of handle[source](some)) for (const { uid } of batch) uids.push(uid);
      expect(uids).toEqual([1, 2, 3]);
    }
    handle.release();
    expect(await store.expunge(at(inbox), some)).toMatchObject({ uids: [[1, 3]] });
    expect(await named("INBOX")).toMatchObject({ messages: 1, unseen: 1, deleted: 0 });
    expect(await store.move(at(archive), some, at(inbox))).toMatchObject({ from: [1, 2, 3], to: [5, 6, 7] });
    expect(await named("Archive")).toMatchObject({ messages: 0, unseen: 0, deleted: 0 });
  });

  it("are counted while they are worked on", async () => {
    for (const text of ["a", "b", "c"]) await deliver(text);
    const read: number[] = [];
    const onRead = (messages: number): number => read.push(messages);
    const archive = await named("Archive");
    const uids = uidSetOf([1, 3]);
    await store.setFlags(at(inbox), uids, { mode: "add", flags: ["\\Deleted"] }, { onRead });
    await store.copy(at(inbox), uids, at(archive), { onRead });
    await store.expunge(at(inbox), [[1, 9]], { onRead });
    await store.move(at(archive), uids, at(inbox), { onRead });
    // Flags by runs, the others by what lies in one chunk; of UID 1 and 3 in Archive there is the first alone.
    expect(read).toEqual([1, 2, 2, 2, 1]);
  });

  it("are expunged where they are deleted, and remembered as vanished", async () => {
    for (const text of ["a", "b", "c", "d"]) await deliver(text);
    await store.setFlags(at(inbox), [[1, 3]], { mode: "add", flags: ["\\Deleted"] });
    const before = await store.cursor(alice.id);
    expect(await store.expunge(at(inbox), [[3, 4]])).toMatchObject({ uids: [[3, 3]] });
    expect(await store.expunge(at(inbox))).toMatchObject({ uids: [[1, 2]] });
    expect(await store.expunge(at(inbox))).toMatchObject({ uids: [] });
    const handle = await store.open(at(inbox));
    expect(await handle.vanishedSince(before)).toEqual([[1, 3]]);
    expect(await handle.vanishedSince(cursor(before + 1))).toEqual([[1, 2]]);
    expect(handle.status).toMatchObject({ messages: 1, unseen: 1, deleted: 0, uidNext: 5 });
    handle.release();
    expect(await store.quota(alice.id)).toMatchObject({ messages: 1 });
  });

  it("are recent to the first who asks, and stay so over a restart", async () => {
    await deliver("a");
    await deliver("b");
    const handle = await store.open(at(inbox));
    expect(handle.recentFrom).toBe(1);
    expect(handle.claimRecent()).toBe(1);
    await deliver("c");
    expect(handle.claimRecent()).toBe(3);
    expect(handle.claimRecent()).toBe(4);
    handle.release();
    await deliver("d");
    // The write behind `release` is not waited for; a later one is behind it.
    await driver.directory.put([{ key: "any", value: null }]);
    const again = openMailStore(driver, CHEAP);
    const reopened = await again.open(at(inbox));
    expect(reopened.recentFrom).toBe(4);
    reopened.release();
  });

  it("are kept as such with few other mailboxes, however many there are", async () => {
    const boxes = await Promise.all(Array.from({ length: 150 }, (_, i) => store.createMailbox(alice.id, `box${i}`)));
    const [near, far] = [boxes[0], boxes[149]] as [MailboxStatus, MailboxStatus];
    const written: number[] = [];
    const put = driver.directory.put.bind(driver.directory);
    driver.directory.put = (entries) => {
      for (const { value } of entries) written.push((JSON.parse(Buffer.from(value ?? []).toString()) as []).length);
      return put(entries);
    };
    for (const { id } of [near, far, inbox]) {
      await deliver("a", [], id);
      const handle = await store.open({ account: alice.id, mailbox: id });
      handle.claimRecent();
      handle.release();
      // Nothing is new to it.
      (await store.open({ account: alice.id, mailbox: id })).release();
    }
    driver.directory.put = put;
    expect(written).toHaveLength(3);
    expect(Math.max(...written)).toBeLessThanOrEqual(64);
    await put([{ key: "any", value: null }]);
    const again = openMailStore(driver, CHEAP);
    for (const { id } of [near, far, inbox]) {
      const handle = await again.open({ account: alice.id, mailbox: id });
      expect(handle.recentFrom).toBe(2);
      handle.release();
    }
  });
});

describe("the feed", () => {
  it("tells every kind of change once, in order, and wakes after it can be read", async () => {
    const since = await store.cursor(alice.id);
    const woken: Cursor[] = [];
    const stop = store.watch(alice.id, () => {
      void store.cursor(alice.id).then((now) => woken.push(now));
    });
    await deliver("a");
    await store.setFlags(at(inbox), [[1, 1]], { mode: "add", flags: ["\\Deleted"] });
    const box = await store.createMailbox(alice.id, "box");
    await store.copy(at(inbox), [[1, 1]], at(box));
    await store.expunge(at(inbox));
    await store.move(at(box), [[1, 1]], at(inbox));
    await store.renameMailbox(alice.id, "box", "crate");
    await store.setSubscribed(alice.id, "crate", true);
    await store.deleteMailbox(alice.id, "crate");
    stop();
    await deliver("unheard");
    const records = await allChanges(since);
    expect(records.map(({ cursor: own }) => own)).toEqual(Array.from({ length: 10 }, (_, i) => since + 1 + i));
    const one = [[1, 1]];
    expect(records.map(({ changes }) => changes)).toEqual([
      [{ type: "MessageAppended", mailbox: inbox.id, uids: one, by: "delivery" }],
      [{ type: "FlagsChanged", mailbox: inbox.id, uids: one }],
      [{ type: "MailboxCreated", mailbox: box.id, name: "box" }],
      [{ type: "MessageAppended", mailbox: box.id, uids: one, by: "copy" }],
      [{ type: "MessageExpunged", mailbox: inbox.id, uids: one, by: "expunge" }],
      [
        { type: "MessageAppended", mailbox: inbox.id, uids: [[2, 2]], by: "move" },
        { type: "MessageExpunged", mailbox: box.id, uids: one, by: "move" },
      ],
      [{ type: "MailboxRenamed", mailbox: box.id, oldName: "box", name: "crate" }],
      [{ type: "MailboxSubscribed", name: "crate" }],
      [{ type: "MailboxDeleted", mailbox: box.id, name: "crate" }],
      [{ type: "MessageAppended", mailbox: inbox.id, uids: [[3, 3]], by: "delivery" }],
    ]);
    expect(woken).toEqual(records.slice(0, 9).map(({ cursor: own }) => own));
  });

  it("reads an account anew where a record could not be applied, and fails nobody whose commit it was", async () => {
    const troubles: unknown[] = [];
    const watched = openMailStore(driver, { ...CHEAP, onTrouble: (error) => troubles.push(error) });
    const handle = await watched.open(at(inbox));
    await handle.ready();
    const part = { mailbox: inbox.id, allocate: 1, messages: 1, unseen: 1, deleted: 0, bytes: 1 };
    const damaged = { account: alice.id, blobs: [], enforceQuota: false, parts: [{ ...part, record: Buffer.of(99) }] };
    expect(await driver.commit([damaged])).toMatchObject([{ ok: true }]);
    expect(troubles).toEqual([expect.objectContaining({ message: expect.stringContaining("unknown code 99") })]);
    expect(handle.status).toBeUndefined();
    expect((await watched.mailbox(alice.id, "INBOX"))?.messages).toBe(1);
    handle.release();
  });

  it("reads it anew too where that record came while it was being read", async () => {
    const troubles: unknown[] = [];
    const part = { mailbox: inbox.id, allocate: 1, messages: 1, unseen: 1, deleted: 0, bytes: 1 };
    const damaged = { account: alice.id, blobs: [], enforceQuota: false, parts: [{ ...part, record: Buffer.of(99) }] };
    const head = driver.head.bind(driver);
    driver.head = async (...args) => {
      driver.head = head;
      const before = await head(...args);
      await driver.commit([damaged]);
      return before;
    };
    const watched = openMailStore(driver, { ...CHEAP, onTrouble: (error) => troubles.push(error) });
    await watched.mailboxes(alice.id);
    expect(troubles).toHaveLength(1);
    const handle = await watched.open(at(inbox));
    expect(handle.status).toMatchObject({ messages: 1 });
    handle.release();
  });

  it("tells in the next page what comes while it reads the log", async () => {
    const since = await store.cursor(alice.id);
    await deliver("early");
    const log = driver.log.bind(driver);
    driver.log = async (...asked) => {
      driver.log = log;
      const page = await log(...asked);
      await deliver("late");
      return page;
    };
    const first = await store.changes(alice.id, since, 100);
    expect(first).toMatchObject({ tooOld: false, records: [{ cursor: since + 1 }], through: since + 1, more: true });
    expect(await store.changes(alice.id, first.through, 100)).toMatchObject({ records: [{ cursor: since + 2 }] });
  });

  it("reads on from the log where memory has no more, in pages, and says when a cursor is too old", async () => {
    const small = openMailStore(driver, {
      ...CHEAP,
      limits: { recentRecordsMax: 2, logRecordsKept: 5, tailRecordsMax: 4 },
    });
    const since = await small.cursor(alice.id);
    for (let i = 0; i < 4; i++) await deliver(`m${i}`);
    const page = await small.changes(alice.id, since, 3);
    expect(page).toMatchObject({ tooOld: false, through: since + 3, more: true });
    expect(await small.changes(alice.id, page.through, 3)).toMatchObject({ through: since + 4, more: false });
    expect(await small.changes(alice.id, cursor(since + 99), 3)).toMatchObject({ tooOld: true });
    // Of a mailbox, what it has in the log, be it far behind the rest, and all of it where it is less than asked for.
    const other = await small.createMailbox(alice.id, "Other");
    const before = await small.cursor(alice.id);
    await deliver("o", [], other.id);
    for (let i = 0; i < 3; i++) await deliver(`p${i}`);
    const ofOther = await small.changes(alice.id, before, 2, other.id);
    expect(ofOther).toMatchObject({ records: [{ cursor: before + 1 }], through: before + 4, more: false });
    const ofInbox = await small.changes(alice.id, before, 2, inbox.id);
    expect(ofInbox).toMatchObject({ records: [{}, {}], through: before + 3, more: true });
    // Enough for snapshots, after which the log is cut.
    const trimmed = untilTrimmed(driver);
    for (let i = 0; i < 20; i++) await deliver(`n${i}`);
    await trimmed;
    expect(await small.changes(alice.id, since, 100)).toMatchObject({ tooOld: true });
    expect(await contents(inbox.id, openMailStore(driver, CHEAP))).toHaveLength(27);
  });
});

describe("any operations in any order", () => {
  interface Row {
    readonly uid: number;
    readonly subject: string;
    readonly flags: Set<string>;
  }
  function changeFlags(flagsOfRow: Set<string>, mode: "add" | "remove" | "replace", changed: readonly string[]): void {
    if (mode === "replace") flagsOfRow.clear();
    for (const flag of changed) {
      if (mode === "remove") flagsOfRow.delete(flag);
      else flagsOfRow.add(flag);
    }
  }

  const BOXES = ["INBOX", "Archive", "Trash"] as const;
  const box = fc.constantFrom(...BOXES);
  const uids = fc.uniqueArray(fc.integer({ min: 1, max: 25 }), { minLength: 1, maxLength: 8 }).map(uidSetOf);
  const flags = fc.subarray(["\\Seen", "\\Deleted", "$Work", "$Home"]);
  const steps = fc.array(
    fc.oneof(
      { weight: 4, arbitrary: fc.record({ op: fc.constant("append" as const), box, flags }) },
      {
        weight: 3,
        arbitrary: fc.record({
          op: fc.constantFrom("add" as const, "remove" as const, "replace" as const),
          box,
          uids,
          flags,
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ op: fc.constantFrom("copy" as const, "move" as const), box, uids, to: box }),
      },
      { weight: 1, arbitrary: fc.record({ op: fc.constant("expunge" as const), box }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant("reopen" as const) }) },
    ),
    { minLength: 5, maxLength: 40 },
  );

  it("leave what a naive model has, in memory, behind snapshots and for a second reader", async () => {
    const limits = {
      tailRecordsMax: 3,
      tailRowBytesMax: 1_200,
      recentRecordsMax: 4,
      logRecordsKept: 6,
      vanishedRangesMax: 4,
      copiedSummaryBytesMax: 200,
      chunkCacheBytes: 1000,
    };
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        await store.close();
        driver = await openMemoryDriver();
        store = openMailStore(driver, { ...CHEAP, limits });
        alice = await store.createAccount({ address: "alice@example.org", password: "x" });
        const ids = new Map<string, MailboxId>();
        for (const name of BOXES) ids.set(name, (await named(name)).id);
        const reader = openMailStore(driver, { ...CHEAP, limits });
        const handles: MailboxHandle[] = [];
        for (const id of ids.values()) handles.push(await reader.open(at(id)));
        const model = new Map<string, { next: number; rows: Row[] }>(
          BOXES.map((name) => [name, { next: 1, rows: [] }]),
        );
        const rowsOf = (name: string): { next: number; rows: Row[] } =>
          model.get(name) as { next: number; rows: Row[] };
        const lines = (name: string): string[] =>
          rowsOf(name).rows.map(({ uid, subject, flags: set }) =>
            [uid, subject, ...[...set].map((flag) => flag.toLowerCase()).toSorted()].join(" "),
          );
        let count = 0;
        for (const step of list) {
          if (step.op === "append") {
            const subject = `m${count++}`;
            await deliver(subject, step.flags, ids.get(step.box) as MailboxId);
            const target = rowsOf(step.box);
            target.rows.push({ uid: target.next++, subject, flags: new Set(step.flags) });
          } else if ("to" in step) {
            await store[step.op](at(ids.get(step.box) as MailboxId), step.uids, at(ids.get(step.to) as MailboxId));
            const source = rowsOf(step.box);
            const target = rowsOf(step.to);
            const taken = source.rows.filter(({ uid }) => step.uids.some(([a, b]) => a <= uid && uid <= b));
            if (step.op === "move") source.rows = source.rows.filter((row) => !taken.includes(row));
            for (const row of taken) target.rows.push({ ...row, uid: target.next++, flags: new Set(row.flags) });
          } else if (step.op === "expunge") {
            await store.expunge(at(ids.get(step.box) as MailboxId));
            const source = rowsOf(step.box);
            source.rows = source.rows.filter((row) => !row.flags.has("\\Deleted"));
          } else if (step.op === "reopen") {
            const fresh = openMailStore(driver, { ...CHEAP, limits });
            for (const [name, id] of ids) expect(await contents(id, fresh)).toEqual(lines(name));
          } else {
            await store.setFlags(at(ids.get(step.box) as MailboxId), step.uids, { mode: step.op, flags: step.flags });
            for (const row of rowsOf(step.box).rows) {
              if (!step.uids.some(([a, b]) => a <= row.uid && row.uid <= b)) continue;
              changeFlags(row.flags, step.op, step.flags);
            }
          }
        }
        for (const [name, id] of ids) {
          expect(await contents(id)).toEqual(lines(name));
          expect(await contents(id, reader)).toEqual(lines(name));
          expect(await contents(id, openMailStore(driver, CHEAP))).toEqual(lines(name));
          const status = await named(name);
          expect(status.unseen).toBe(rowsOf(name).rows.filter((row) => !row.flags.has("\\Seen")).length);
          expect(status.deleted).toBe(rowsOf(name).rows.filter((row) => row.flags.has("\\Deleted")).length);
          expect(status.uidNext).toBe(rowsOf(name).next);
        }
        const total = BOXES.reduce((sum, name) => sum + rowsOf(name).rows.length, 0);
        expect((await store.quota(alice.id)).messages).toBe(total);
        for (const handle of handles) handle.release();
      }),
      { numRuns: 60 },
    );
  });
});
