// The keywords of a mailbox: no operation brings it more than it may have, and one that would changes nothing.
import { describe, expect, it } from "@jest/globals";
import { openMailStore, openMemoryDriver, type MailboxAt, type MailStore, type StagedMessage } from "./index.ts";

const ALL = [[1, 2 ** 32 - 1]] as const;

interface Mailboxes {
  readonly store: MailStore;
  readonly inbox: MailboxAt;
  readonly archive: MailboxAt;
  /** Of another account. */
  readonly others: MailboxAt;
}

/** INBOX has messages with `a`, `b` and both; the others have one with `c` and `D`, and hardly any is in memory. */
async function fill(): Promise<Mailboxes> {
  const limits = { keywordsMax: 3, idleIndexMessagesMax: 1 };
  const store = openMailStore(await openMemoryDriver(), { scryptCost: { N: 16, r: 1, p: 1 }, limits });
  const at = async (address: string, name: string): Promise<MailboxAt> => {
    const { id: account } =
      (await store.findAccount(address)) ?? (await store.createAccount({ address, password: "x" }));
    const mailbox = await store.mailbox(account, name);
    if (mailbox === undefined) throw new Error(`no ${name}`);
    return { account, mailbox: mailbox.id };
  };
  const inbox = await at("alice@example.org", "INBOX");
  const archive = await at("alice@example.org", "Archive");
  const others = await at("bob@example.org", "INBOX");
  for (const flags of [["a"], ["b", "\\Seen"], ["a", "b"]]) await append(store, inbox, flags);
  for (const target of [archive, others]) await append(store, target, ["c", "D"]);
  return { store, inbox, archive, others };
}

async function stage(store: MailStore): Promise<StagedMessage> {
  const octets = async function* (): AsyncGenerator<Buffer> {
    yield Buffer.from("Subject: one\r\n\r\n");
  };
  return store.stage(octets(), { bytesMax: 100 });
}

async function append(store: MailStore, at: MailboxAt, ...flags: readonly (readonly string[])[]): Promise<void> {
  const message = await stage(store);
  await store.append(flags.map((each) => ({ ...at, message, flags: each })));
}

async function flagsIn(store: MailStore, at: MailboxAt): Promise<string[]> {
  const handle = await store.open(at);
  const index = await handle.ready();
  const flags = Array.from({ length: index.count }, (_, row) => index.flagsAt(row).names.join(" "));
  handle.release();
  return flags;
}

describe("messages that would bring too many keywords", () => {
  const REFUSED = { code: "tooManyKeywords" };
  const IN_INBOX = ["a", "\\Seen b", "a b"];

  it.each(["archive", "others"] as const)("are neither copied nor moved to %s", async (name) => {
    const { store, inbox, [name]: target } = await fill();
    for (const uids of [ALL, [[1, 2]], [[3, 3]]] as const) {
      await expect(store.copy(inbox, uids, target)).rejects.toMatchObject(REFUSED);
      await expect(store.move(inbox, uids, target)).rejects.toMatchObject(REFUSED);
    }
    expect([await flagsIn(store, inbox), await flagsIn(store, target)]).toEqual([IN_INBOX, ["c D"]]);
    await store.copy(inbox, [[2, 2]], target);
    // What is known may come, and what rights leave out is not brought.
    await store.move(inbox, [[2, 2]], target);
    await store.copy(inbox, ALL, target, { byRights: () => ["others"] });
    expect(await flagsIn(store, target)).toEqual(["c D", "\\Seen b", "\\Seen b", "", ""]);
  });

  it.each(["archive", "others"] as const)("do not replace others in %s", async (name) => {
    const { store, inbox, [name]: target } = await fill();
    const message = await stage(store);
    const replaced = store.replace(inbox, 1, { ...target, message, flags: ["C", "e", "f"] });
    await expect(replaced).rejects.toMatchObject(REFUSED);
    expect([await flagsIn(store, inbox), await flagsIn(store, target)]).toEqual([IN_INBOX, ["c D"]]);
    await store.replace(inbox, 1, { ...target, message: await stage(store), flags: ["C", "e"] });
    expect([await flagsIn(store, inbox), await flagsIn(store, target)]).toEqual([IN_INBOX.slice(1), ["c D", "c e"]]);
  });

  it("are not appended, not even one by one in the same request", async () => {
    const { store, archive } = await fill();
    await expect(append(store, archive, ["a"], ["b"])).rejects.toMatchObject(REFUSED);
    await append(store, archive, ["a", "A"], ["d"]);
    await expect(append(store, archive, ["b"])).rejects.toMatchObject(REFUSED);
    expect(await flagsIn(store, archive)).toEqual(["c D", "a", "D"]);
  });
});
