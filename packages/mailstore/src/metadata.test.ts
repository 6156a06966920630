// Metadata of mailboxes and of the account (RFC 5464), on the memory driver: what becomes of entries, and their bounds.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import {
  accountId,
  cursor,
  openMailStore,
  openMemoryDriver,
  type AccountInfo,
  type Change,
  type Cursor,
  type MailboxId,
  type MailStore,
  type MailStoreOptions,
  type StoreDriver,
} from "./index.ts";

const OPTIONS: MailStoreOptions = {
  scryptCost: { N: 16, r: 1, p: 1 },
  limits: { metadataEntriesMax: 3, metadataBytesMax: 1_000 },
};

let driver: StoreDriver;
let store: MailStore;
let alice: AccountInfo;

beforeEach(async () => {
  driver = await openMemoryDriver();
  store = openMailStore(driver, OPTIONS);
  alice = await store.createAccount({ address: "alice@example.org", password: "secret" });
});

afterEach(() => store.close());

async function idOf(name: string): Promise<MailboxId> {
  const status = await store.mailbox(alice.id, name);
  if (status === undefined) throw new Error(`no mailbox ${name}`);
  return status.id;
}

function set(mailbox: MailboxId | null, values: Readonly<Record<string, string | null>>): Promise<Cursor | undefined> {
  const changes = Object.entries(values).map(([name, value]) => {
    return { name, value: value === null ? null : Buffer.from(value, "latin1") };
  });
  return store.setMetadata(alice.id, mailbox, changes);
}

async function get(mailbox: MailboxId | null, of: MailStore = store): Promise<Readonly<Record<string, string>>> {
  const entries = await of.metadata(alice.id, mailbox);
  return Object.fromEntries(entries.map(({ name, value }) => [name, Buffer.from(value).toString("latin1")]));
}

async function changesSince(since: Cursor): Promise<readonly Change[]> {
  const page = await store.changes(alice.id, since, 100);
  if (page.tooOld) throw new Error("too old");
  return page.records.flatMap(({ changes }) => changes);
}

describe("metadata", () => {
  it("is set, replaced and removed, in no regard to the case of its name, for a mailbox and for the account", async () => {
    const inbox = await idOf("INBOX");
    await set(inbox, { "/private/comment": "my own", "/shared/comment": "\0\xff\r\n" });
    await set(null, { "/private/comment": "of the account" });
    expect(await get(inbox)).toEqual({ "/private/comment": "my own", "/shared/comment": "\0\xff\r\n" });
    await set(inbox, { "/PRIVATE/Comment": "another", "/shared/comment": null, "/shared/nothing": null });
    expect(await get(inbox)).toEqual({ "/PRIVATE/Comment": "another" });
    expect(await get(null)).toEqual({ "/private/comment": "of the account" });
    expect(await get(await idOf("Trash"))).toEqual({});
    // A store that reads the account anew.
    expect(await get(inbox, openMailStore(driver, OPTIONS))).toEqual({ "/PRIVATE/Comment": "another" });
  });

  it("is told by the feed, where it changes", async () => {
    const inbox = await idOf("INBOX");
    const highest = (await store.mailbox(alice.id, "INBOX"))?.highestModSeq;
    const since = await store.cursor(alice.id);
    expect(await set(inbox, { "/private/a": "1", "/private/b": "" })).toBe(since + 1);
    await set(null, { "/private/a": "1" });
    expect(await set(inbox, { "/private/a": "1", "/private/none": null })).toBeUndefined();
    await set(inbox, { "/private/b": null });
    expect(await changesSince(since)).toEqual([
      { type: "MailboxMetadataChanged", mailbox: inbox, entry: "/private/a" },
      { type: "MailboxMetadataChanged", mailbox: inbox, entry: "/private/b" },
      { type: "ServerMetadataChanged", entry: "/private/a" },
      { type: "MailboxMetadataChanged", mailbox: inbox, entry: "/private/b" },
    ]);
    // Its messages are as they were.
    expect((await store.mailbox(alice.id, "INBOX"))?.highestModSeq).toBe(highest);
  });

  it("goes with a mailbox that is renamed, ends with one that is deleted, and is copied from INBOX", async () => {
    const { id } = await store.createMailbox(alice.id, "box");
    await set(id, { "/private/color": "red" });
    await store.renameMailbox(alice.id, "box", "crate");
    expect(await get(id)).toEqual({ "/private/color": "red" });
    const since = await store.cursor(alice.id);
    await store.deleteMailbox(alice.id, "crate");
    expect(await changesSince(since)).toEqual([{ type: "MailboxDeleted", mailbox: id, name: "crate" }]);
    expect(await get((await store.createMailbox(alice.id, "crate")).id)).toEqual({});
    expect((await driver.head(alice.id))?.mailboxes.filter(({ mailbox }) => mailbox >= 2 ** 31)).toEqual([]);

    await set(await idOf("INBOX"), { "/private/color": "blue" });
    await store.renameMailbox(alice.id, "INBOX", "old");
    expect(await get(await idOf("old"))).toEqual({ "/private/color": "blue" });
    await set(await idOf("old"), { "/private/color": "grey" });
    expect(await get(await idOf("INBOX"))).toEqual({ "/private/color": "blue" });
  });

  it("is bounded by mailbox and by account; what passes a bound is not done at all", async () => {
    const [inbox, trash] = [await idOf("INBOX"), await idOf("Trash")];
    await set(inbox, { "/private/1": "", "/private/2": "" });
    const tooMany = { name: "Refusal", code: "tooManyEntries" };
    await expect(set(inbox, { "/private/1": "x", "/private/3": "", "/private/4": "" })).rejects.toMatchObject(tooMany);
    expect(await get(inbox)).toEqual({ "/private/1": "", "/private/2": "" });
    // One goes as another comes.
    await set(inbox, { "/private/1": null, "/private/3": "", "/private/4": "" });
    await expect(set(trash, { "/private/1": "x".repeat(600) })).rejects.toMatchObject(tooMany);
    await set(inbox, { "/private/2": null, "/private/3": null });
    await set(trash, { "/private/1": "x".repeat(600) });
    await expect(set(trash, { "/private/1": "x".repeat(800) })).rejects.toMatchObject(tooMany);
    expect((await get(trash))["/private/1"]).toHaveLength(600);
    // What is copied counts too.
    await set(trash, { "/private/1": null });
    await set(inbox, { "/private/4": "x".repeat(400) });
    await expect(store.renameMailbox(alice.id, "INBOX", "old")).rejects.toMatchObject(tooMany);
    expect(await store.mailbox(alice.id, "old")).toBeUndefined();
  });

  it("takes the special use of a mailbox along, all or none, and tells of it as an entry", async () => {
    const { id } = await store.createMailbox(alice.id, "box");
    const useOf = async (): Promise<unknown> => (await store.mailbox(alice.id, "box"))?.specialUse;
    const since = await store.cursor(alice.id);
    const note = { name: "/private/note", value: Buffer.from("x") };
    await store.setMetadata(alice.id, id, [note], { specialUse: "Sent" });
    expect([await useOf(), await get(id)]).toEqual(["Sent", { "/private/note": "x" }]);
    const many = ["1", "2", "3"].map((name) => ({ name, value: Buffer.from("") }));
    await expect(store.setMetadata(alice.id, id, many, { specialUse: null })).rejects.toMatchObject({
      code: "tooManyEntries",
    });
    expect(await useOf()).toBe("Sent");
    await store.setMetadata(alice.id, id, [], { specialUse: "Sent" });
    await store.setMetadata(alice.id, id, [], { specialUse: null });
    await store.renameMailbox(alice.id, "box", "crate");
    expect((await store.mailbox(alice.id, "crate"))?.specialUse).toBeNull();
    const use = { type: "MailboxMetadataChanged", mailbox: id, entry: "/private/specialuse" };
    expect((await changesSince(since)).slice(0, 3)).toEqual([use, { ...use, entry: "/private/note" }, use]);
  });

  it("is refused for a mailbox that is not there", async () => {
    const { id } = await store.createMailbox(alice.id, "box");
    await store.deleteMailbox(alice.id, "box");
    await expect(set(id, { "/private/a": "1" })).rejects.toMatchObject({ code: "mailboxNotFound" });
    await expect(store.setMetadata(accountId(99), null, [])).rejects.toMatchObject({ code: "accountNotFound" });
  });

  it("is decided again where another store of the same data was quicker", async () => {
    const inbox = await idOf("INBOX");
    const other = openMailStore(driver, OPTIONS);
    await Promise.all(
      [store, other].map((one, i) =>
        one.setMetadata(alice.id, inbox, [{ name: `/private/${i}`, value: Buffer.from(`${i}`) }]),
      ),
    );
    const both = { "/private/0": "0", "/private/1": "1" };
    expect(await get(inbox)).toEqual(both);
    expect(await get(inbox, other)).toEqual(both);
    expect(await store.cursor(alice.id)).toBeGreaterThan(cursor(0));
  });
});
