// One process at a time has a data directory open. The lock is that of an empty LevelDB beside the index: the system
// gives it up when the process ends, and the index need not be opened, which changes its files, to find out.
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { removeHolder, StoreLocked, writeHolder } from "./holder.ts";
import { openLevel } from "./open-level.ts";

export interface StoreLock {
  release(): Promise<void>;
}

/** Rejects with code `STORE_LOCKED` where another has it. */
export async function lockStore(directory: string): Promise<StoreLock> {
  const location = join(directory, "lock");
  const lock = await openLevel(location).catch(async (error: unknown) => {
    if (error instanceof StoreLocked) throw error;
    await empty(location).catch(() => undefined);
    return openLevel(location);
  });
  await writeHolder(directory);
  return {
    async release() {
      await removeHolder(directory);
      await lock.close();
    },
  };
}

/** Nothing is kept in it: where it is damaged, it is made anew, but for the file that another may hold. */
async function empty(lock: string): Promise<void> {
  for (const name of await readdir(lock)) if (name !== "LOCK") await rm(join(lock, name), { force: true });
}
