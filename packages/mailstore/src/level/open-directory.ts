// Opens the driver on a directory.
import { readdir, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { StoreDriver } from "../driver.ts";
import { DiskFiles, syncDirectory } from "./disk-files.ts";
import { openDriver, type LevelDriver } from "./driver.ts";
import { SILENT, type DriverLog } from "./driver-log.ts";
import type { KeyDatabase } from "./key-index.ts";
import { lastKey } from "./keys.ts";
import { LEVEL_LIMITS, type LevelLimits } from "./limits.ts";
import { dropKeptIndexes, keepIndex } from "./maintenance/kept-index.ts";
import { ignoreMissing } from "./maintenance/leveldb-version.ts";
import { setAsideDamagedIndex } from "./maintenance/set-aside.ts";
import { makeDirectory, makeLastingDirectory } from "./make-directory.ts";
import { refuseNoStore } from "./no-store.ts";
import { openLevel } from "./open-level.ts";
import { takeInRestored } from "./restored.ts";
import type { StepListener } from "./steps.ts";
import { ensureStoreId } from "./store-id.ts";
import { lockStore, type StoreLock } from "./store-lock.ts";

export interface LevelDriverOptions {
  /** Made if it is not there; one process at a time may have it open. */
  readonly directory: string;
  readonly limits?: Partial<LevelLimits>;
  readonly log?: DriverLog;
  /** For crash tests. */
  readonly onStep?: StepListener;
  /** Milliseconds since 1970; the system's clock by default. */
  readonly now?: () => number;
}

export async function openDirectory(options: LevelDriverOptions): Promise<StoreDriver> {
  const directory = resolve(options.directory);
  const segments = join(directory, "segments");
  const index = join(directory, "index");
  await refuseNoStore(directory);
  await makeLastingDirectory(directory);
  for (const path of [segments, index]) await makeDirectory(path);
  await syncDirectory(directory);
  const lock = await lockStore(directory);
  let driver: LevelDriver | undefined;
  try {
    await ensureStoreId(directory);
    await setAsideDamagedIndex(directory, options.log ?? SILENT);
    driver = await openLockedDriver(options, lock);
    await takeInRestored(directory, driver.directory);
    return driver;
  } catch (error) {
    if (driver === undefined) await lock.release();
    else await driver.close();
    throw error;
  }
}

/** Opens a directory whose index is sound; closing the driver gives up the lock. */
export async function openLockedDriver(options: LevelDriverOptions, lock: StoreLock): Promise<LevelDriver> {
  const directory = resolve(options.directory);
  const limits = { ...LEVEL_LIMITS, ...options.limits };
  const [segments, index] = [join(directory, "segments"), join(directory, "index")];
  await makeDirectory(index);
  // Of a process that was killed while it tried.
  await rm(trialIn(index), { force: true });
  let database: ClassicLevel | undefined;
  try {
    database = await openDatabase(directory, limits);
    const opened = database;
    return await openDriver({
      files: new DiskFiles(segments),
      index: {
        location: index,
        database: opened,
        flush: () => flushDatabase(opened),
        keep: () => keepIndex(directory),
        dropKept: () => dropKeptIndexes(directory),
        tryOpen: () => tryRoom(index),
      },
      limits,
      log: options.log ?? SILENT,
      onStep: options.onStep ?? (() => undefined),
      now: options.now ?? Date.now,
      release: () => lock.release(),
    });
  } catch (error) {
    await database?.close();
    throw error;
  }
}

/** `level` is classic-level under Node; its own types are those that it shares with browsers. */
export type ClassicLevel = KeyDatabase & { compactRange(start: Buffer, end: Buffer): Promise<void> };

/** Opens the index of a directory by itself. */
export async function openDatabase(directory: string, { writeBufferBytes }: LevelLimits): Promise<ClassicLevel> {
  const options = { keyEncoding: "buffer", valueEncoding: "buffer", writeBufferSize: writeBufferBytes };
  return (await openLevel(join(directory, "index"), options)) as unknown as ClassicLevel;
}

/** An empty range: LevelDB makes its memtable a synced table first, and has nothing to do then. */
export function flushDatabase(database: ClassicLevel): Promise<void> {
  return database.compactRange(lastKey(), lastKey());
}

/** Room for what LevelDB writes when it opens: its log as a table, and some small files. */
async function tryRoom(index: string): Promise<void> {
  let bytes = 64 * 1024;
  for (const name of await readdir(index)) {
    // LevelDB may remove it meanwhile.
    if (name.endsWith(".log")) bytes += (await stat(join(index, name)).catch(ignoreMissing))?.size ?? 0;
  }
  const trial = trialIn(index);
  try {
    await writeFile(trial, Buffer.alloc(bytes), { mode: 0o600, flush: true });
  } finally {
    await rm(trial, { force: true });
  }
}

function trialIn(index: string): string {
  return join(index, "trial");
}
