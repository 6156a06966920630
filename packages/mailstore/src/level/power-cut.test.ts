import { describe, expect, it } from "@jest/globals";
import { createHash } from "node:crypto";
import type { CommitResult, LogRecord, StoreDriver, Transaction, TransactionPart } from "../driver.ts";
import { accountId, cursor, mailboxId, type AccountId, type BlobId, type Cursor, type MailboxId } from "../ids.ts";
import { Refusal } from "../refusal.ts";
import { TurnQueue } from "../turn-queue.ts";
import { openDriver } from "./driver.ts";
import { SILENT } from "./driver-log.ts";
import { LEVEL_LIMITS, type LevelLimits } from "./limits.ts";
import { randomFrom, type Random } from "../test-support/random-from.ts";
import { SimulatedDisk } from "./test-support/simulated-disk.ts";

const LIMITS: LevelLimits = {
  ...LEVEL_LIMITS,
  segmentBytesMax: 24 * 1024,
  inlineBodyBytesMax: 6 * 1024,
  unsyncedBodyBytesMax: 4 * 1024,
  stagedBytesMax: 20 * 1024,
  groupBytesMax: 12 * 1024,
  zeroFillBytesMin: 2 * 1024,
  zeroFillBytesMax: 8 * 1024,
  checkpointBytes: 20 * 1024,
  cachedAccountsMax: 2,
  readBytesMax: 2 * 1024,
  compactBytesMax: 4 * 1024,
  sliceEntriesMax: 4,
};
const ACCOUNTS = [1, 2, 3].map(accountId);
const MAILBOXES = [1, 2].map(mailboxId);

function openOn(disk: SimulatedDisk): Promise<StoreDriver> {
  return openDriver({
    files: disk,
    index: disk.index,
    limits: LIMITS,
    log: SILENT,
    onStep: () => undefined,
    now: () => 1_700_000_000_000,
    release: () => Promise.resolve(),
  });
}

/** What a client was told: it must be there whatever happens. */
class Acknowledged {
  /** Records by account and cursor: the text of each part. */
  readonly records = new Map<AccountId, Map<Cursor, string[]>>();
  readonly bodies = new Map<BlobId, string>();
  readonly names = new Map<string, string>();
  /** Names whose newest value is not known, because it was being written. */
  readonly unsure = new Set<string>();

  note(own: Transaction, result: Extract<CommitResult, { ok: true }>, bodies: readonly string[]): void {
    const log = this.records.get(own.account) ?? new Map<Cursor, string[]>();
    this.records.set(own.account, log);
    log.set(
      result.cursor,
      own.parts.map(({ record }) => Buffer.from(record).toString()),
    );
    result.blobs.forEach((blob, i) => this.bodies.set(blob, bodies[i] as string));
  }
}

class Workload {
  readonly #driver: StoreDriver;
  readonly #random: Random;
  readonly #acknowledged: Acknowledged;
  #serial = 0;
  readonly #snapshots = new TurnQueue();

  constructor(driver: StoreDriver, random: Random, acknowledged: Acknowledged) {
    this.#driver = driver;
    this.#random = random;
    this.#acknowledged = acknowledged;
  }

  async begin(): Promise<void> {
    for (const account of ACCOUNTS) {
      await this.#commit([{ ...transaction(account), parts: MAILBOXES.map((mailbox) => create(mailbox)) }], []);
    }
  }

  async run(steps: number): Promise<void> {
    const writers = Array.from({ length: 3 }, async () => {
      for (let i = 0; i < steps; i++) await this.#step().catch(ignoreRefusal);
    });
    await Promise.all(writers);
  }

  async #step(): Promise<void> {
    const account = ACCOUNTS[this.#random(ACCOUNTS.length)] as AccountId;
    const action = this.#random(20);
    if (action < 11) await this.#append(account);
    else if (action < 13) await this.#recreate(account);
    else if (action < 15) await this.#snapshots.run(() => this.#snapshot(account));
    else if (action < 16) await this.#snapshots.run(() => this.#trim(account));
    else if (action < 17) await this.#compact();
    else await this.#putName();
  }

  async #append(account: AccountId): Promise<void> {
    const size = [0, 100, 3_000, 5_000, 9_000][this.#random(5)] as number;
    const body = Buffer.alloc(size, this.#serial++ % 251);
    const staged = await this.#driver.blobs.stage(pieces(body));
    const everybody = this.#random(4) === 0;
    const call = (everybody ? ACCOUNTS : [account]).map((own): Transaction => {
      const parts = [append(1 + this.#random(2)), ...(this.#random(3) === 0 ? [append(1 + this.#random(2))] : [])];
      return { ...transaction(own), blobs: [staged], parts };
    });
    if (this.#random(6) > 0) await this.#commit(call, [hash(body)]);
    await staged.discard();
  }

  /** Deletes the newest of the further mailboxes, or makes one. */
  async #recreate(account: AccountId): Promise<void> {
    const newest = (await this.#driver.head(account))?.mailboxes.at(-1)?.mailbox ?? 0;
    const part = newest > 2 ? { ...create(mailboxId(newest)), properties: null } : create(mailboxId(10 + serial++));
    await this.#commit([{ ...transaction(account), parts: [part] }], []);
  }

  /** A snapshot that stands for every record through its cursor: the one before it and the log behind that. */
  async #snapshot(account: AccountId): Promise<void> {
    const mailbox = MAILBOXES[this.#random(2)] as MailboxId;
    const through = cursor((await this.#driver.head(account))?.cursor ?? 0);
    const upTo = (await historyOf(this.#driver, account, mailbox)).filter(([at]) => at <= through);
    if (upTo.length === 0) return;
    const chunks = [{ column: 0, number: 0, data: Buffer.from(JSON.stringify(upTo)) }];
    await this.#driver.saveSnapshot({ account, mailbox, cursor: through, chunks });
  }

  async #trim(account: AccountId): Promise<void> {
    const head = await this.#driver.head(account);
    const covered: number[] = [head?.cursor ?? 0];
    for (const { mailbox, modSeq } of head?.mailboxes ?? []) {
      const snapshot = await this.#driver.snapshotCursor(account, mailbox);
      if (snapshot < modSeq) covered.push(snapshot);
    }
    await this.#driver.trimLog(account, cursor(Math.min(...covered)));
  }

  async #compact(): Promise<void> {
    const bodies = this.#acknowledged.bodies;
    for (const blob of bodies.keys()) if (this.#random(2) === 0) bodies.delete(blob);
    await this.#driver.blobs.compact(async function* () {
      yield [...bodies.keys()];
    });
  }

  async #putName(): Promise<void> {
    const { names, unsure } = this.#acknowledged;
    const key = `name ${this.#random(5)}`;
    if (unsure.has(key)) return;
    const value = String(this.#serial++);
    unsure.add(key);
    await this.#driver.directory.put([{ key, value: Buffer.from(value) }]);
    unsure.delete(key);
    names.set(key, value);
  }

  async #commit(call: readonly Transaction[], bodies: readonly string[]): Promise<void> {
    const results = await this.#driver.commit(call, { allOrNone: true });
    results.forEach((result, i) => result.ok && this.#acknowledged.note(call[i] as Transaction, result, bodies));
  }
}

/** Every part's text with its cursor, from the snapshot and the log behind it. */
async function historyOf(driver: StoreDriver, account: AccountId, mailbox: MailboxId): Promise<[number, string][]> {
  const through = await driver.snapshotCursor(account, mailbox);
  const [chunk] = await driver.chunks(account, mailbox, { column: 0, from: 0, to: 0 });
  const history = chunk === undefined ? [] : (JSON.parse(Buffer.from(chunk.data).toString()) as [number, string][]);
  const { records } = await driver.log(account, through, { mailbox, limit: 100_000 });
  for (const record of records) {
    for (const part of record.parts) {
      if (part.mailbox === mailbox) history.push([record.cursor, Buffer.from(part.record).toString()]);
    }
  }
  return history;
}

/** Holds a recovered store against itself and against what was acknowledged. */
async function check(driver: StoreDriver, acknowledged: Acknowledged): Promise<void> {
  for (const account of ACCOUNTS) {
    const head = await driver.head(account);
    const { floor } = await driver.log(account, cursor(0), { limit: 1 });
    const { records } = await driver.log(account, floor, { limit: 100_000 });
    const expected = Array.from({ length: (head?.cursor ?? 0) - floor }, (_, i) => floor + 1 + i);
    expect(records.map((record) => record.cursor)).toEqual(expected);
    checkUids(records);
    const last = records.at(-1);
    if (last !== undefined) expect([last.bytes, last.messages]).toEqual([head?.bytes, head?.messages]);
    const histories = new Map<number, string[]>();
    for (const mailbox of MAILBOXES) {
      for (const [at, text] of await historyOf(driver, account, mailbox)) {
        histories.set(at, [...(histories.get(at) ?? []), text]);
      }
    }
    await noteShown(driver, records, acknowledged);
    for (const [at, texts] of acknowledged.records.get(account) ?? []) {
      expect(at).toBeLessThanOrEqual(head?.cursor ?? 0);
      const appended = texts.filter((text) => text.startsWith("append"));
      expect((histories.get(at) ?? []).filter((text) => text.startsWith("append")).sort()).toEqual(appended.sort());
    }
  }
  for (const [blob, expected] of acknowledged.bodies) {
    expect(hash(await bodyOf(driver, blob))).toBe(expected);
  }
  for (const [name, value] of acknowledged.names) {
    if (acknowledged.unsure.has(name)) continue;
    expect(Buffer.from((await driver.directory.get(name)) ?? []).toString()).toBe(value);
  }
  acknowledged.unsure.clear();
  for (const name of Array.from({ length: 5 }, (_, i) => `name ${i}`)) {
    const value = await driver.directory.get(name);
    if (value !== undefined) acknowledged.names.set(name, Buffer.from(value).toString());
  }
}

/** What nobody was told but everybody can see now must stay, too. */
async function noteShown(driver: StoreDriver, records: readonly LogRecord[], shown: Acknowledged): Promise<void> {
  for (const { account, cursor: at, parts, blobs } of records) {
    const log = shown.records.get(account) ?? new Map<Cursor, string[]>();
    shown.records.set(account, log);
    if (log.has(at)) continue;
    log.set(
      at,
      parts.map(({ record }) => Buffer.from(record).toString()),
    );
    for (const blob of blobs) shown.bodies.set(blob, hash(await bodyOf(driver, blob)));
  }
}

async function bodyOf(driver: StoreDriver, blob: BlobId): Promise<Buffer> {
  const read: Uint8Array[] = [];
  for await (const piece of driver.blobs.read(blob)) read.push(piece);
  return Buffer.concat(read);
}

function checkUids(records: readonly LogRecord[]): void {
  const next = new Map<MailboxId, number>();
  for (const { parts } of records) {
    const before = new Map<MailboxId, number>();
    for (const { mailbox, firstUid, head } of parts) {
      const expected = before.get(mailbox) ?? next.get(mailbox);
      if (expected !== undefined) expect(firstUid).toBeGreaterThanOrEqual(expected);
      before.set(mailbox, firstUid + 1);
      if (head === null) next.delete(mailbox);
      else next.set(mailbox, head.uidNext);
    }
  }
}

function ignoreRefusal(error: unknown): void {
  if (!(error instanceof Refusal)) throw error;
}

function transaction(account: AccountId): Transaction {
  return { account, blobs: [], enforceQuota: true, parts: [] };
}

function create(mailbox: MailboxId): TransactionPart {
  const none = { allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0, record: Buffer.alloc(0) };
  return { mailbox, ...none, properties: Buffer.from(`mailbox ${mailbox}`) };
}

let serial = 0;
function append(mailbox: number): TransactionPart {
  const counts = { allocate: 1, messages: 1, unseen: 1, deleted: 0, bytes: 10 };
  return { mailbox: mailboxId(mailbox), ...counts, record: Buffer.from(`append ${serial++}`) };
}

async function* pieces(body: Buffer): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += 1_000) yield body.subarray(at, at + 1_000);
}

function hash(body: Buffer): string {
  return createHash("sha1").update(body).digest("hex");
}

interface Interruption {
  readonly random: Random;
  readonly at: number;
  readonly kind: "power" | "kill";
  /** Whether an operation of the workload fails. */
  readonly fails: (name: string) => boolean;
}

/** Runs a workload until the disk's operation number `at`, and returns the disk that a cut or a kill leaves then. */
async function interrupted(
  disk: SimulatedDisk,
  acknowledged: Acknowledged,
  { random, at, kind, fails }: Interruption,
): Promise<SimulatedDisk> {
  let left: Promise<SimulatedDisk> | undefined;
  let operations = 0;
  let isWorking = false;
  const stopped = new Promise<void>((resolve) => {
    disk.beforeOperation = (name) => {
      if (isWorking && fails(name)) throw Object.assign(new Error(`EIO: ${name}`), { code: "EIO" });
      if (++operations !== at) return;
      left = kind === "power" ? SimulatedDisk.from(disk.cut(random)) : disk.kill();
      resolve();
    };
  });
  const driver = await Promise.race([openOn(disk), stopped]);
  if (driver !== undefined) {
    const workload = new Workload(driver, random, acknowledged);
    const worked = check(driver, acknowledged)
      .then(() => workload.begin())
      .then(() => {
        isWorking = true;
        return workload.run(60);
      });
    await Promise.race([worked, stopped]);
  }
  return left ?? disk.kill();
}

/** Some of the operations behind one another fail, now and then. */
function failingAtRandom(random: Random): Interruption["fails"] {
  let left = 0;
  return (name) => {
    if (random(20) === 0) left = 1 + random(8);
    return left > 0 && name !== "close database" && random(2) === 0 && left-- > 0;
  };
}

/** Cuts and kills from a new disk on, one after the other; then all that was acknowledged must be there. */
async function playThrough(
  random: Random,
  { longest, fails }: { longest: number; fails: Interruption["fails"] },
): Promise<void> {
  const acknowledged = new Acknowledged();
  let disk = await SimulatedDisk.from();
  for (let generation = 0; generation < 4; generation++) {
    const kind = random(3) === 0 ? "kill" : "power";
    const at = 1 + random(random(2) === 0 ? longest : 60);
    disk = await interrupted(disk, acknowledged, { random, at, kind, fails });
  }
  const driver = await openOn(disk);
  await check(driver, acknowledged);
  await driver.close();
}

describe("a power cut or a kill", () => {
  const first = Number(process.env["TEST_SEED"]);
  const runs = Number(process.env["POWER_CUT_RUNS"] ?? 15);
  const withSeeds = async (count: number, play: (random: Random) => Promise<void>): Promise<void> => {
    for (let seed = first; seed < first + count; seed++) {
      await play(randomFrom(seed)).catch((error: unknown) => {
        throw new Error(`with TEST_SEED=${seed} POWER_CUT_RUNS=1`, { cause: error });
      });
    }
  };

  it(
    "loses nothing acknowledged, at any point, over and over",
    () => withSeeds(runs, (random) => playThrough(random, { longest: 500, fails: () => false })),
    30_000 + 2_000 * runs,
  );

  it(
    "loses nothing acknowledged where operations fail, too",
    () => withSeeds(runs, (random) => playThrough(random, { longest: 1_500, fails: failingAtRandom(random) })),
    30_000 + 4_000 * runs,
  );
});
