import { beforeEach, describe, expect, it } from "@jest/globals";
import type { CommitResult, StoreDriver } from "../driver.ts";
import { accountId, cursor, mailboxId, type BlobId } from "../ids.ts";
import { openDriver } from "./driver.ts";
import { LEVEL_LIMITS } from "./limits.ts";
import { placeOf } from "./record.ts";
import { SimulatedDisk, type DiskImage } from "./test-support/simulated-disk.ts";

const A = accountId(1);
const INBOX = mailboxId(1);
const FIRST_SEGMENT = "0000000001.seg";
/** The first byte of the key under which it stands from where on an account's log is kept. */
const FLOOR = 0x02;
/** Of the mailbox behind the seventh record: its own, and those of six mails. */
const SNAPSHOT = { account: A, mailbox: INBOX, cursor: cursor(7), chunks: [] };
const LIMITS = {
  ...LEVEL_LIMITS,
  zeroFillBytesMin: 4096,
  zeroFillBytesMax: 4096,
  inlineBodyBytesMax: 8192,
};

let said: { readonly message: string; readonly fields: Record<string, unknown> }[];
beforeEach(() => {
  said = [];
});

function openOn(disk: SimulatedDisk, now: () => number = Date.now): Promise<StoreDriver> {
  const say = (fields: object, message: string): void => {
    said.push({ message, fields: fields as Record<string, unknown> });
  };
  return openDriver({
    files: disk,
    index: disk.index,
    limits: LIMITS,
    log: { info: say, warn: say },
    onStep: () => undefined,
    now,
    release: () => Promise.resolve(),
  });
}

async function deliver(driver: StoreDriver, body: string, to: object = {}): Promise<BlobId> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(body);
  }
  const blob = await driver.blobs.stage(stream());
  const counts = { allocate: 1, messages: 1, unseen: 1, deleted: 0, bytes: blob.sizeBytes };
  const part = { mailbox: INBOX, ...to, ...counts, record: Buffer.from(body.slice(0, 8)) };
  const [result] = await driver.commit([{ account: A, blobs: [blob], enforceQuota: true, parts: [part] }]);
  return (result as Extract<CommitResult, { ok: true }>).blobs[0] as BlobId;
}

/** A store with a mailbox, at cursor 1, and so many mails in it. */
async function begin(disk: SimulatedDisk, mails: number = 0): Promise<StoreDriver> {
  const driver = await openOn(disk);
  const none = { allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0, record: Buffer.alloc(0) };
  const part = { mailbox: INBOX, ...none, properties: Buffer.from("INBOX") };
  await driver.commit([{ account: A, blobs: [], enforceQuota: false, parts: [part] }]);
  for (let i = 0; i < mails; i++) await deliver(driver, `mail ${i}`);
  return driver;
}

async function read(driver: StoreDriver, blob: BlobId): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of driver.blobs.read(blob)) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

async function uidNext(driver: StoreDriver): Promise<number | undefined> {
  return (await driver.head(A))?.mailboxes[0]?.uidNext;
}

async function cursors(driver: StoreDriver): Promise<number[]> {
  return (await driver.log(A, cursor(0), { limit: 1000 })).records.map((record) => record.cursor);
}

/** The image with a file's bytes changed. */
function changed(image: DiskImage, name: string, change: (bytes: Buffer) => void): DiskImage {
  const bytes = Buffer.from(image.files.get(name) ?? []);
  change(bytes);
  return { ...image, files: new Map([...image.files, [name, bytes]]) };
}

async function* nothing(): AsyncGenerator<Iterable<BlobId>> {
  yield [];
}

/** The log of a store whose index was never told anything: all that counts is in the segments. */
function withoutIndex(image: DiskImage): DiskImage {
  return { ...image, entries: [] };
}

/** A store of one mail, killed when a second one was written and not synced. */
async function killedBeforeSync(): Promise<SimulatedDisk> {
  const disk = await SimulatedDisk.from();
  const driver = await begin(disk);
  await deliver(driver, "acknowledged");
  const killed = new Promise<SimulatedDisk>((resolve) => {
    disk.beforeOperation = async (name) => {
      const { files } = await disk.image();
      if (name === "sync" && files.get(FIRST_SEGMENT)?.includes("unknown") === true) resolve(disk.kill());
    };
  });
  void deliver(driver, "unknown");
  return killed;
}

describe("opening after a crash", () => {
  it("cuts a torn group at every byte of it, and goes on as if it had never been", async () => {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk);
    const kept = await deliver(driver, "the first mail");
    const before = await disk.image();
    await deliver(driver, "the second mail, which is torn");
    const after = await disk.image();
    const [start, end] = changedRange(before, after);
    expect(end - start).toBeGreaterThan(150);
    for (let at = start; at < end; at++) {
      const torn = changed(after, FIRST_SEGMENT, (bytes) => bytes.fill(0, at, end));
      const again = await SimulatedDisk.from(withoutIndex(torn));
      const recovered = await openOn(again);
      expect(await cursors(recovered)).toEqual([1, 2]);
      expect(await read(recovered, kept)).toBe("the first mail");
      const third = await deliver(recovered, "another second mail");
      expect(await uidNext(recovered)).toBe(3);
      const last = await openOn(await SimulatedDisk.from(withoutIndex(await again.image())));
      expect(await cursors(last)).toEqual([1, 2, 3]);
      expect(await read(last, third)).toBe("another second mail");
    }
  });

  it("takes a flipped bit anywhere in the last group for a torn one", async () => {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk);
    const before = await disk.image();
    await deliver(driver, "a mail");
    const after = await disk.image();
    const [start, end] = changedRange(before, after);
    let cut = 0;
    for (let at = start; at < end; at++) {
      const flipped = changed(after, FIRST_SEGMENT, (bytes) => (bytes[at] = (bytes[at] as number) ^ 0x10));
      said = [];
      const recovered = await openOn(await SimulatedDisk.from(withoutIndex(flipped)));
      const found = await cursors(recovered);
      // Padding and spare bytes of the record heads mean nothing.
      if (found.length === 2) continue;
      cut++;
      expect(found).toEqual([1]);
      expect(said.at(-1)).toMatchObject({ message: "store recovered", fields: { transactions: 1 } });
      expect(await uidNext(recovered)).toBe(1);
    }
    expect(cut).toBeGreaterThan((end - start) / 2);
  });

  it("keeps what it shows of a group that was written and never synced, whatever comes", async () => {
    const left = await killedBeforeSync();
    expect(await cursors(await openOn(left))).toEqual([1, 2, 3]);
    // Of what was not synced until then nothing is left.
    const cut = await SimulatedDisk.from(left.cut((below) => below - 1));
    expect(await cursors(await openOn(cut))).toEqual([1, 2, 3]);
  });

  it("tells the index of nothing that was never synced, before it is", async () => {
    const left = await killedBeforeSync();
    // The index has all that it was given, the log nothing that was not synced.
    const choices = [0, 2, 0, 0];
    const cut = new Promise<DiskImage>((resolve) => {
      left.beforeOperation = (name) => {
        if (name === "sync") resolve(left.cut((below) => choices.shift() ?? below - 1));
      };
    });
    void openOn(left);
    const again = await openOn(await SimulatedDisk.from(await cut));
    expect(choices).toEqual([]);
    expect([await cursors(again), await uidNext(again)]).toEqual([[1, 2], 2]);
  });

  it("removes a large body that nobody names, though a checkpoint was taken while its file was made", async () => {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk);
    let compacting: Promise<number> | undefined;
    disk.beforeOperation = async (name) => {
      if (name !== "create") return;
      compacting = driver.blobs.compact(nothing);
      await compacting;
    };
    async function* stream(): AsyncGenerator<Uint8Array> {
      yield Buffer.alloc(2 * LIMITS.inlineBodyBytesMax);
    }
    await driver.blobs.stage(stream());
    expect(compacting).toBeDefined();
    const names = async (left: SimulatedDisk): Promise<string[]> => [...(await left.image()).files.keys()];
    expect(await names(disk)).toEqual([FIRST_SEGMENT, "0000000002.body"]);
    const killed = await disk.kill();
    await openOn(killed);
    expect(await names(killed)).toEqual([FIRST_SEGMENT]);
  });

  it("says in one line what it replayed and what it cut", async () => {
    const disk = await SimulatedDisk.from();
    await begin(disk, 5);
    const image = await disk.image();
    said = [];
    const replayed = await openOn(await SimulatedDisk.from(image));
    expect(said).toMatchObject([{ message: "store recovered", fields: { transactions: 6, cutBytes: 0, damaged: 0 } }]);
    await replayed.close();
    const closed = await SimulatedDisk.from(await closedImage(image));
    said = [];
    await openOn(closed);
    expect(said).toMatchObject([{ message: "store recovered", fields: { transactions: 0, bytes: 0 } }]);
    // The record of the last batch loses its last byte: its body still stands, and is cut with it.
    const [, end] = changedRange({ files: new Map(), entries: [] }, image);
    const torn = changed(image, FIRST_SEGMENT, (bytes) => bytes.fill(0, end - 1, end));
    said = [];
    await openOn(await SimulatedDisk.from(torn));
    expect(said).toMatchObject([{ message: "store recovered", fields: { transactions: 5 } }]);
    expect(said[0]?.fields["cutBytes"]).toBeGreaterThan(0);
  });
});

describe("an opening that fails", () => {
  it("leaves no file open, wherever it fails, and the next one finds all that was there", async () => {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk);
    for (const body of ["one", "x".repeat(9_000), "three"]) await deliver(driver, body);
    const image = withoutIndex(await disk.image());
    let failures = 0;
    for (let at = 1, isOpened = false; !isOpened; at++) {
      const failing = await SimulatedDisk.from(image);
      let operations = 0;
      failing.beforeOperation = (name) => {
        if (++operations === at) throw Object.assign(new Error(`EIO: ${name}`), { code: "EIO" });
      };
      const opening = await openOn(failing).catch((error: unknown) => error as Error);
      isOpened = !(opening instanceof Error);
      if (isOpened) continue;
      failures++;
      expect(opening).toMatchObject({ code: "storeUnavailable" });
      expect([at, failing.filesOpen]).toEqual([at, 0]);
      failing.beforeOperation = () => undefined;
      const opened = await openOn(failing);
      expect(await cursors(opened)).toEqual([1, 2, 3, 4]);
      await opened.close();
      expect([at, failing.filesOpen]).toEqual([at, 0]);
    }
    expect(failures).toBeGreaterThan(10);
  });
});

describe("a trim", () => {
  it("removes what each mailbox has of the log, be it deleted before or behind the floor, and the account used again", async () => {
    const disk = await SimulatedDisk.from();
    let driver = await begin(disk);
    const boxes = [2, 3].map((number) => ({ mailbox: mailboxId(number), record: Buffer.alloc(0) }));
    const none = { allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0 };
    const commit = async (properties: Buffer | null): Promise<void> => {
      const parts = boxes.map((box) => ({ ...none, ...box, properties }));
      await driver.commit([{ account: A, blobs: [], enforceQuota: false, parts }]);
    };
    await commit(Buffer.from("box"));
    for (const box of boxes) await deliver(driver, "mail", box);
    await deliver(driver, "mail");
    await commit(null);
    await deliver(driver, "mail");
    await driver.saveSnapshot(SNAPSHOT);
    const left = async (): Promise<number[][]> => {
      const keys = (await disk.image()).entries.map(([key]) => key);
      const of = (kind: number): Buffer[] => keys.filter((key) => key[0] === kind);
      return [0x03, 0x04].map((kind) =>
        of(kind)
          .map((key) => key.readUInt32BE(key.length - 4))
          .toSorted((a, b) => a - b),
      );
    };
    // The deleted ones have no head any more, and what deleted them stays: theirs are left for the next.
    await driver.trimLog(A, cursor(5));
    expect(await left()).toEqual([
      [6, 7],
      [2, 2, 3, 4, 6, 6, 6, 7],
    ]);
    await driver.close();
    driver = await openOn(disk);
    await driver.trimLog(A, cursor(6));
    expect(await left()).toEqual([[7], [7]]);
    await driver.close();
  });

  it("leaves no gap in what is read of the log meanwhile", async () => {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk, 6);
    await driver.saveSnapshot(SNAPSHOT);
    const getMany = disk.database.getMany.bind(disk.database);
    let reads = 0;
    disk.database.getMany = async (keys) => {
      const values = await getMany(keys);
      if (keys[0]?.[0] === FLOOR && reads++ === 0) await driver.trimLog(A, cursor(5));
      return values;
    };
    const { floor, records } = await driver.log(A, cursor(0), { limit: 9 });
    expect([floor, records.map((record) => record.cursor)]).toEqual([0, [1, 2, 3, 4, 5, 6, 7]]);
    expect((await driver.log(A, cursor(0), { limit: 9 })).floor).toBe(5);
    await driver.close();
  });

  it("goes as far as the furthest of several at once", async () => {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk, 8);
    await driver.saveSnapshot({ account: A, mailbox: INBOX, cursor: cursor(9), chunks: [] });
    await Promise.all([3, 8, 5].map((floor) => driver.trimLog(A, cursor(floor))));
    await driver.trimLog(A, cursor(4));
    const { floor, records } = await driver.log(A, cursor(8), { limit: 9 });
    expect([floor, ...records.map((record) => record.cursor)]).toEqual([8, 9]);
    const logKeys = (await disk.image()).entries.filter(([key]) => key[0] === 0x03 || key[0] === 0x04);
    expect(logKeys).toHaveLength(2);
  });
});

describe("a power cut in the midst of a trim", () => {
  const isTrimmed = async (disk: SimulatedDisk): Promise<boolean> =>
    (await disk.image()).entries.some(([key]) => key[0] === FLOOR);

  it("leaves the log whole or cut, and never without a word of what was removed", async () => {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk, 6);
    await driver.saveSnapshot(SNAPSHOT);
    // Before the first record goes; nothing is left that was not synced until then.
    const cut = new Promise<DiskImage>((resolve) => {
      disk.beforeOperation = async (name) => {
        if (name === "write database" && (await isTrimmed(disk))) resolve(disk.cut((below) => below - 1));
      };
    });
    void driver.trimLog(A, cursor(5));
    const again = await openOn(await SimulatedDisk.from(await cut));
    expect((await again.log(A, cursor(0), { limit: 9 })).floor).toBe(5);
    expect((await again.log(A, cursor(5), { limit: 9 })).records.map((record) => record.cursor)).toEqual([6, 7]);
  });

  it("takes no snapshot for which the log was cut, though a checkpoint under way has it", async () => {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk, 6);
    // It takes a checkpoint: the first of a run is waited for anyway.
    await driver.blobs.compact(nothing);
    await driver.saveSnapshot(SNAPSHOT);
    let trimming: Promise<unknown> | undefined;
    let isTooEarly = false;
    disk.beforeOperation = async (name) => {
      if (name !== "flush" || trimming !== undefined) return;
      trimming = driver.trimLog(A, cursor(5));
      for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
      isTooEarly = await isTrimmed(disk);
    };
    await driver.blobs.compact(nothing);
    await trimming;
    expect([isTooEarly, await isTrimmed(disk)]).toEqual([false, true]);
    await driver.close();
  });

  /** Whether the index is on stable storage before something goes out of the log. */
  const trimsBehindFlush = async (disk: SimulatedDisk, driver: StoreDriver): Promise<boolean> => {
    let [isFlushed, isTooEarly] = [false, false];
    disk.beforeOperation = async (name) => {
      if (name === "flush") isFlushed = true;
      else if (!isFlushed) isTooEarly ||= await isTrimmed(disk);
    };
    await driver.trimLog(A, cursor(5));
    return isFlushed && !isTooEarly;
  };

  it("takes no snapshot for which the log was cut, though the process that wrote it was killed", async () => {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk, 6);
    await driver.saveSnapshot(SNAPSHOT);
    const next = await disk.kill();
    expect(await trimsBehindFlush(next, await openOn(next))).toBe(true);
  });

  it("takes no snapshot for which the log was cut, though the checkpoint that should have it failed", async () => {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk, 6);
    await driver.blobs.compact(nothing);
    await driver.saveSnapshot(SNAPSHOT);
    disk.beforeOperation = (name) => {
      if (name === "flush") throw new Error("EIO");
    };
    await expect(driver.blobs.compact(nothing)).rejects.toThrow("EIO");
    expect(await trimsBehindFlush(disk, driver)).toBe(true);
  });
});

describe("replaying", () => {
  it("gives the index no part of a log that it cannot read to its end: that would be a step back", async () => {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk);
    // More than goes to the index at once.
    const names = Array.from({ length: 2_500 }, (_, i) => ({ key: `name ${i}`, value: Buffer.from("old") }));
    await driver.directory.put(names);
    await driver.directory.put([{ key: "name 0", value: Buffer.from("new") }]);
    const blob = await deliver(driver, "a mail");
    await deliver(driver, "another mail");
    const image = await disk.image();
    const batch = placeOf(blob).offset + 24 + 8;
    const damaged = changed(image, FIRST_SEGMENT, (bytes) => (bytes[batch + 30] = (bytes[batch + 30] as number) ^ 1));
    const refused = await SimulatedDisk.from(damaged);
    await expect(openOn(refused)).rejects.toMatchObject({ code: "STORE_DAMAGED", offset: batch });
    expect((await refused.image()).entries).toEqual(image.entries);
  });

  it("brings back no record that was trimmed", async () => {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk, 6);
    const chunks = [{ column: 0, number: 0, data: Buffer.from("rows") }];
    await driver.saveSnapshot({ account: A, mailbox: INBOX, cursor: cursor(7), chunks });
    // The checkpoint that the trim takes is forgotten: all of the log is read again.
    const [oldCheckpoint] = (await disk.image()).entries.filter(([key]) => key[0] === 0x0a);
    expect(oldCheckpoint).toBeUndefined();
    await driver.trimLog(A, cursor(5));
    const killed = await disk.image();
    const entries = killed.entries.filter(([key]) => key[0] !== 0x0a);
    const again = await SimulatedDisk.from({ ...killed, entries });
    const recovered = await openOn(again);
    expect(said.at(-1)).toMatchObject({ fields: { transactions: 2 } });
    expect((await recovered.log(A, cursor(5), { limit: 9 })).records.map((record) => record.cursor)).toEqual([6, 7]);
    const logKeys = (await again.image()).entries.filter(([key]) => key[0] === 0x03 || key[0] === 0x04);
    expect(logKeys).toHaveLength(4);
  });

  it("keeps a large body whose transaction was trimmed: another account may refer to it", async () => {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk);
    const other = { mailbox: mailboxId(2), allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0 };
    const commit = (part: object): Promise<readonly CommitResult[]> =>
      driver.commit([
        { account: A, blobs: [], enforceQuota: false, parts: [{ ...other, record: Buffer.alloc(0), ...part }] },
      ]);
    await driver.saveSnapshot({ account: A, mailbox: INBOX, cursor: cursor(1), chunks: [] });
    // It takes a checkpoint: the trim needs none.
    await driver.blobs.compact(nothing);
    const body = "x".repeat(2 * LIMITS.inlineBodyBytesMax);
    const blob = await deliver(driver, body, { ...other, properties: Buffer.from("other") });
    await commit({ properties: null });
    await driver.trimLog(A, cursor(3));
    expect((await driver.log(A, cursor(0), { limit: 1 })).floor).toBe(3);
    expect(await read(await openOn(await disk.kill()), blob)).toBe(body);
  });

  it("keeps ids of transactions for their time, and no longer", async () => {
    const disk = await SimulatedDisk.from();
    let nowMs = 1_700_000_000_000;
    let driver = await openOn(disk, () => nowMs);
    const id = Buffer.alloc(16, 7);
    const none = { allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0, record: Buffer.alloc(0) };
    const parts = [{ mailbox: INBOX, ...none, properties: Buffer.from("INBOX") }];
    const again = async (): Promise<unknown> => {
      const [result] = await driver.commit([{ account: A, id, blobs: [], enforceQuota: false, parts }]);
      return result?.ok === true && result.repeated;
    };
    expect(await again()).toBe(false);
    nowMs += LIMITS.transactionIdKeptMs;
    expect(await again()).toBe(true);
    nowMs += 2 * LIMITS.transactionIdKeptMs;
    await driver.close();
    expect((await disk.image()).entries.filter(([key]) => key[0] === 0x08)).toEqual([]);
    driver = await openOn(await SimulatedDisk.from(await disk.image()), () => nowMs);
    expect(await again()).toBe(false);
    // A clock that nobody has set.
    nowMs = 0;
    expect([await again(), await again()]).toEqual([false, true]);
  });
});

describe("damage that no crash explains", () => {
  async function threeMails(): Promise<{ image: DiskImage; blobs: BlobId[]; starts: number[] }> {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk);
    const blobs: BlobId[] = [];
    const starts: number[] = [];
    for (const body of ["first mail", "second mail", "third mail"]) {
      const before = await disk.image();
      blobs.push(await deliver(driver, body));
      starts.push(changedRange(before, await disk.image())[0]);
    }
    return { image: await disk.image(), blobs, starts };
  }

  it("refuses to leave out a batch that others followed, and names file and offset", async () => {
    const { image, blobs, starts } = await threeMails();
    const body = placeOf(blobs[1] as BlobId).offset;
    const batch = body + 24 + 16;
    expect(body).toBe(starts[1]);
    for (const at of [body + 5, batch + 4, batch + 30]) {
      const damaged = changed(image, FIRST_SEGMENT, (bytes) => (bytes[at] = (bytes[at] as number) ^ 1));
      const opening = openOn(await SimulatedDisk.from(damaged));
      const where = { file: `simulated/${FIRST_SEGMENT}`, offset: at < batch ? body : batch };
      await expect(opening).rejects.toMatchObject({ code: "STORE_DAMAGED", ...where });
      await expect(opening).rejects.toThrow(`${where.file} at offset ${where.offset}`);
    }
  });

  it("opens with a damaged body, warns, and fails the reading of that body alone", async () => {
    const { image, blobs } = await threeMails();
    const at = placeOf(blobs[1] as BlobId).offset;
    const damaged = changed(image, FIRST_SEGMENT, (bytes) => (bytes[at + 24] = (bytes[at + 24] as number) ^ 1));
    const closed = await closedImage(damaged);
    said = [];
    for (const state of [damaged, closed]) {
      const driver = await openOn(await SimulatedDisk.from(state));
      expect(await cursors(driver)).toEqual([1, 2, 3, 4]);
      expect(await read(driver, blobs[0] as BlobId)).toBe("first mail");
      expect(await read(driver, blobs[2] as BlobId)).toBe("third mail");
      const where = { file: `simulated/${FIRST_SEGMENT}`, offset: at };
      await expect(read(driver, blobs[1] as BlobId)).rejects.toMatchObject({ code: "STORE_DAMAGED", ...where });
    }
    expect(said.filter(({ message }) => message === "a body is damaged")).toHaveLength(1);
  });

  it("refuses a log whose first segment, header or connection is gone", async () => {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk);
    // Two segments: the first is left behind with a torn end.
    await deliver(driver, "first");
    const image = await disk.image();
    const [, end] = changedRange({ files: new Map(), entries: [] }, image);
    const torn = await SimulatedDisk.from(changed(image, FIRST_SEGMENT, (bytes) => bytes.fill(0, end - 1, end)));
    const next = await openOn(torn);
    await deliver(next, "second");
    // Then the index has it, too.
    expect(await cursors(next)).toEqual([1, 2]);
    const two = await torn.image();
    expect([...two.files.keys()].sort()).toEqual([FIRST_SEGMENT, "0000000002.seg"]);
    expect(await cursors(await openOn(await SimulatedDisk.from(withoutIndex(two))))).toEqual([1, 2]);
    const withoutFirst = { ...two, files: new Map([...two.files].slice(1)) };
    const badHeader = (name: string, wrongBits: number): DiskImage =>
      changed(two, name, (bytes) => (bytes[17] = (bytes[17] as number) ^ wrongBits));
    for (const broken of [withoutFirst, badHeader(FIRST_SEGMENT, 3), badHeader("0000000002.seg", 3)]) {
      const opening = openOn(await SimulatedDisk.from(withoutIndex(broken)));
      await expect(opening).rejects.toMatchObject({ code: "STORE_DAMAGED" });
    }
    // The index says how far the log went.
    for (const left of [[], [...two.files].slice(0, 1)]) {
      const opening = openOn(await SimulatedDisk.from({ ...two, files: new Map(left) }));
      await expect(opening).rejects.toMatchObject({ code: "STORE_DAMAGED", file: "simulated/0000000002.seg" });
    }
    // One wrong bit is put right.
    for (const name of [FIRST_SEGMENT, "0000000002.seg"]) {
      const disk = await SimulatedDisk.from(withoutIndex(badHeader(name, 1)));
      expect(await cursors(await openOn(disk))).toEqual([1, 2]);
    }
  });

  it("does not take bytes of a mail for records", async () => {
    const disk = await SimulatedDisk.from();
    const driver = await begin(disk);
    await deliver(driver, "an innocent mail");
    const segment = (await disk.image()).files.get(FIRST_SEGMENT) as Buffer;
    // A sender who knows the format, and even all that the log held so far, sends it back.
    const forged = segment.subarray(0, 4_000).toString("latin1");
    const blob = await deliver(driver, forged);
    await deliver(driver, "a last mail");
    const image = await disk.image();
    const at = placeOf(blob).offset + 24 + 1000;
    const damaged = changed(image, FIRST_SEGMENT, (bytes) => (bytes[at] = (bytes[at] as number) ^ 1));
    const recovered = await openOn(await SimulatedDisk.from(withoutIndex(damaged)));
    expect(await cursors(recovered)).toEqual([1, 2, 3, 4]);
    // What he cannot know is the salt of the segment that his mail will come to.
    const other = await SimulatedDisk.from();
    await begin(other);
    const salts = [image, await other.image()].map(({ files }) => files.get(FIRST_SEGMENT)?.readUInt32LE(16));
    expect(new Set(salts).size).toBe(2);
  });
});

/** Where the log differs, from the first byte to behind the last. */
function changedRange(before: DiskImage, after: DiskImage): [start: number, end: number] {
  const one = before.files.get(FIRST_SEGMENT) ?? Buffer.alloc(0);
  const two = after.files.get(FIRST_SEGMENT) ?? Buffer.alloc(0);
  let start = 0;
  while (start < two.length && (one[start] ?? 0) === two[start]) start++;
  let end = two.length;
  while (end > start && (one[end - 1] ?? 0) === two[end - 1]) end--;
  return [start, end];
}

async function closedImage(image: DiskImage): Promise<DiskImage> {
  const disk = await SimulatedDisk.from(image);
  await (await openOn(disk)).close();
  return disk.image();
}
