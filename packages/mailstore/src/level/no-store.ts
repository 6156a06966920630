// Directories that look like a store and are none: mail that a server takes into a backup is gone with the next backup, and
// what a restore has not copied yet is missing without a trace.
import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";

/** Says what a backup consists of. */
export const BACKUP_FILE = "backup.json";
/** There as long as a restore has not copied everything. */
export const RESTORING_FILE = "restoring";

/** Rejects where a directory is a backup, or not restored to the end. */
export async function refuseNoStore(directory: string): Promise<void> {
  if (await isThere(join(directory, BACKUP_FILE))) {
    throw new Error(`${resolve(directory)} is a backup: pushmail restore makes a data directory of it`);
  }
  if (await isThere(join(directory, RESTORING_FILE))) {
    throw new Error(`${resolve(directory)} was not restored to the end: empty it, and restore again`);
  }
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw error;
  }
}
