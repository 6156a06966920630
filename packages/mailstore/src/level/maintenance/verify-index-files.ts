// Verifies LevelDB's files before it opens them: it checks neither the blocks that it reads nor whether its logs have a
// hole, and its opening would make the traces of the damage disappear.
import { open, readdir, readFile, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { floorKey, checkpointKey, isRecordKey } from "../keys.ts";
import { accountId } from "../../ids.ts";
import { StoreDamage } from "../store-damage.ts";
import { readLeveldbLog } from "./leveldb-log.ts";
import { LeveldbReader } from "./leveldb-reader.ts";
import { damagedBlocks, FileWindow } from "./leveldb-table.ts";
import { ignoreMissing, logsFrom, numberOfFile, readVersion, type LeveldbVersion } from "./leveldb-version.ts";
import { ignoreUnreadable } from "./readable-file.ts";

/** Every damage of an index that is not open. */
export async function* verifyIndexFiles(directory: string): AsyncGenerator<StoreDamage> {
  const names = (await readdir(directory).catch(ignoreMissing)) ?? [];
  let version: LeveldbVersion | undefined;
  try {
    version = await readVersion(directory);
  } catch (error) {
    yield error instanceof StoreDamage ? error : unreadable(error, directory);
    return;
  }
  if (version === undefined) {
    const left = names.find((name) => numberOfFile(name, "ldb", "sst") !== undefined);
    if (left !== undefined) yield new StoreDamage("the index has lost its CURRENT", join(directory, "CURRENT"), 0);
    return;
  }
  yield* verifyTables(directory, names, version);
  yield* verifyLogs(directory, names, version);
}

async function* verifyTables(
  directory: string,
  names: readonly string[],
  { tables }: LeveldbVersion,
): AsyncGenerator<StoreDamage> {
  const paths = new Map(names.map((name) => [numberOfFile(name, "ldb", "sst"), join(directory, name)]));
  const windows = [new FileWindow(), new FileWindow()] as const;
  const verify = ([number, size]: readonly [number, number], i: number): Promise<StoreDamage[]> => {
    const path = paths.get(number) ?? join(directory, `${String(number).padStart(6, "0")}.ldb`);
    return verifyTable(path, size, windows[i % 2] as FileWindow);
  };
  let before: Promise<StoreDamage[]> = Promise.resolve([]);
  for (const [i, table] of [...tables].entries()) {
    // It is read while the one before is verified.
    const own = verify(table, i);
    // Whoever has enough of one damage does not wait for it.
    own.catch(() => undefined);
    yield* await before;
    before = own;
  }
  yield* await before;
}

async function verifyTable(path: string, size: number, window: FileWindow): Promise<StoreDamage[]> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r").catch(ignoreMissing);
    if (file === undefined) return [new StoreDamage("a table of the index is missing", path, 0)];
    const found = (await file.stat()).size;
    if (found !== size)
      return [new StoreDamage("a table of the index has the wrong size", path, Math.min(found, size))];
    const damages = await damagedBlocks(file, window);
    return damages.map((at) => new StoreDamage("a block of the index fails its checksum", path, at));
  } catch (error) {
    return [unreadable(error, path)];
  } finally {
    await file?.close();
  }
}

/** Throws what is no trouble of the disk. */
function unreadable(error: unknown, path: string): StoreDamage {
  ignoreUnreadable(error);
  return new StoreDamage("the disk cannot read a file of the index", path, 0, { cause: error });
}

/**
 * A write that was synced proves that everything before it was. So a hole before one is damage; any other is what a power
 * cut leaves, and the replay fills it.
 */
async function* verifyLogs(
  directory: string,
  names: readonly string[],
  { logNumber, manifest }: LeveldbVersion,
): AsyncGenerator<StoreDamage> {
  const logs = logsFrom(logNumber, names);
  // The manifest names a log that was removed only after a newer manifest record: that record is gone.
  if (logNumber > 0 && !logs.some((name) => numberOfFile(name, "log") === logNumber)) {
    yield new StoreDamage("the newest log that the manifest names is missing", join(directory, manifest), 0);
  }
  const holes: StoreDamage[] = [];
  for (const name of logs) {
    const path = join(directory, name);
    const bytes = await readFile(path).catch((error: unknown) => unreadable(error, path));
    if (bytes instanceof StoreDamage) {
      yield bytes;
      continue;
    }
    const { records, damages } = readLeveldbLog(bytes);
    const synced = records.findLast(({ bytes }) => wasSynced(bytes))?.offset;
    if (synced !== undefined) yield* holes.splice(0);
    for (const at of damages) {
      const damage = new StoreDamage("the log of the index fails its checksum", path, at);
      if (synced !== undefined && at < synced) yield damage;
      else holes.push(damage);
    }
  }
}

/** Whether a batch is one that is synced, or one that is written only behind such: the removal of trimmed records. */
function wasSynced(batch: Buffer): boolean {
  const reader = new LeveldbReader(batch);
  reader.take(8);
  for (let left = reader.fixed(4); left > 0; left--) {
    const isPut = reader.byte() === 1;
    const key = reader.bytes();
    if (isPut) reader.bytes();
    if (isPut ? key.equals(checkpointKey()) || key[0] === FLOOR : isRecordKey(key)) return true;
  }
  return false;
}

const FLOOR = floorKey(accountId(0))[0];
