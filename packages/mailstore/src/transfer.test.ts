// Very many messages copied, moved and expunged at once: all or nothing, and others get their turn meanwhile.
import { describe, expect, it } from "@jest/globals";
import {
  openMailStore,
  openMemoryDriver,
  type BlobId,
  type MailboxAt,
  type MailStore,
  type StoreDriver,
} from "./index.ts";
import { turnsUntilCommit } from "./test-support/turns-until-commit.ts";

const CHEAP = { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 };
const MESSAGES = 6_000;
const ALL = [[1, 2 ** 32 - 1]] as const;
const SEEN = Array.from({ length: MESSAGES / 3 }, (_, i) => [3 * i + 1, 3 * i + 1] as const);

async function filled(
  messages = MESSAGES,
): Promise<{ driver: StoreDriver; store: MailStore; inbox: MailboxAt; archive: MailboxAt }> {
  const driver = await openMemoryDriver();
  const store = openMailStore(driver, CHEAP);
  const { id: account } = await store.createAccount({ address: "alice@example.org", password: "x" });
  const at = async (name: string): Promise<MailboxAt> => {
    const mailbox = await store.mailbox(account, name);
    if (mailbox === undefined) throw new Error(`no ${name}`);
    return { account, mailbox: mailbox.id };
  };
  const inbox = await at("INBOX");
  const message = await store.stage(once(), { bytesMax: 1_000 });
  await store.append(Array.from({ length: messages }, () => ({ ...inbox, message })));
  await store.setFlags(inbox, SEEN, { mode: "add", flags: ["\\Seen", "\\Deleted"] });
  return { driver, store, inbox, archive: await at("Archive") };
}

async function* once(text = "x"): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`Subject: ${text}\r\n\r\nx\r\n`);
}

/** UIDs, flags, sizes and origins. */
async function rowsOf(store: MailStore, at: MailboxAt): Promise<string[]> {
  const handle = await store.open(at);
  const rows: string[] = [];
  for await (const batch of handle.metadata(ALL)) {
    const index = await handle.ready();
    for (const { uid, sizeBytes, emailId } of batch) {
      rows.push([uid, index.flagsAt(index.rowOf(uid)).names.join(" "), sizeBytes, emailId].join());
    }
  }
  handle.release();
  return rows;
}

describe("very many messages", () => {
  it("take along summaries of about copiedSummaryBytesMax; of the others they are made anew", async () => {
    const recordBytes = async (copiedSummaryBytesMax: number): Promise<number> => {
      const driver = await openMemoryDriver();
      const store = openMailStore(driver, { ...CHEAP, limits: { copiedSummaryBytesMax } });
      const { id: account } = await store.createAccount({ address: "alice@example.org", password: "x" });
      const [inbox, archive] = await Promise.all(
        ["INBOX", "Archive"].map(async (name) => ({ account, mailbox: (await store.mailbox(account, name))!.id })),
      );
      // Three chunks of summaries.
      const subjects = Array.from({ length: 600 }, (_, i) => `${i} ${"x".repeat(100)}`);
      const messages = await Promise.all(subjects.map((text) => store.stage(once(text), { bytesMax: 1_000 })));
      await store.append(messages.map((message) => ({ ...(inbox as MailboxAt), message })));
      let bytes = 0;
      const commit = driver.commit.bind(driver);
      driver.commit = (transactions, options) => {
        for (const { parts } of transactions) for (const { record } of parts) bytes += record.length;
        return commit(transactions, options);
      };
      await store.copy(inbox as MailboxAt, ALL, archive as MailboxAt);
      const handle = await store.open(archive as MailboxAt);
      const copied: (string | null)[] = [];
      for await (const batch of handle.details(ALL))
        copied.push(...batch.map(({ summary }) => summary.envelope.subject));
      expect(copied).toEqual(subjects);
      handle.release();
      await store.close();
      return bytes;
    };
    const all = await recordBytes(1_000_000);
    expect(all).toBeGreaterThan(600 * 100);
    // Those of the first chunk alone.
    expect(await recordBytes(1_000)).toBeLessThan(all / 2);
  });

  it("say which mailbox they went to, be it deleted in the next moment", async () => {
    const { driver, store, inbox, archive } = await filled(1);
    const before = await store.mailboxAt(archive);
    const commit = driver.commit.bind(driver);
    let deleting = (): void => undefined;
    const deleted = new Promise<void>((resolve) => (deleting = resolve));
    const asked = new Promise<void>((resolve) => {
      driver.commit = async (...copy) => {
        // In the same turn of the event loop as the other, and before it: both are in one group.
        driver.commit = async (...deletion) => {
          driver.commit = commit;
          deleting();
          await Promise.resolve();
          return commit(...deletion);
        };
        resolve();
        await deleted;
        return commit(...copy);
      };
    });
    const copied = store.copy(inbox, ALL, archive);
    await asked;
    await store.deleteMailbox(inbox.account, "Archive");
    expect(await copied).toMatchObject({ uidValidity: before?.uidValidity, from: [1], to: [1] });
    await store.close();
  });

  it("are copied, moved and expunged in one transaction, between whose pieces others get their turn", async () => {
    const { driver, store, inbox, archive } = await filled();
    const before = await rowsOf(store, inbox);
    const counts = await store.mailboxAt(inbox);
    const uids = Array.from({ length: MESSAGES }, (_, i) => i + 1);

    const copying = turnsUntilCommit(driver);
    const copied = await store.copy(inbox, ALL, archive);
    expect(await copying).toBeGreaterThanOrEqual(2);
    expect([copied.from, copied.to]).toEqual([uids, uids]);
    expect(await rowsOf(store, archive)).toEqual(before);

    const moving = turnsUntilCommit(driver);
    const moved = await store.move(inbox, ALL, archive);
    expect(await moving).toBeGreaterThanOrEqual(2);
    expect([moved.from, moved.to]).toEqual([uids, uids.map((uid) => uid + MESSAGES)]);
    const all = await rowsOf(store, archive);
    expect(all.slice(MESSAGES)).toEqual(before.map((row, i) => row.replace(/^\d+/, `${i + 1 + MESSAGES}`)));
    expect(await store.mailboxAt(inbox)).toMatchObject({ messages: 0, unseen: 0, deleted: 0, sizeBytes: 0 });
    const twice = { messages: 2 * MESSAGES, unseen: (2 * MESSAGES * 2) / 3, deleted: (2 * MESSAGES) / 3 };
    expect(await store.mailboxAt(archive)).toMatchObject({ ...twice, sizeBytes: 2 * (counts?.sizeBytes ?? 0) });

    const expunging = turnsUntilCommit(driver);
    await store.expunge(archive);
    expect(await expunging).toBeGreaterThanOrEqual(2);
    expect(await rowsOf(store, archive)).toEqual(all.filter((row) => !row.includes("Deleted")));
    const left = { messages: (2 * MESSAGES * 2) / 3, unseen: (2 * MESSAGES * 2) / 3, deleted: 0 };
    expect(await store.mailboxAt(archive)).toMatchObject(left);
    await store.close();
  });
});

describe("a message that is on its way", () => {
  it("keeps its body where it was read before bodies in use were counted, and is committed meanwhile", async () => {
    const { driver, store, inbox, archive } = await filled(1);
    const message = await store.stage(once("moved"), { bytesMax: 1_000 });
    await store.append([{ ...archive, message }]);
    const handle = await store.open(archive);
    const blobs: BlobId[] = [];
    for await (const rows of handle.metadata(ALL)) blobs.push(...rows.map(({ blob }) => blob));
    const counted = new Set<BlobId>();
    let moving: Promise<unknown> = Promise.resolve();
    driver.blobs.compact = async (references) => {
      for await (const batch of references()) {
        for (const blob of batch) counted.add(blob);
        // Between the mailbox to which it goes, and the one from which it comes.
        await moving;
      }
      return 0;
    };
    const commit = driver.commit.bind(driver);
    let compacting: Promise<unknown> = Promise.resolve();
    driver.commit = async (...args) => {
      driver.commit = commit;
      compacting = store.compact();
      for (let turns = 0; turns < 100 && counted.size === 0; turns++)
        await new Promise((resolve) => setImmediate(resolve));
      return commit(...args);
    };
    moving = store.move(archive, ALL, inbox);
    await moving;
    await compacting;
    expect([...counted]).toEqual(expect.arrayContaining(blobs));
    handle.release();
    await store.close();
  });

  it("keeps its body where it goes to an account that was counted, from one that was not yet", async () => {
    const { driver, store, inbox } = await filled(1);
    const { id: account } = await store.createAccount({ address: "bob@example.org", password: "x" });
    const from = { account, mailbox: (await store.mailbox(account, "INBOX"))!.id };
    await store.append([{ ...from, message: await store.stage(once("moved"), { bytesMax: 1_000 }) }]);
    const counted: BlobId[] = [];
    driver.blobs.compact = async (references) => {
      let moving: Promise<unknown> | undefined;
      for await (const batch of references()) {
        counted.push(...batch);
        await (moving ??= store.move(from, ALL, inbox));
      }
      return 0;
    };
    await store.compact();
    const handle = await store.open(inbox);
    for await (const rows of handle.metadata(ALL)) for (const { blob } of rows) expect(counted).toContain(blob);
    expect(handle.status?.messages).toBe(2);
    handle.release();
    await store.close();
  });

  it("is not copied out of a mailbox that is deleted before its turn comes", async () => {
    const { driver, store, inbox, archive } = await filled(3);
    const { id: mailbox } = await store.createMailbox(inbox.account, "box");
    const box = { ...inbox, mailbox };
    await store.copy(inbox, ALL, box);
    const commit = driver.commit.bind(driver);
    driver.commit = async (...args) => {
      driver.commit = commit;
      await store.deleteMailbox(inbox.account, "box");
      return commit(...args);
    };
    const flagged = store.setFlags(box, ALL, { mode: "add", flags: ["\\Seen"] });
    const copied = store.copy(box, ALL, archive);
    const gone = { status: "rejected", reason: { code: "mailboxNotFound" } };
    expect(await Promise.allSettled([flagged, copied])).toMatchObject([gone, gone]);
    await store.close();
  });
});
