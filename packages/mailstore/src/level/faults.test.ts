import { describe, expect, it } from "@jest/globals";
import type { CommitResult, StoreDriver } from "../driver.ts";
import { accountId, cursor, mailboxId, type BlobId } from "../ids.ts";
import { openDriver } from "./driver.ts";
import { LEVEL_LIMITS, type LevelLimits } from "./limits.ts";
import { randomFrom } from "../test-support/random-from.ts";
import { SimulatedDisk } from "./test-support/simulated-disk.ts";

const A = accountId(1);
const INBOX = mailboxId(1);
const LIMITS: LevelLimits = {
  ...LEVEL_LIMITS,
  segmentBytesMax: 16 * 1024,
  inlineBodyBytesMax: 3_000,
  zeroFillBytesMin: 2_048,
  zeroFillBytesMax: 4_096,
  checkpointBytes: 12 * 1024,
  cachedAccountsMax: 1,
};

const said: string[] = [];
let nowMs = 0;
let isLogFull = false;

function say(_: object, message: string): void {
  if (isLogFull) throw new Error("the log is full");
  said.push(message);
}

function openOn(disk: SimulatedDisk, limits: LevelLimits = LIMITS): Promise<StoreDriver> {
  return openDriver({
    files: disk,
    index: disk.index,
    limits,
    log: { info: say, warn: say },
    onStep: () => undefined,
    now: () => nowMs,
    release: () => Promise.resolve(),
  });
}

/** Full or broken for as long as `failing` says. */
class Trouble {
  readonly disk: SimulatedDisk;
  failing: (operation: string) => boolean = () => false;
  code = "ENOSPC";

  constructor(disk: SimulatedDisk) {
    this.disk = disk;
    disk.beforeOperation = (operation) => {
      if (this.failing(operation)) throw Object.assign(new Error(`${this.code}: ${operation}`), { code: this.code });
    };
  }
}

async function begin(limits?: LevelLimits): Promise<{ driver: StoreDriver; trouble: Trouble }> {
  const disk = await SimulatedDisk.from();
  const driver = await openOn(disk, limits);
  const none = { allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0, record: Buffer.alloc(0) };
  const part = { mailbox: INBOX, ...none, properties: Buffer.from("INBOX") };
  await driver.commit([{ account: A, blobs: [], enforceQuota: false, parts: [part] }]);
  return { driver, trouble: new Trouble(disk) };
}

interface Delivered {
  readonly cursor: number;
  readonly uid: number;
  readonly blob: BlobId;
  readonly text: string;
}

async function deliver(driver: StoreDriver, text: string): Promise<Delivered> {
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(text);
  }
  const staged = await driver.blobs.stage(stream());
  const counts = { allocate: 1, messages: 1, unseen: 1, deleted: 0, bytes: staged.sizeBytes };
  const part = { mailbox: INBOX, ...counts, record: Buffer.from(text.slice(0, 20)) };
  try {
    const [result] = await driver.commit([{ account: A, blobs: [staged], enforceQuota: true, parts: [part] }]);
    const { cursor: at, firstUids, blobs } = result as Extract<CommitResult, { ok: true }>;
    return { cursor: at, uid: firstUids[0] as number, blob: blobs[0] as BlobId, text };
  } finally {
    await staged.discard();
  }
}

async function* pieces(length: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < length; at += 500) yield Buffer.alloc(Math.min(500, length - at), "y");
}

/** The store holds exactly what was delivered, and one can go on. */
async function checkExactly(driver: StoreDriver, delivered: readonly Delivered[]): Promise<void> {
  const { records } = await driver.log(A, cursor(1), { limit: 10_000 });
  expect(records.map((record) => [record.cursor, record.parts[0]?.firstUid])).toEqual(
    delivered.map((mail) => [mail.cursor, mail.uid]),
  );
  expect(delivered.map((mail) => mail.uid)).toEqual(delivered.map((_, i) => i + 1));
  for (const { blob, text } of delivered) {
    const pieces: Uint8Array[] = [];
    for await (const piece of driver.blobs.read(blob)) pieces.push(piece);
    expect(Buffer.concat(pieces).toString()).toBe(text);
  }
  expect((await driver.head(A))?.mailboxes[0]).toMatchObject({
    uidNext: delivered.length + 1,
    messages: delivered.length,
  });
}

const REFUSAL = { ENOSPC: "storeFull", EIO: "storeUnavailable" };
const BODIES = { small: "a mail ", inline: "b".repeat(2_500), own: "c".repeat(9_000) };

describe("a disk in trouble", () => {
  it("names the file that fails, which the system does not", async () => {
    const { driver, trouble } = await begin();
    const { blob } = await deliver(driver, BODIES.small);
    trouble.code = "EIO";
    trouble.failing = (name) => name === "read";
    const cause = { code: "EIO", message: "EIO: read: simulated/0000000001.seg" };
    await expect(driver.blobs.read(blob)[Symbol.asyncIterator]().next()).rejects.toMatchObject({ cause });
    await driver.close();
  });

  for (const operation of ["write", "sync", "create", "syncNames", "write database", "open database"]) {
    for (const code of ["ENOSPC", "EIO"] as const) {
      it(`refuses commits while ${operation} fails with ${code}, and takes them again afterwards`, async () => {
        const { driver, trouble } = await begin();
        trouble.code = code;
        const delivered: Delivered[] = [];
        for (let round = 0; round < 3; round++) {
          for (let i = 0; i < 4; i++) delivered.push(await deliver(driver, BODIES.small + i));
          trouble.failing = (name) =>
            name === operation || (operation === "open database" && name === "write database");
          const tried = await Promise.allSettled(
            [BODIES.small, BODIES.inline, BODIES.inline, BODIES.own, BODIES.inline].map((text) =>
              deliver(driver, text),
            ),
          );
          for (const outcome of tried) {
            if (outcome.status === "fulfilled") delivered.push(outcome.value);
            else expect(outcome.reason).toMatchObject({ code: REFUSAL[code], cause: { code } });
          }
          trouble.failing = () => false;
          delivered.push(await deliver(driver, `after the trouble ${round}`), await deliver(driver, BODIES.own));
          await checkExactly(driver, delivered);
        }
        const killed = await openOn(await SimulatedDisk.from(await trouble.disk.image()));
        await checkExactly(killed, delivered);
        await driver.close();
        const closed = await openOn(await SimulatedDisk.from(await trouble.disk.image()));
        await checkExactly(closed, delivered);
        delivered.push(await deliver(closed, "and on"));
        await checkExactly(closed, delivered);
      });
    }
  }

  it.each([1, 6])(
    "has all that it acknowledged after a power cut, whichever %i operations failed before",
    async (run) => {
      const random = randomFrom(Number(process.env["TEST_SEED"]));
      for (let at = 0; at < 40; at++) {
        const { driver, trouble } = await begin();
        trouble.code = "EIO";
        const delivered: Delivered[] = [];
        for (let i = 0; i < 5; i++) delivered.push(await deliver(driver, BODIES.inline + i));
        let operations = 0;
        trouble.failing = () => operations++ >= at && operations <= at + run;
        // The next segment begins among these.
        for (let i = 0; i < 6; i++) {
          await deliver(driver, `${BODIES.inline} behind ${i}`).then(
            (mail) => delivered.push(mail),
            (error: unknown) => expect([at, error]).toMatchObject([at, { code: REFUSAL.EIO }]),
          );
        }
        trouble.failing = () => false;
        delivered.push(await deliver(driver, "after the trouble"));
        const again = await openOn(await SimulatedDisk.from(trouble.disk.cut(random)));
        await checkExactly(again, delivered);
        await again.close();
      }
    },
  );

  it("loses nothing behind a segment that could not be made, and not be removed either", async () => {
    const { driver, trouble } = await begin();
    trouble.code = "EIO";
    const delivered: Delivered[] = [];
    for (let i = 0; i < 5; i++) delivered.push(await deliver(driver, BODIES.inline + i));
    let isMaking = false;
    trouble.failing = (operation) => {
      isMaking ||= operation === "create";
      return isMaking && (operation === "sync" || operation === "remove");
    };
    await expect(deliver(driver, BODIES.inline)).rejects.toMatchObject({ code: REFUSAL.EIO });
    expect(isMaking).toBe(true);
    trouble.failing = () => false;
    // There is room for it in the old one, whose end the other's header names.
    delivered.push(await deliver(driver, BODIES.small));
    const again = await openOn(await SimulatedDisk.from(await trouble.disk.image()));
    await checkExactly(again, delivered);
  });

  it("refuses a body that one of its syncs has lost a part of, whatever the later ones say", async () => {
    const { driver, trouble } = await begin({
      ...LIMITS,
      zeroFillBytesMin: 0,
      readBytesMax: 2_048,
      unsyncedBodyBytesMax: 4_096,
    });
    const syncsOf = async (length: number): Promise<number> => {
      let syncs = 0;
      trouble.failing = (name) => name === "sync" && syncs++ < 0;
      await (await driver.blobs.stage(pieces(length))).discard();
      return syncs;
    };
    // One at its end, and one for each 4,096 bytes or little more.
    expect([await syncsOf(3_500), await syncsOf(6_000), await syncsOf(21_000)]).toEqual([1, 2, 5]);
    const { filesOpen } = trouble.disk;
    for (let failing = 0; failing < 5; failing++) {
      let syncs = 0;
      trouble.failing = (name) => name === "sync" && syncs++ === failing;
      await expect(driver.blobs.stage(pieces(21_000))).rejects.toMatchObject({ code: "storeFull" });
      expect([syncs, trouble.disk.filesOpen]).toEqual([failing + 1, filesOpen]);
    }
    trouble.failing = () => false;
    await checkExactly(driver, [await deliver(driver, BODIES.own)]);
  });

  it("refuses a group that the failed sync of space filled ahead may have taken: the system says that once", async () => {
    const { driver, trouble } = await begin({ ...LIMITS, zeroFillBytesMax: 2_048 });
    const put = (): Promise<boolean> => driver.directory.put([{ key: "name", value: Buffer.alloc(100) }]);
    let isIdle = false;
    let isFilling = false;
    const syncs: { readonly reached: () => void; readonly gate: Promise<void> }[] = [];
    const held = (): { reached: Promise<void>; goOn: () => void } => {
      let [goOn, reached]: (() => void)[] = [];
      const gate = new Promise<void>((resolve) => (goOn = resolve));
      const isReached = new Promise<void>((resolve) => (reached = resolve));
      syncs.push({ reached: reached!, gate });
      return { reached: isReached, goOn: goOn! };
    };
    const [fill, group] = [held(), held()];
    trouble.disk.beforeOperation = async (name) => {
      isFilling ||= isIdle && name === "write";
      const sync = isFilling && name === "sync" ? syncs.shift() : undefined;
      if (sync === undefined) return;
      const isFill = syncs.length > 0;
      sync.reached();
      await sync.gate;
      if (isFill) throw Object.assign(new Error("EIO: sync"), { code: "EIO" });
    };
    while (!isFilling) {
      await put();
      isIdle = true;
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      isIdle = false;
    }
    await fill.reached;
    // It has room in what was filled before.
    const refused = put();
    await group.reached;
    fill.goOn();
    await new Promise(setImmediate);
    group.goOn();
    await expect(refused).rejects.toMatchObject({ code: "storeUnavailable" });
    expect(await put()).toBe(true);
    await driver.close();
  });

  it("fills no space with zeros that a group has come to meanwhile", async () => {
    const { driver, trouble } = await begin({ ...LIMITS, zeroFillBytesMax: 2_048 });
    let isIdle = false;
    trouble.disk.beforeOperation = async (name) => {
      const isFilling = isIdle && name === "write";
      isIdle &&= !isFilling;
      for (let turn = 0; isFilling && turn < 100; turn++) await new Promise(setImmediate);
    };
    const delivered: Delivered[] = [];
    for (let i = 0; i < 3; i++) {
      delivered.push(await deliver(driver, `${i} ${"b".repeat(2_900)}`));
      isIdle = true;
    }
    await checkExactly(driver, delivered);
    await driver.close();
    await checkExactly(await openOn(await SimulatedDisk.from(await trouble.disk.image())), delivered);
  });

  it("cuts off a refused group when it closes, so that it does not come back", async () => {
    const { driver, trouble } = await begin();
    const delivered = [await deliver(driver, "kept")];
    trouble.failing = (name) => name === "sync";
    await expect(deliver(driver, "refused, though it may well be on the disk")).rejects.toMatchObject({
      code: "storeFull",
    });
    trouble.failing = () => false;
    await driver.close();
    await checkExactly(await openOn(await SimulatedDisk.from(await trouble.disk.image())), delivered);
  });

  it("never reads what it has refused, wherever the group after it ends", async () => {
    // One of the lengths makes that group end where the batch of the refused one begins. Nothing else is synced.
    const limits = { ...LIMITS, zeroFillGroupBytesMax: 0 };
    for (let length = 0; length < 256; length += 8) {
      const { driver, trouble } = await begin(limits);
      trouble.failing = (name) => name === "sync";
      await expect(deliver(driver, "x".repeat(240))).rejects.toMatchObject({ code: "storeFull" });
      trouble.failing = () => false;
      await driver.directory.put([{ key: "name", value: Buffer.alloc(length) }]);
      await checkExactly(await openOn(await SimulatedDisk.from(await trouble.disk.image())), []);
    }
  });

  it.each([1, 2])("does not bring back what it has refused, whose body is gone: %i syncs fail", async (syncs) => {
    const { driver, trouble } = await begin({ ...LIMITS, zeroFillBytesMin: 0, zeroFillBytesMax: 0 });
    const delivered = [await deliver(driver, BODIES.own)];
    const staged = await driver.blobs.stage(pieces(9_000));
    let failures = 0;
    trouble.failing = (name) => name === "sync" && failures++ < syncs;
    const counts = { allocate: 1, messages: 1, unseen: 1, deleted: 0, bytes: 9_000, record: Buffer.from("mail") };
    const parts = [{ mailbox: INBOX, ...counts }];
    const commit = driver.commit([{ account: A, blobs: [staged], enforceQuota: true, parts }]);
    await expect(commit).rejects.toMatchObject({ code: "storeFull" });
    await staged.discard();
    expect(failures).toBeGreaterThanOrEqual(syncs);
    // Killed before anything else was written.
    await checkExactly(await openOn(await SimulatedDisk.from(await trouble.disk.image())), delivered);
    // A power cut that keeps all that it may.
    if (syncs === 1) await checkExactly(await openOn(await SimulatedDisk.from(trouble.disk.cut(() => 0))), delivered);
  });

  it("answers reads from the log when the index has lost a write", async () => {
    const { driver, trouble } = await begin();
    const delivered = [await deliver(driver, "one")];
    let failures = 0;
    trouble.failing = (name) => name === "write database" && failures++ === 0;
    delivered.push(await deliver(driver, "two"));
    await checkExactly(driver, delivered);
    expect(failures).toBeGreaterThan(0);
  });

  it("serves all reads of what it acknowledged while the index cannot be written, and says so once a minute", async () => {
    const { driver, trouble } = await begin();
    const delivered = [await deliver(driver, "one"), await deliver(driver, BODIES.own)];
    await driver.directory.put([{ key: "name", value: Buffer.from("old") }]);
    trouble.failing = (name) => /write|sync|create|open database/.test(name) && name !== "write" && name !== "sync";
    said.length = 0;
    // The log still takes it: acknowledged, though the index has not got it.
    delivered.push(await deliver(driver, "two"));
    const put = driver.directory.put([{ key: "name", value: Buffer.from("new") }]);
    await expect(put).rejects.toMatchObject({ code: "storeFull" });
    for (let i = 0; i < 5; i++) {
      await expect(deliver(driver, BODIES.small)).rejects.toMatchObject({ code: "storeFull" });
      await checkExactly(driver, delivered);
      expect((await driver.log(A, cursor(2), { mailbox: INBOX, limit: 1 })).records.map((one) => one.cursor)).toEqual([
        3,
      ]);
      expect(Buffer.from((await driver.directory.get("name")) ?? []).toString()).toBe("old");
      expect((await driver.sweep(null)).touched).toEqual([[A, 4]]);
    }
    expect(said).toEqual(["the storage refuses"]);
    nowMs += LIMITS.troubleLogMs;
    await expect(deliver(driver, BODIES.small)).rejects.toMatchObject({ code: "storeFull" });
    expect(said).toEqual(["the storage refuses", "the storage refuses"]);
    trouble.failing = () => false;
    delivered.push(await deliver(driver, BODIES.small));
    await checkExactly(driver, delivered);
    expect(said.at(-1)).toBe("the storage takes writes again");
    await checkExactly(await openOn(await SimulatedDisk.from(await trouble.disk.image())), delivered);
  });

  it("refuses and acknowledges as ever where its log throws", async () => {
    const { driver, trouble } = await begin();
    isLogFull = true;
    try {
      trouble.failing = (name) => /write|sync|create/.test(name);
      await expect(deliver(driver, BODIES.small)).rejects.toMatchObject({ code: "storeFull" });
      trouble.failing = () => false;
      await checkExactly(driver, [await deliver(driver, "one")]);
    } finally {
      isLogFull = false;
    }
  });

  it("says once a minute that no checkpoint can be taken, while all else works", async () => {
    const { driver, trouble } = await begin();
    let failures = 0;
    trouble.failing = (name) => name === "flush" && ++failures > 0;
    said.length = 0;
    const delivered: Delivered[] = [];
    for (let i = 0; i < 20; i++) delivered.push(await deliver(driver, BODIES.inline));
    expect(failures).toBeGreaterThan(3);
    expect(said).toEqual(["the storage refuses"]);
    trouble.failing = () => false;
    delivered.push(await deliver(driver, BODIES.inline));
    await checkExactly(driver, delivered);
  });

  it("writes nothing to an index whose write failed, since that would be lost, before it was opened again", async () => {
    const { driver, trouble } = await begin();
    const delivered = [await deliver(driver, "one"), await deliver(driver, "two"), await deliver(driver, "three")];
    const snapshot = { account: A, mailbox: INBOX, cursor: cursor(4) };
    const chunk = { column: 0, number: 0, data: Buffer.from("rows") };
    await checkExactly(driver, delivered);
    let failures = 1;
    trouble.failing = (name) => name === "write database" && failures-- > 0;
    await expect(driver.saveSnapshot({ ...snapshot, chunks: [chunk] })).rejects.toMatchObject({ code: "storeFull" });
    // The trouble is over, and no reader and no commit has noticed it.
    expect(await driver.saveSnapshot({ ...snapshot, chunks: [chunk] })).toBe(true);
    await driver.trimLog(A, cursor(2));
    const again = await openOn(await SimulatedDisk.from(await trouble.disk.image()));
    expect((await again.chunks(A, INBOX, { column: 0, from: 0, to: 0 })).map(({ number }) => number)).toEqual([0]);
    expect(await again.log(A, cursor(0), { limit: 9 })).toMatchObject({ floor: 2, records: [] });
    expect((await again.log(A, cursor(2), { limit: 9 })).records.map((record) => record.cursor)).toEqual([3, 4]);
  });

  it("shows no state of long ago while the index has been given a part of the log anew", async () => {
    const { checkpointBytes, segmentBytesMax } = LEVEL_LIMITS;
    const { driver, trouble } = await begin({ ...LIMITS, checkpointBytes, segmentBytesMax });
    const counts = { allocate: 1, messages: 1, unseen: 0, deleted: 0, bytes: 1, record: Buffer.from("mail") };
    const made = { mailbox: INBOX, ...counts, properties: Buffer.from("INBOX") };
    const one = { account: accountId(2), blobs: [], enforceQuota: false, parts: [made] };
    // So many that they are applied in parts.
    const many = Array.from({ length: 300 }, () => one);
    for (let i = 0; i < 8; i++) await driver.commit(many);
    expect((await driver.log(accountId(2), cursor(2_399), { limit: 9 })).records).toHaveLength(1);
    let writes = 0;
    trouble.failing = (name) => name === "write database" && [1, 3].includes(++writes);
    // The index does not get it, and then only a part of what it has had before.
    const delivered = [await deliver(driver, "one")];
    await checkExactly(driver, delivered);
    await expect(deliver(driver, "two")).rejects.toMatchObject({ code: "storeFull" });
    expect(writes).toBe(3);
    // Nor where the log cannot be read a second time.
    trouble.failing = (name) => name === "read";
    for (let i = 0; i < 2; i++) await expect(driver.head(accountId(2))).rejects.toMatchObject({ code: "storeFull" });
    trouble.failing = () => false;
    expect(await driver.head(accountId(2))).toMatchObject({ cursor: 2_400, messages: 2_400 });
    expect(await driver.commit([one])).toMatchObject([{ ok: true, cursor: 2_401, firstUids: [2_401] }]);
    await checkExactly(driver, delivered);
  });

  const first = Number(process.env["TEST_SEED"]);
  const runs = Number(process.env["FAULTS_RUNS"] ?? 20);
  it(
    `keeps exactly what it acknowledged, whatever fails at random `,
    async () => {
      for (let seed = first; seed < first + runs; seed++) {
        try {
          await randomTrouble(seed);
        } catch (error) {
          throw new Error(`with TEST_SEED=${seed} FAULTS_RUNS=1`, { cause: error });
        }
      }
    },
    30_000 + 2_000 * runs,
  );
});

async function randomTrouble(seed: number): Promise<void> {
  let state = seed >>> 0;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const { driver, trouble } = await begin();
  const delivered: Delivered[] = [];
  let left = 0;
  for (let step = 0; step < 60; step++) {
    if (random(8) === 0) left = 1 + random(12);
    trouble.failing = () => left > 0 && random(2) === 0 && left-- > 0;
    const texts = Array.from({ length: 1 + random(4) }, () => Object.values(BODIES)[random(3)] as string);
    for (const outcome of await Promise.allSettled(texts.map((text) => deliver(driver, text)))) {
      if (outcome.status === "fulfilled") delivered.push(outcome.value);
    }
    if (random(15) === 0) await driver.blobs.compact(() => everyBlob(delivered)).catch(() => undefined);
  }
  trouble.failing = () => false;
  delivered.push(await deliver(driver, "the last"));
  delivered.sort((a, b) => a.cursor - b.cursor);
  await checkExactly(driver, delivered);
  await checkExactly(await openOn(await SimulatedDisk.from(await trouble.disk.image())), delivered);
}

async function* everyBlob(delivered: readonly Delivered[]): AsyncGenerator<Iterable<BlobId>> {
  yield delivered.map(({ blob }) => blob);
}
