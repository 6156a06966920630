// One process at a time has a data directory open. The lock is that of an empty LevelDB beside the index: the system
// gives it up when the process ends, and the index need not be opened, which changes its files, to find out.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { Level } from "level";
import { describeHolder, removeHolder, StoreLocked, writeHolder } from "./holder.ts";

export interface StoreLock {
  release(): Promise<void>;
}

/** Rejects with code `STORE_LOCKED` where another has it. */
export async function lockStore(directory: string): Promise<StoreLock> {
  const lock = await openLock(directory).catch(async (error: unknown) => {
    if (error instanceof StoreLocked) throw error;
    await emptyLock(directory);
    return openLock(directory);
  });
  try {
    await writeHolder(directory);
  } catch (error) {
    await lock.close();
    throw error;
  }
  return {
    async release() {
      try {
        await removeHolder(directory);
      } finally {
        await lock.close();
      }
    },
  };
}

/** Nothing is kept in it: where it is damaged, it is made anew, but for the file that another may hold. */
async function emptyLock(directory: string): Promise<void> {
  const lock = join(directory, "lock");
  for (const name of await readdir(lock).catch(() => []))
    if (name !== "LOCK") await rm(join(lock, name), { force: true });
}

async function openLock(directory: string): Promise<{ close(): Promise<void> }> {
  const lock = new Level(join(directory, "lock"));
  try {
    await lock.open();
    return lock;
  } catch (error) {
    const cause = (error as { readonly cause?: { readonly code?: unknown } }).cause;
    if (cause?.code !== "LEVEL_LOCKED") throw error;
    throw new StoreLocked(directory, await describeHolder(directory), { cause: error });
  }
}
