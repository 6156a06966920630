// Rows behind snapshots in the room that all mailboxes share: the newest stay, the others are where the log has them.
import { describe, expect, it } from "@jest/globals";
import { openMailStore, openMemoryDriver, type AccountInfo, type MailboxAt, type MailStore } from "./index.ts";
import { blobId, cursor } from "./ids.ts";
import { DEFAULT_STORE_LIMITS, type StoreLimits } from "./limits.ts";
import { SharedRoom } from "./shared-room.ts";
import { rowBytes, TailRoom, TailRows, type TailRow, type TakenRows } from "./tail-rows.ts";
import { untilTrimmed } from "./test-support/until-trimmed.ts";

const BOXES = 50;
const MAILS_EACH = 20;

function row(uid: number): TailRow {
  const dates = { internalDateMs: 0, saveDateMs: 0 };
  return { metadata: { uid, sizeBytes: 1, emailId: `E1-${uid}`, blob: blobId(uid), ...dates }, summary: null };
}

const UIDS = Array.from({ length: 1_000 }, (_, i) => i + 1);

/** UIDs that are in memory. */
function kept(rows: TailRows): number[] {
  return UIDS.filter((uid) => rows.get(uid) !== undefined);
}

function takenUids({ rows }: TakenRows): number[] {
  return rows.flatMap((run) => Array.from(run, ([uid]) => uid));
}

/** Room for so many rows. */
function roomFor(rows: number, limits: Partial<StoreLimits> = {}): TailRoom {
  return new TailRoom({ ...DEFAULT_STORE_LIMITS, tailRowBytesMax: rows * rowBytes(row(1)), ...limits });
}

describe("a shared room", () => {
  it("lets go of what was used longest ago, and counts what is told to be smaller, gone or nothing", () => {
    const gone: string[] = [];
    const room = new SharedRoom<string>(10, (thing) => gone.push(thing));
    for (const thing of ["a", "b", "c"]) room.set(thing, 3);
    room.set("a", 4);
    expect([gone, room.size]).toEqual([[], 10]);
    room.set("d", 1);
    expect([gone, room.size]).toEqual([["b"], 8]);
    room.delete("c");
    room.set("a", 0);
    expect(room.size).toBe(1);
    room.set("e", 9);
    room.use("d");
    room.use("b");
    room.set("f", 1);
    expect([gone, room.size]).toEqual([["b", "e"], 2]);
    room.set("g", 11);
    expect([gone, room.size]).toEqual([["b", "e", "g"], 2]);
  });
});

describe("rows behind snapshots", () => {
  it("are in memory as many as all mailboxes have room for, the newest of them", () => {
    const rowsMax = 100;
    const room = roomFor(rowsMax);
    const boxes = Array.from({ length: BOXES }, () => new TailRows(room, cursor(0)));
    const rowsKept = (): number => boxes.reduce((sum, box) => sum + kept(box).length, 0);
    for (let uid = 1; uid <= MAILS_EACH; uid++) {
      for (const box of boxes) {
        box.add(row(uid), cursor(uid));
        box.settle(1);
        expect(rowsKept()).toBeLessThanOrEqual(rowsMax);
        expect(box.get(uid)).toBeDefined();
      }
    }
    // Each mailbox gives up all that it has: about half of the room is in use at least.
    expect(rowsKept()).toBeGreaterThan(rowsMax / 3);
    for (const box of boxes) {
      const [first = MAILS_EACH + 1] = kept(box);
      if (first > 1) expect(box.inLog).toEqual({ after: 0, through: first - 1, uids: [1, first - 1] });
    }
    for (const box of boxes) box.release();
    expect(room.bytes).toBe(0);
  });

  it("are no more in the log alone once a snapshot has them", () => {
    const rows = new TailRows(roomFor(1000), cursor(3));
    for (const uid of [1, 2]) rows.add(row(uid), cursor(uid + 3));
    rows.letGo();
    rows.add(row(3), cursor(6));
    const taken = rows.take();
    rows.add(row(4), cursor(7));
    expect(rows.inLog).toEqual({ after: 3, through: 5, uids: [1, 2] });
    expect([kept(rows), takenUids(taken)]).toEqual([[3, 4], [3]]);
    rows.saved(cursor(6), taken);
    expect([kept(rows), rows.inLog]).toEqual([[4], null]);
    rows.letGo();
    const none = { records: 0, recordBytes: 0 };
    rows.saved(cursor(6), none);
    expect(rows.inLog).toEqual({ after: 6, through: 7, uids: [4, 4] });
    rows.saved(cursor(7), none);
    rows.letGo();
    expect(rows.inLog).toBeNull();
  });
});

describe("rows that a snapshot has taken", () => {
  it("are there until it is written, and in the next one where it is not", () => {
    const rows = new TailRows(roomFor(1000), cursor(0));
    for (const uid of [1, 2, 3]) rows.add(row(uid), cursor(uid));
    const failed = rows.take();
    rows.add(row(4), cursor(4));
    rows.delete([[2, 2]]);
    expect([kept(rows), takenUids(failed)]).toEqual([
      [1, 3, 4],
      [1, 3],
    ]);
    const next = rows.take();
    rows.add(row(5), cursor(5));
    rows.delete([
      [1, 1],
      [5, 9],
    ]);
    expect([takenUids(next), rows.bytes]).toEqual([[3, 4], 2 * rowBytes(row(1))]);
    rows.saved(cursor(4), next);
    expect([kept(rows), rows.bytes]).toEqual([[], 0]);
  });

  it("outlive in it that they are let go", () => {
    const rows = new TailRows(roomFor(1000), cursor(0));
    for (const uid of [1, 2]) rows.add(row(uid), cursor(uid));
    const taken = rows.take();
    rows.add(row(3), cursor(3));
    rows.letGo();
    expect([takenUids(taken), kept(rows), rows.bytes]).toEqual([[1, 2], [], 0]);
    expect(rows.inLog).toEqual({ after: 0, through: 3, uids: [1, 3] });
    rows.saved(cursor(2), taken);
    expect([rows.inLog, rows.bytes]).toEqual([{ after: 2, through: 3, uids: [1, 3] }, 0]);
  });
});

describe("rows that a snapshot is due to", () => {
  it("stay in memory until it is written, however many they are, and push out no others", () => {
    const room = roomFor(10, { tailRecordsMax: 2 });
    const [small, large] = [new TailRows(room, cursor(0)), new TailRows(room, cursor(0))];
    small.add(row(1), cursor(1));
    small.settle(1);
    for (let at = 1; at <= 3; at++) {
      // As many as COPY brings in one record.
      for (let uid = 100 * at; uid < 100 * at + 3; uid++) large.add(row(uid), cursor(at));
      large.settle(1);
    }
    for (let uid = 400; uid < 450; uid++) large.add(row(uid), cursor(4));
    large.settle(1);
    expect([kept(small).length, kept(large).length, large.inLog]).toEqual([1, 59, null]);
    large.saved(cursor(3), large.take());
    large.add(row(500), cursor(5));
    large.settle(1);
    expect([kept(small).length, kept(large).length, room.bytes]).toEqual([1, 1, 2 * rowBytes(row(1))]);
  });
});

describe("a store", () => {
  const limits = { tailRecordsMax: 1e9, tailRowBytesMax: 5_000, logRecordsKept: 0 };

  it("tells of messages whose rows were let go what it told before, and reads the log once for it", async () => {
    const { store, alice, logReads } = await opened(limits);
    const boxes = (await store.mailboxes(alice.id)).map(({ id }) => ({ account: alice.id, mailbox: id }));
    const handles = await Promise.all(boxes.map((at) => store.open(at)));
    for (const handle of handles) await handle.ready();
    const told: string[][] = boxes.map(() => []);
    logReads.count = 0;
    for (let i = 0; i < 30; i++) {
      for (const [box, at] of boxes.entries()) {
        const { uid } = await deliver(store, at, `${box}-${i}`);
        told[box]?.push(...(await describeMessages(handles[box], [[uid, uid]])));
      }
    }
    // What has just come is in memory.
    expect(logReads.count).toBe(0);
    for (let round = 0; round < 2; round++) {
      for (const [box, handle] of handles.entries()) {
        expect(await describeMessages(handle, [[1, 1000]])).toEqual(told[box]);
      }
    }
    expect(logReads.count).toBeGreaterThan(0);
    expect(logReads.count).toBeLessThanOrEqual(boxes.length);
    for (const handle of handles) handle.release();
    await store.close();
  });

  it("gives others their turn while it writes a snapshot of many", async () => {
    const { driver, store, alice } = await opened({ tailRecordsMax: 0 });
    const [inbox] = await store.mailboxes(alice.id);
    if (inbox === undefined) throw new Error("no mailbox");
    const at = { account: alice.id, mailbox: inbox.id };
    const message = await store.stage(once("Subject: x\r\n\r\nx\r\n"), { bytesMax: 1000 });
    let turns = 0;
    let next = setImmediate(() => undefined);
    const turn = (): void => {
      turns++;
      next = setImmediate(turn);
    };
    const saved = new Promise<number>((resolve) => {
      const save = driver.saveSnapshot.bind(driver);
      driver.saveSnapshot = (snapshot) => {
        // Not that of the empty mailbox.
        if (snapshot.chunks.length > 9) resolve(turns);
        return save(snapshot);
      };
    });
    await store.append(Array.from({ length: 9_000 }, () => ({ ...at, message })));
    turn();
    // Sizes and summaries: each 2,000 rows of either.
    expect(await saved).toBeGreaterThanOrEqual(6);
    clearImmediate(next);
    await store.close();
  });

  it("tells of very many that were copied at once as of others, before a snapshot and behind it", async () => {
    const { driver, store, alice } = await opened({ tailRowBytesMax: 10_000, tailRecordsMax: 30 });
    const [inbox] = await store.mailboxes(alice.id);
    if (inbox === undefined) throw new Error("no mailbox");
    const at = { account: alice.id, mailbox: inbox.id };
    const handle = await store.open(at);
    await handle.ready();
    for (let i = 1; i <= 15; i++) await deliver(store, at, `m${i}`);
    // 15, 30: more than the room.
    for (let i = 0; i < 2; i++) await store.copy(at, [[1, 1_000]], at);
    await store.move(at, [[16, 30]], at);
    await deliver(store, at, "last");
    const origin = (uid: number): number => ((uid - 1) % 15) + 1;
    const uids = Array.from({ length: 75 }, (_, i) => i + 1).filter((uid) => uid < 16 || uid > 30);
    const expected = uids.map((uid) => `${uid} E${inbox.id}-${origin(uid)} m${origin(uid)}`);
    expected.push(`76 E${inbox.id}-76 last`);
    expect(await describeMessages(handle, [[1, 1_000]])).toEqual(expected);
    const again = openMailStore(driver);
    expect(await describeMessages(await again.open(at), [[1, 1_000]])).toEqual(expected);
    const saved = new Promise<void>((resolve) => {
      const save = driver.saveSnapshot.bind(driver);
      driver.saveSnapshot = (...args) => save(...args).finally(resolve);
    });
    for (let i = 0; i < 20; i++) {
      await store.setFlags(at, [[1, 1]], { mode: i % 2 === 0 ? "add" : "remove", flags: ["\\Seen"] });
    }
    await saved;
    expect(await describeMessages(handle, [[1, 1_000]])).toEqual(expected);
    handle.release();
    await store.close();
  });

  it("takes rows that were let go into the next snapshot", async () => {
    const { driver, store, alice, logReads } = await opened({ ...limits, tailRecordsMax: 40, tailRowBytesMax: 1 });
    const [inbox] = await store.mailboxes(alice.id);
    if (inbox === undefined) throw new Error("no mailbox");
    const at = { account: alice.id, mailbox: inbox.id };
    const handle = await store.open(at);
    await handle.ready();
    const trimmed = untilTrimmed(driver);
    for (let i = 0; i <= 40; i++) await deliver(store, at, `m${i}`);
    await trimmed;
    logReads.count = 0;
    const subjects = Array.from({ length: 41 }, (_, i) => `${i + 1} E${inbox.id}-${i + 1} m${i}`);
    expect(await describeMessages(handle, [[1, 1000]])).toEqual(subjects);
    expect(logReads.count).toBe(0);
    handle.release();
    await store.close();
  });

  it("is written, before the log is trimmed, of the mailboxes that changed since it was last", async () => {
    const { driver, store, alice } = await opened({ logRecordsKept: 5, tailRecordsMax: 20 });
    const boxes = await Promise.all(["quiet", "busy"].map((name) => store.createMailbox(alice.id, name)));
    const [quiet, busy] = boxes.map(({ id }): MailboxAt => ({ account: alice.id, mailbox: id })) as [
      MailboxAt,
      MailboxAt,
    ];
    const written = new Set<number>();
    const save = driver.saveSnapshot.bind(driver);
    driver.saveSnapshot = (snapshot) => {
      written.add(snapshot.mailbox);
      return save(snapshot);
    };
    const writtenForTrim = async (): Promise<boolean[]> => {
      written.clear();
      const trimmed = untilTrimmed(driver, await store.cursor(alice.id));
      for (let i = 0; i <= 20; i++) await deliver(store, busy, `m${i}`);
      await trimmed;
      return [written.has(quiet.mailbox), written.has(busy.mailbox)];
    };
    await deliver(store, quiet, "one");
    expect(await writtenForTrim()).toEqual([true, true]);
    expect(await writtenForTrim()).toEqual([false, true]);
    await deliver(store, quiet, "another");
    expect(await writtenForTrim()).toEqual([true, true]);
    await store.close();
  });

  it("takes them in whole where newer ones in memory go on into the next chunk", async () => {
    const { driver, store, alice } = await opened({ tailRecordsMax: 2, tailRowBytesMax: 300_000 });
    const [inbox] = await store.mailboxes(alice.id);
    if (inbox === undefined) throw new Error("no mailbox");
    const at = { account: alice.id, mailbox: inbox.id };
    const handle = await store.open(at);
    await handle.ready();
    const message = await store.stage(once("Subject: x\r\n\r\nx\r\n"), { bytesMax: 1000 });
    const saved = new Promise<void>((resolve) => {
      const save = driver.saveSnapshot.bind(driver);
      driver.saveSnapshot = (...args) => save(...args).finally(() => setImmediate(resolve));
    });
    // More than there is room for, few beside a chunk's end, and one for which a snapshot is due.
    for (const count of [4_000, 200, 1]) await store.append(Array.from({ length: count }, () => ({ ...at, message })));
    await saved;
    let rows = 0;
    for await (const batch of handle.metadata([[1, 5_000]])) rows += batch.length;
    expect(rows).toBe(4_201);
    handle.release();
    await store.close();
  });
});

async function opened(limits: Partial<StoreLimits>) {
  const driver = await openMemoryDriver();
  const logReads = { count: 0 };
  const log = driver.log.bind(driver);
  driver.log = (...args) => {
    logReads.count++;
    return log(...args);
  };
  const store = openMailStore(driver, { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096, limits });
  const alice: AccountInfo = await store.createAccount({ address: "alice@example.org", password: "secret" });
  return { driver, store, alice, logReads };
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text, "latin1");
}

async function deliver(store: MailStore, at: MailboxAt, subject: string): Promise<{ uid: number }> {
  const message = await store.stage(once(`Subject: ${subject}\r\n\r\nx\r\n`), { bytesMax: 1000 });
  const [done] = await store.append([{ ...at, message }]);
  if (done === undefined) throw new Error("nothing appended");
  return done;
}

type Handle = Awaited<ReturnType<MailStore["open"]>>;

async function describeMessages(handle: Handle | undefined, uids: Parameters<Handle["details"]>[0]): Promise<string[]> {
  const lines: string[] = [];
  for await (const rows of handle?.details(uids) ?? []) {
    for (const { uid, emailId, summary } of rows) lines.push(`${uid} ${emailId} ${summary.envelope.subject}`);
  }
  return lines;
}
