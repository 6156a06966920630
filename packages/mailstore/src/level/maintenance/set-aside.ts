// Damaged files are kept, in `damaged/` of the data directory: nobody but the operator removes them.
import { mkdir, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { syncDirectory } from "../disk-files.ts";
import type { DriverLog } from "../driver-log.ts";
import { makeLastingDirectory } from "../make-directory.ts";
import { StoreDamage } from "../store-damage.ts";
import { copyIndex } from "./copy-index.ts";
import { keptIndexes, soundKeptIndex } from "./kept-index.ts";
import { readVersion } from "./leveldb-version.ts";
import { verifyIndexFiles } from "./verify-index-files.ts";
import { isLogWhole } from "./whole-log.ts";

/** Where damaged bytes of a data directory are kept. */
export async function damagedFolder(directory: string): Promise<string> {
  const folder = join(directory, "damaged");
  await makeLastingDirectory(folder);
  return folder;
}

/** Moves a file or directory there, and returns its new place. */
async function setAside(directory: string, path: string): Promise<string> {
  const place = join(
    await damagedFolder(directory),
    `${basename(path)}-${new Date().toISOString().replaceAll(":", "")}`,
  );
  await rename(path, place);
  for (const parent of [dirname(path), dirname(place)]) await syncDirectory(parent);
  return place;
}

/** Verifies the index before it is opened. A damaged one is set aside, where all that was in it can be had elsewhere. */
export async function setAsideDamagedIndex(directory: string, log: DriverLog): Promise<void> {
  for await (const damage of damagesOfIndex(directory)) {
    const source = await replaceIndex(directory, { dryRun: false });
    if (source === undefined) {
      const what = `${damage.what}, and the log no longer holds all that the index did`;
      throw new StoreDamage(what, damage.file, damage.offset, { cause: damage });
    }
    log.warn({ damage: damage.message }, `the index is damaged: set aside, and made again from ${source}`);
    return;
  }
}

/** Every damage of the index of a directory, which is not open. */
export async function* damagesOfIndex(directory: string): AsyncGenerator<StoreDamage> {
  const index = join(directory, "index");
  let isDamaged = false;
  for await (const damage of verifyIndexFiles(index)) {
    isDamaged = true;
    yield damage;
  }
  if (isDamaged || (await readVersion(index)) !== undefined) return;
  if ((await keptIndexes(directory)).length > 0) yield new StoreDamage("the index is missing", index, 0);
}

/** Puts in the place of the index what an open makes it again from; names that, or is undefined where there is nothing. */
export async function replaceIndex(
  directory: string,
  { dryRun }: { readonly dryRun: boolean },
): Promise<string | undefined> {
  const index = join(directory, "index");
  const isWhole = await isLogWhole(join(directory, "segments"));
  const kept = isWhole ? undefined : await soundKeptIndex(directory);
  if (!isWhole && kept === undefined) return undefined;
  if (!dryRun) {
    const part = join(directory, "index.part");
    for (const path of [part, index]) await mkdir(path, { recursive: true, mode: 0o700 });
    if (kept !== undefined) await copyIndex(kept, part, undefined);
    await setAside(directory, index);
    await rename(part, index);
    await syncDirectory(directory);
  }
  return isWhole ? "the log" : "its second copy and the log";
}
