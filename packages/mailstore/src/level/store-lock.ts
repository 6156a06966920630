// One process at a time has a data directory open. The lock is that of an empty LevelDB beside the index: the system
// gives it up when the process ends, and the index need not be opened, which changes its files, to find out.
import { rm } from "node:fs/promises";
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
    // Nothing is kept in it: where it is damaged, it is made anew.
    await rm(join(directory, "lock"), { recursive: true, force: true });
    return openLock(directory);
  });
  await writeHolder(directory);
  return {
    async release() {
      await removeHolder(directory);
      await lock.close();
    },
  };
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
