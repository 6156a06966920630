// Damaged files are kept, in `damaged/` of the data directory: nobody but the operator removes them.
import { mkdir, rename } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { syncDirectory } from "../disk-files.ts";
import type { DriverLog } from "../driver-log.ts";
import { StoreDamage } from "../store-damage.ts";
import { verifyIndexFiles } from "./verify-index-files.ts";
import { isLogWhole } from "./whole-log.ts";

/** Where damaged bytes of a data directory are kept. */
export async function damagedFolder(directory: string): Promise<string> {
  const folder = join(directory, "damaged");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Moves a file or directory there, and returns its new place. */
export async function setAside(directory: string, path: string): Promise<string> {
  const place = join(
    await damagedFolder(directory),
    `${basename(path)}-${new Date().toISOString().replaceAll(":", "")}`,
  );
  await rename(path, place);
  for (const parent of [dirname(path), dirname(place)]) await syncDirectory(parent);
  return place;
}

/** Verifies the index before it is opened. A damaged one is set aside, if the log has all that was in it. */
export async function setAsideDamagedIndex(directory: string, log: DriverLog): Promise<void> {
  const index = join(directory, "index");
  for await (const damage of verifyIndexFiles(index)) {
    if (!(await isLogWhole(join(directory, "segments")))) {
      const what = `${damage.what}, and the log no longer holds all that the index did`;
      throw new StoreDamage(what, damage.file, damage.offset, { cause: damage });
    }
    const place = await setAside(directory, index);
    log.warn({ damage: damage.message, place }, "the index is damaged: set aside, and made again from the log");
    return;
  }
}
