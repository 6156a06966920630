// Copies LevelDB's files while it writes them. Tables never change; a manifest and a log only grow. So what a manifest
// names, with the logs behind it, is the database as it was at one moment.
import { constants } from "node:fs";
import { chmod, copyFile, link, mkdir, open, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { syncDirectory } from "../disk-files.ts";
import { ignoreMissing, logsFrom, numberOfFile, readVersion, type LeveldbVersion } from "./leveldb-version.ts";

/** How often the database may change while it is copied before that is given up. */
const TRIES_MAX = 50;

/** `known` is an older copy: those of its tables that the index still has need not be copied again. */
export async function copyIndex(from: string, to: string, known: string | undefined): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { mode: 0o700 });
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const version = await readVersion(from);
    if (version === undefined) return;
    const names = await copyVersion(version, from, { to, known });
    if (names === undefined) continue;
    for (const name of await readdir(to)) if (!names.has(name)) await rm(join(to, name));
    return syncDirectory(to);
  }
  throw new Error("the index changes faster than it can be copied");
}

/** The names that it consists of; undefined where one was removed meanwhile. Tables that were copied before are there. */
async function copyVersion(
  version: LeveldbVersion,
  from: string,
  { to, known }: { readonly to: string; readonly known: string | undefined },
): Promise<ReadonlySet<string> | undefined> {
  const names = await readdir(from);
  // The newest first: when it is there, those before it are complete.
  const logs = logsFrom(version.logNumber, names).reverse();
  if (version.logNumber > 0 && numberOfFile(logs.at(-1) ?? "", "log") !== version.logNumber) return undefined;
  try {
    for (const name of logs) await copySynced(join(from, name), join(to, name));
    // Only so much of it belongs to the version.
    const bytes = (await readFile(join(from, version.manifest))).subarray(0, version.manifestBytes);
    await writeFile(join(to, version.manifest), bytes, { mode: 0o600, flush: true });
    await writeFile(join(to, "CURRENT"), `${version.manifest}\n`, { mode: 0o600, flush: true });
    const tables = names.filter((name) => version.tables.has(numberOfFile(name, "ldb", "sst") ?? -1));
    if (tables.length < version.tables.size) return undefined;
    for (const name of tables) {
      const [table, copy] = [join(from, name), join(to, name)];
      if (await isSame(table, copy)) continue;
      // It may be one with a table of the older copy, which stays as it is.
      await rm(copy, { force: true });
      const isKnown = known !== undefined && (await isSame(table, join(known, name)));
      if (!isKnown || !(await isLinked(join(known, name), copy))) await copyTable(table, copy);
    }
    return new Set(["CURRENT", version.manifest, ...logs, ...tables]);
  } catch (error) {
    return ignoreMissing(error as NodeJS.ErrnoException);
  }
}

/** By size and time: an index that was made anew has other tables by the same names. */
async function isSame(table: string, known: string): Promise<boolean> {
  const [own, other] = [await stat(table), await stat(known).catch(ignoreMissing)];
  return own.size === other?.size && own.mtime.getTime() === other.mtime.getTime();
}

/** The copy keeps the time, by which the next one knows it. */
async function copyTable(from: string, to: string): Promise<void> {
  const { atime, mtime } = await stat(from);
  await copySynced(from, to);
  await utimes(to, atime, mtime);
}

async function isLinked(from: string, to: string): Promise<boolean> {
  return link(from, to).then(
    () => true,
    () => false,
  );
}

/** A copy that is on stable storage; of one mind with the original where the file system can share blocks. */
export async function copySynced(from: string, to: string): Promise<void> {
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  // As it has the mode of the original, it may not be ours to write.
  await chmod(to, 0o600);
  const copy = await open(to, "r+");
  try {
    await copy.sync();
  } finally {
    await copy.close();
  }
}
