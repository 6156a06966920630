// Mends what a check finds, as far as it can be mended, and names what is lost. Each step can be cut short and done again.
import { join } from "node:path";
import { ChunkCache } from "../chunk-cache.ts";
import { IdleIndexes } from "../idle-indexes.ts";
import { DiskFiles } from "../level/disk-files.ts";
import type { LevelDriver } from "../level/driver.ts";
import { lostKey } from "../level/keys.ts";
import { LEVEL_LIMITS } from "../level/limits.ts";
import { replayBehindIndex } from "../level/maintenance/index-alone.ts";
import { dropKeptIndexes, isNone, keepIndex, keptIndexes, soundKeptIndex } from "../level/maintenance/kept-index.ts";
import { ignoreUnreadable } from "../level/maintenance/readable-file.ts";
import { damagesOfIndex, replaceIndex } from "../level/maintenance/set-aside.ts";
import { isLogIncomplete, isLogWhole } from "../level/maintenance/whole-log.ts";
import { openLockedDriver } from "../level/open-directory.ts";
import { Segments } from "../level/segments.ts";
import { lockStore, type StoreLock } from "../level/store-lock.ts";
import { DEFAULT_STORE_LIMITS } from "../limits.ts";
import { LoadedAccounts } from "../loaded-accounts.ts";
import { NotedSharers } from "../sharing.ts";
import { trimLog } from "../snapshots.ts";
import { TailRoom } from "../tail-rows.ts";
import { TurnQueue } from "../turn-queue.ts";
import type { SegmentsRead } from "./check-segments.ts";
import { requireStore, type CheckSummary } from "./check-store.ts";
import { findingLine, type Finding } from "./finding.ts";
import { lostHeader } from "./lost-header.ts";
import type { LostMessage } from "./mail-listener.ts";
import { counterOperations, propertyOperations } from "./mend-heads.ts";
import { findRows, writeRows } from "./mend-rows.ts";
import { keepBytes, mendHeader, noteIncomplete, putHeader, voidRecord } from "./mend-segment.ts";
import { findWounds, hasGaps, type Wounds, type WoundsFound } from "./wounds.ts";

export interface RepairOptions {
  readonly directory: string;
  /** Says what it would do, and does nothing but what a start does. */
  readonly dryRun: boolean;
  /** Told of each thing that is mended. */
  readonly onMended: (what: string) => void;
  /** Told of each thing that is lost for good. */
  readonly onLost: (finding: Finding) => void;
}

export interface RepairSummary {
  readonly mended: number;
  readonly lost: number;
  /** The check behind it; in a dry run, the one before. */
  readonly check: CheckSummary;
  /** What could not be mended. */
  readonly left: readonly Finding[];
}

/** Rejects where the directory holds no store, or is in use. */
export async function repairStore(options: RepairOptions): Promise<RepairSummary> {
  await requireStore(options.directory);
  const lock = await lockStore(options.directory);
  try {
    return await new Repair(options, lock).run();
  } finally {
    await lock.release();
  }
}

class Repair {
  readonly #options: RepairOptions;
  readonly #lock: StoreLock;
  #mended = 0;
  #lost = 0;

  constructor(options: RepairOptions, lock: StoreLock) {
    this.#options = options;
    this.#lock = lock;
  }

  async run(): Promise<RepairSummary> {
    await this.#mendHeaders();
    await this.#mendIndex();
    let { summary, wounds } = await this.#check();
    if (wounds.read !== undefined) await this.#voidRecords(wounds.read);
    if (!this.#options.dryRun && (wounds.read?.damagedRecords.length ?? 0) > 0)
      ({ summary, wounds } = await this.#check());
    if (await this.#rebuildRows(wounds)) ({ summary, wounds } = await this.#check());
    await this.#stateAnew(wounds);
    await this.#stateProperties(wounds);
    await this.#noteShares(wounds);
    await this.#mendMail(wounds);
    const changed = this.#mended + this.#lost > 0 && !this.#options.dryRun;
    if (changed) {
      await this.#keepIndex();
      ({ summary, wounds } = await this.#check());
    }
    return { mended: this.#mended, lost: this.#lost, check: summary, left: wounds.findings };
  }

  /** With what was mended, and what the log has no more. */
  async #keepIndex(): Promise<void> {
    const { directory } = this.#options;
    const isSound = await isNone(damagesOfIndex(directory));
    if (isSound && !(await isLogWhole(join(directory, "segments")).catch(ignoreUnreadable))) await keepIndex(directory);
  }

  #check(): Promise<WoundsFound> {
    return findWounds(this.#options.directory, this.#lock);
  }

  async #mend(what: string, mend: () => Promise<unknown>): Promise<void> {
    if (!this.#options.dryRun) await mend();
    this.#mended++;
    this.#options.onMended(what);
  }

  async #mendHeaders(): Promise<void> {
    await this.#withSegments(async (segments) => {
      for (const number of [...segments.numbers("log"), ...segments.numbers("body")]) {
        const file = segments.path(number);
        if (await mendHeader(file, number, this.#options)) this.#tell(`one bit of the header of ${file}`);
        const header = await lostHeader(segments, number, this.#options.directory);
        if (header === undefined) continue;
        await this.#mend(`the header of ${file}, by its first record`, () =>
          putHeader(this.#options.directory, file, header),
        );
      }
    });
  }

  /** What its second copy and the log have can be made again; else nothing is touched. */
  async #mendIndex(): Promise<void> {
    const { directory } = this.#options;
    for await (const { message } of damagesOfIndex(directory)) {
      const source = await replaceIndex(directory, this.#options);
      if (source !== undefined) this.#tell(`the index is made again from ${source} (${message})`);
      return;
    }
    const isKept = (await keptIndexes(directory)).length > 0;
    if (!isKept || (await soundKeptIndex(directory)) !== undefined) return;
    await this.#mend("the second copy of the index is made anew", () => dropKeptIndexes(directory));
  }

  /** Transactions whose bytes are damaged are gone where the index was not told of them before. */
  async #voidRecords({ damagedRecords }: SegmentsRead): Promise<void> {
    const { directory, dryRun, onLost } = this.#options;
    const lost = damagedRecords.map(({ segment, record: { offset, end } }) => ({ segment, offset, end }));
    await this.#withSegments(async (segments) => {
      if (lost.length > 0 && !dryRun && (await isNone(damagesOfIndex(directory))))
        await replayBehindIndex(directory, segments, lost);
      for (const { segment, record } of damagedRecords) {
        const header = await segments.header(segment);
        if (header === undefined) continue;
        const stretch = { file: segments.path(segment), from: record.offset, end: record.end };
        const what = `${record.damage.what}; ${stretch.end - stretch.from} bytes are kept in damaged/`;
        this.#lost++;
        onLost({ what, file: stretch.file, offset: stretch.from });
        if (dryRun) continue;
        await keepBytes(directory, stretch);
        await noteIncomplete(directory);
        await voidRecord(header, stretch);
      }
    });
  }

  /** Returns whether anything was found of what is lost. */
  async #rebuildRows({ rowless }: Wounds): Promise<boolean> {
    if (rowless.length === 0) return false;
    let rebuilt = 0;
    await this.#withDriver(async (driver) => {
      for (const { at, rows } of await findRows(driver, rowless)) {
        rebuilt += rows.length;
        const whose = `mailbox ${at.mailbox} of account ${at.account}`;
        await this.#mend(`${rows.length} messages of ${whose} get size, date and body back from the log`, () =>
          writeRows(driver, at, rows),
        );
      }
    });
    return rebuilt > 0 && !this.#options.dryRun;
  }

  /** What the index alone still holds of a lost transaction is written to the log again. */
  async #stateAnew({ read }: Wounds): Promise<void> {
    const keys = read?.differing ?? [];
    if (keys.length === 0 || !(await isLogIncomplete(join(this.#options.directory, "segments")))) return;
    await this.#mend(`${keys.length} entries that the log has lost are written to it from the index`, () =>
      this.#withDriver(async ({ inside }) => {
        const values = await inside.index.getMany([...keys]);
        await inside.write(keys.map((key, i) => ({ key, value: values[i] ?? null })));
      }),
    );
  }

  async #stateProperties({ misstated }: Wounds): Promise<void> {
    if (misstated.length === 0) return;
    for (const { lost } of misstated) {
      if (lost === undefined) continue;
      this.#lost++;
      this.#options.onLost(lost);
    }
    await this.#mend(
      `what ${misstated.length} mailboxes and accounts are is stated anew, as their newest changes say`,
      () => this.#withDriver(async (driver) => driver.inside.write(await propertyOperations(driver, misstated))),
    );
  }

  async #noteShares({ unnoted }: Wounds): Promise<void> {
    if (unnoted.length === 0) return;
    await this.#mend(`${unnoted.length} notes of who shares mailboxes with whom are written anew`, () =>
      this.#withDriver(async ({ directory }) => void (await directory.put(unnoted))),
    );
  }

  async #mendMail(wounds: Wounds): Promise<void> {
    const { dryRun, onLost } = this.#options;
    const { lost } = wounds;
    if (lost.length + wounds.miscounted.length + wounds.missummed.length === 0 && !hasGaps(wounds)) return;
    for (const { finding } of lost) {
      this.#lost++;
      onLost(finding);
    }
    if (dryRun) {
      this.#tellCounters(wounds);
      return;
    }
    await this.#withDriver(async (driver) => {
      for (const message of lost) await this.#keepBody(message, wounds.read);
      await driver.inside.write(
        lost.map(({ blob, finding }) => ({ key: lostKey(blob), value: Buffer.from(findingLine(finding)) })),
      );
    });
    await this.#withDriver(async (driver) => driver.inside.write(await counterOperations(driver, wounds)));
    this.#tellCounters(wounds);
    if (hasGaps(wounds)) await this.#withDriver((driver) => this.#closeGaps(driver));
  }

  #tellCounters({ miscounted, missummed }: Wounds): void {
    for (const { at } of miscounted)
      this.#tell(`counters of mailbox ${at.mailbox} of account ${at.account} are counted anew`);
    for (const { account } of missummed) this.#tell(`sums of account ${account} are counted anew`);
  }

  #tell(what: string): void {
    this.#mended++;
    this.#options.onMended(what);
  }

  async #keepBody({ place, finding: { file } }: LostMessage, read: SegmentsRead | undefined): Promise<void> {
    const record = read?.damagedBodies.get(place);
    if (record === undefined || file === undefined) return;
    // Those before what the disk cannot read.
    await keepBytes(this.#options.directory, { file, from: record.offset, end: record.end }).catch(ignoreUnreadable);
  }

  /** Behind a gap the log begins anew: whoever was told less is told to begin from the state. */
  async #closeGaps(driver: LevelDriver): Promise<void> {
    const limits = { ...DEFAULT_STORE_LIMITS, logRecordsKept: 0 };
    const indexes = new IdleIndexes(limits.idleIndexMessagesMax);
    const ignored = { grown: () => undefined, onTrouble: () => undefined };
    const accounts = new LoadedAccounts({ driver, limits, indexes, now: Date.now }, ignored);
    const closing = new AbortController().signal;
    const rest = {
      now: Date.now,
      inTurns: new Set<Promise<unknown>>(),
      snapshotTurns: new TurnQueue(),
      closing,
      loaded: () => undefined,
      sharers: new NotedSharers(),
      copiedWhileCounting: null,
    };
    const bounds = { cache: new ChunkCache(limits.chunkCacheBytes), tailRoom: new TailRoom(limits) };
    const context = { driver, limits, indexes, accounts, ...bounds, ...rest };
    for (const [id] of (await driver.sweep(null)).touched) await trimLog(context, await accounts.get(id));
    this.#tell("clients read the state anew: the log of changes has a gap");
    accounts.close();
  }

  async #withDriver(task: (driver: LevelDriver) => Promise<void>): Promise<void> {
    const lock = { release: () => Promise.resolve() };
    const driver = await openLockedDriver({ directory: this.#options.directory }, lock);
    try {
      await task(driver);
    } finally {
      await driver.close();
    }
  }

  async #withSegments(task: (segments: Segments) => Promise<void>): Promise<void> {
    const segments = await Segments.list(new DiskFiles(join(this.#options.directory, "segments")), LEVEL_LIMITS);
    try {
      await task(segments);
    } finally {
      await segments.close();
    }
  }
}
