// A mailbox that is read in while it changes: what comes at any moment of the reading is in its contents.
import { describe, expect, it } from "@jest/globals";
import { CHUNK_WIDTH, COLUMN } from "./chunk-codec.ts";
import {
  mailboxId,
  openMailStore,
  openMemoryDriver,
  type AccountInfo,
  type MailStore,
  type StoreDriver,
} from "./index.ts";
import { DEFAULT_STORE_LIMITS } from "./limits.ts";
import { MailboxState } from "./mailbox-state.ts";
import { TailRoom } from "./tail-rows.ts";
import { untilTrimmed } from "./test-support/until-trimmed.ts";

const CHEAP = { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 };

async function account(store: MailStore): Promise<AccountInfo> {
  return store.createAccount({ address: "alice@example.org", password: "secret" });
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text, "latin1");
}

async function deliver(store: MailStore, alice: AccountInfo, name = "INBOX"): Promise<number> {
  const mailbox = await store.mailbox(alice.id, name);
  if (mailbox === undefined) throw new Error(`no mailbox ${name}`);
  const message = await store.stage(once("Subject: x\r\n\r\nx\r\n"), { bytesMax: 1000 });
  const [done] = await store.append([{ account: alice.id, mailbox: mailbox.id, message }]);
  return done?.uid ?? 0;
}

async function uidsOf(store: MailStore, alice: AccountInfo, name = "INBOX"): Promise<number[]> {
  const mailbox = await store.mailbox(alice.id, name);
  if (mailbox === undefined) throw new Error(`no mailbox ${name}`);
  const handle = await store.open({ account: alice.id, mailbox: mailbox.id });
  const index = await handle.ready();
  handle.release();
  return [...index.uids.subarray(0, index.count)];
}

/** Calls `act` once, before the answer of the method's next call is given. */
function interpose<Name extends "chunks" | "log">(
  driver: StoreDriver,
  name: Name,
  { act, when }: { act: () => Promise<unknown>; when: (...args: Parameters<StoreDriver[Name]>) => boolean },
): void {
  const method = driver[name].bind(driver) as (...args: unknown[]) => Promise<unknown>;
  let done = false;
  driver[name] = (async (...args: Parameters<StoreDriver[Name]>) => {
    if (!done && when(...args)) {
      done = true;
      await act();
    }
    return method(...args);
  }) as StoreDriver[Name];
}

describe("a mailbox that is read in", () => {
  it("has what is committed in any turn of the microtask queue around the end of the reading", async () => {
    const driver = await openMemoryDriver();
    const store = openMailStore(driver, CHEAP);
    const alice = await account(store);
    await deliver(store, alice);
    const head = (await driver.head(alice.id))?.mailboxes.find(({ messages }) => messages === 1);
    if (head === undefined) throw new Error("no head");
    const [record] = (await driver.log(alice.id, (head.modSeq - 1) as typeof head.modSeq, { limit: 1 })).records;
    for (let turns = 0; turns < 20; turns++) {
      const mailbox = new MailboxState({ account: alice.id, mailbox: head.mailbox }, head, 1);
      const loading = mailbox.load({
        driver: {
          ...driver,
          snapshotCursor: async () => (head.modSeq - 1) as typeof head.modSeq,
          chunks: async () => [],
          log: async () => {
            void (async () => {
              for (let turn = 0; turn < turns; turn++) await Promise.resolve();
              const facts = [{ type: "appended" as const, by: "append" as const, rows: [row] }];
              const event = { atMs: 0, firstUid: 2, facts, blobs: record?.blobs ?? [], recordBytes: 1 };
              mailbox.apply({ ...head, uidNext: 3 }, { cursor: (head.modSeq + 1) as typeof head.modSeq, ...event });
            })();
            return { records: [], floor: 0 as typeof head.modSeq };
          },
        },
        limits: DEFAULT_STORE_LIMITS,
        tailRoom: new TailRoom(DEFAULT_STORE_LIMITS),
      });
      const row = { flags: [], internalDateMs: 0, sizeBytes: 1, origin: null, body: { staged: 0 }, summary: null };
      const contents = await loading;
      for (let turn = 0; turn < 30; turn++) await Promise.resolve();
      expect([turns, contents.columns.count]).toEqual([turns, 1]);
    }
    await store.close();
  });

  it("has once what the log told of before the node that committed it did", async () => {
    const driver = await openMemoryDriver();
    const listen = driver.listen.bind(driver);
    let held: (() => void)[] | null = null;
    driver.listen = (hear) => {
      return listen((record) => {
        if (held === null) hear(record);
        else held.push(() => hear(record));
      });
    };
    const troubles: unknown[] = [];
    const store = openMailStore(driver, { ...CHEAP, onTrouble: (error) => troubles.push(error) });
    const alice = await account(store);
    await deliver(store, alice);
    held = [];
    await deliver(store, alice);
    expect(await uidsOf(store, alice)).toEqual([1, 2]);
    for (const tell of held) tell();
    held = null;
    await deliver(store, alice);
    expect([await uidsOf(store, alice), troubles]).toEqual([[1, 2, 3], []]);
    expect(await store.mailbox(alice.id, "INBOX")).toMatchObject({ messages: 3 });
    await store.close();
  });

  it("has all that came while the log was cut behind its reader", async () => {
    const driver = await openMemoryDriver();
    const writer = openMailStore(driver, { ...CHEAP, limits: { tailRecordsMax: 3, logRecordsKept: 1 } });
    const alice = await account(writer);
    const archive = await writer.createMailbox(alice.id, "Lists");
    await deliver(writer, alice, "Lists");
    const reader = openMailStore(driver, CHEAP);
    interpose(driver, "log", {
      when: (_, __, { mailbox }) => mailbox === archive.id,
      act: async () => {
        const floor = (await driver.head(alice.id))?.cursor;
        const trimmed = untilTrimmed(driver, floor);
        for (let i = 0; i < 4; i++) await deliver(writer, alice, "Lists");
        for (let i = 0; i < 4; i++) await deliver(writer, alice);
        await trimmed;
      },
    });
    expect(await uidsOf(reader, alice, "Lists")).toEqual([1, 2, 3, 4, 5]);
    await writer.close();
  });

  it("is there however quickly mail comes to it: what comes meanwhile is told, and not read", async () => {
    const driver = await openMemoryDriver();
    const writer = openMailStore(driver, CHEAP);
    const alice = await account(writer);
    let delivered = 0;
    const deliverMany = async (): Promise<void> => {
      await Promise.all(Array.from({ length: 300 }, () => deliver(writer, alice)));
      delivered += 300;
    };
    await deliverMany();
    const reader = openMailStore(driver, CHEAP);
    const inbox = await reader.mailbox(alice.id, "INBOX");
    let pages = 0;
    const log = driver.log.bind(driver);
    driver.log = async (...args) => {
      if (args[2].mailbox === inbox?.id && ++pages < 9) await deliverMany();
      return log(...args);
    };
    expect(await uidsOf(reader, alice)).toHaveLength(delivered);
    expect(pages).toBe(2);
    await writer.close();
  });

  it("takes in what came behind its snapshot in pieces, between which others get their turn", async () => {
    const driver = await openMemoryDriver();
    const writer = openMailStore(driver, CHEAP);
    const alice = await account(writer);
    await deliver(writer, alice);
    const inbox = await writer.mailbox(alice.id, "INBOX");
    if (inbox === undefined) throw new Error("no inbox");
    const at = { account: alice.id, mailbox: inbox.id };
    const changes = 200;
    for (let i = 0; i < changes; i++) {
      await writer.setFlags(at, [[1, 1]], { mode: i % 2 === 0 ? "add" : "remove", flags: ["\\Seen"] });
    }
    const reader = openMailStore(driver, CHEAP);
    let turns = 0;
    let isRead = false;
    const log = driver.log.bind(driver);
    driver.log = async (...args) => {
      const page = await log(...args);
      turns = 0;
      return page;
    };
    const count = async (): Promise<void> => {
      for (; !isRead; turns++) await new Promise((resolve) => setImmediate(resolve));
    };
    const counting = count();
    expect(await uidsOf(reader, alice)).toEqual([1]);
    isRead = true;
    await counting;
    expect(turns).toBeGreaterThanOrEqual(changes / 25 - 1);
    await writer.close();
  });

  it("is of one snapshot where another is written meanwhile", async () => {
    const driver = await openMemoryDriver();
    const writer = openMailStore(driver, { ...CHEAP, limits: { tailRecordsMax: 2 } });
    const alice = await account(writer);
    await deliver(writer, alice);
    const reader = openMailStore(driver, CHEAP);
    interpose(driver, "chunks", {
      when: (_, __, { column }) => column === 3,
      act: async () => {
        const saved = new Promise<void>((resolve) => {
          const save = driver.saveSnapshot.bind(driver);
          driver.saveSnapshot = async (snapshot) => {
            const written = await save(snapshot);
            resolve();
            return written;
          };
        });
        // It has a chunk that the one before had not.
        const inbox = await writer.mailbox(alice.id, "INBOX");
        const message = await writer.stage(once("Subject: x\r\n\r\nx\r\n"), { bytesMax: 1000 });
        const one = { account: alice.id, mailbox: inbox?.id ?? mailboxId(0), message };
        await writer.append(Array.from({ length: CHUNK_WIDTH.hot }, () => one));
        await saved;
      },
    });
    expect(await uidsOf(reader, alice)).toEqual(Array.from({ length: CHUNK_WIDTH.hot + 1 }, (_, i) => i + 1));
    await writer.close();
  });
});

describe("whoever goes through the messages of a mailbox", () => {
  it("has the next chunk of summaries read while it has that before it, and none behind the last one asked for", async () => {
    const driver = await openMemoryDriver();
    const writer = openMailStore(driver, { ...CHEAP, limits: { tailRecordsMax: 0 } });
    const alice = await account(writer);
    const inbox = await writer.mailbox(alice.id, "INBOX");
    if (inbox === undefined) throw new Error("no inbox");
    const at = { account: alice.id, mailbox: inbox.id };
    const saved = new Promise<void>((resolve) => {
      const save = driver.saveSnapshot.bind(driver);
      driver.saveSnapshot = async (snapshot) => {
        const written = await save(snapshot);
        if (snapshot.chunks.some(({ column }) => column === COLUMN.summary)) resolve();
        return written;
      };
    });
    const message = await writer.stage(once("Subject: x\r\n\r\nx\r\n"), { bytesMax: 1000 });
    await writer.append(Array.from({ length: 600 }, () => ({ account: at.account, mailbox: at.mailbox, message })));
    await saved;
    const reader = openMailStore(driver, CHEAP);
    const read: number[] = [];
    interpose(driver, "chunks", {
      when: (_, __, { column, from }) => {
        if (column === COLUMN.summary) read.push(from);
        return false;
      },
      act: () => Promise.resolve(),
    });
    const handle = await reader.open(at);
    const details = handle.details([[1, 300]])[Symbol.asyncIterator]();
    expect((await details.next()).value).toHaveLength(CHUNK_WIDTH.summary - 1);
    expect(read).toEqual([0, 1]);
    expect((await details.next()).value).toHaveLength(300 - CHUNK_WIDTH.summary + 1);
    expect((await details.next()).done).toBe(true);
    expect(read).toEqual([0, 1]);
    handle.release();
    await writer.close();
  });
});

describe("the counting of what is in use", () => {
  it("reads each chunk once, and leaves in memory what others have read", async () => {
    const driver = await openMemoryDriver();
    const writer = openMailStore(driver, { ...CHEAP, limits: { tailRecordsMax: 0 } });
    const alice = await account(writer);
    const inbox = await writer.mailbox(alice.id, "INBOX");
    const lists = await writer.createMailbox(alice.id, "Lists");
    if (inbox === undefined) throw new Error("no inbox");
    const unsaved = new Set([inbox.id, lists.id]);
    const saved = new Promise<void>((resolve) => {
      const save = driver.saveSnapshot.bind(driver);
      driver.saveSnapshot = async (snapshot) => {
        const written = await save(snapshot);
        if (snapshot.chunks.some(({ column }) => column === COLUMN.metadata)) unsaved.delete(snapshot.mailbox);
        if (unsaved.size === 0) resolve();
        return written;
      };
    });
    for (const name of ["INBOX", "Lists"]) await deliver(writer, alice, name);
    await saved;
    // Room for the chunk of one of the two.
    const reader = openMailStore(driver, { ...CHEAP, limits: { chunkCacheBytes: 400 } });
    const read: number[] = [];
    interpose(driver, "chunks", {
      when: (_, mailbox, { column }) => {
        if (column === COLUMN.metadata) read.push(mailbox);
        return false;
      },
      act: () => Promise.resolve(),
    });
    const readInbox = async (): Promise<void> => {
      const handle = await reader.open({ account: alice.id, mailbox: inbox.id });
      for await (const rows of handle.metadata([[1, 1]])) expect(rows).toHaveLength(1);
      handle.release();
    };
    await readInbox();
    expect(read).toEqual([inbox.id]);
    await reader.compact();
    expect(read.slice(1)).toEqual([inbox.id, lists.id]);
    await readInbox();
    expect(read).toHaveLength(3);
    await writer.close();
  });
});

describe("bodies in use", () => {
  it("are not counted where messages have lost theirs, but where their mailbox goes meanwhile", async () => {
    const driver = await openMemoryDriver();
    const writer = openMailStore(driver, { ...CHEAP, limits: { tailRecordsMax: 0 } });
    const alice = await account(writer);
    const lists = await writer.createMailbox(alice.id, "Lists");
    const saved = new Promise<void>((resolve) => {
      const save = driver.saveSnapshot.bind(driver);
      driver.saveSnapshot = async (snapshot) => {
        const written = await save(snapshot);
        if (snapshot.chunks.some(({ column }) => column === COLUMN.metadata)) resolve();
        return written;
      };
    });
    await deliver(writer, alice, "Lists");
    await saved;
    const reader = openMailStore(driver, CHEAP);
    const chunks = driver.chunks.bind(driver);
    driver.chunks = async (...args) => (args[2].column === COLUMN.metadata ? [] : chunks(...args));
    await expect(reader.compact()).rejects.toThrow("lost");
    driver.chunks = chunks;
    interpose(driver, "chunks", {
      when: (_, mailbox, { column }) => mailbox === lists.id && column === COLUMN.metadata,
      act: () => reader.deleteMailbox(alice.id, "Lists"),
    });
    expect(await reader.compact()).toBe(0);
    await writer.close();
  });
});

describe("a decision", () => {
  it("is taken again where another store changes flags while its rows are being read", async () => {
    const driver = await openMemoryDriver();
    const writer = openMailStore(driver, { ...CHEAP, limits: { tailRecordsMax: 2 } });
    const alice = await account(writer);
    const inbox = await writer.mailbox(alice.id, "INBOX");
    if (inbox === undefined) throw new Error("no inbox");
    const at = { account: alice.id, mailbox: inbox.id };
    for (let i = 0; i < 2; i++) await deliver(writer, alice);
    const saved = new Promise<void>((resolve) => {
      const save = driver.saveSnapshot.bind(driver);
      driver.saveSnapshot = async (snapshot) => {
        const written = await save(snapshot);
        resolve();
        return written;
      };
    });
    await writer.setFlags(at, [[1, 2]], { mode: "add", flags: ["\\Deleted"] });
    await saved;
    const other = openMailStore(driver, CHEAP);
    interpose(driver, "chunks", {
      when: (_, __, { column }) => column === 1,
      act: () => writer.setFlags(at, [[1, 1]], { mode: "remove", flags: ["\\Deleted"] }),
    });
    expect(await other.expunge(at)).toMatchObject({ uids: [[2, 2]] });
    expect(await writer.mailbox(alice.id, "INBOX")).toMatchObject({ messages: 1, deleted: 0 });
    await writer.close();
  });
});
