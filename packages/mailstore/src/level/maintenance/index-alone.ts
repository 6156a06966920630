// What maintenance asks of an index that is sound, while the store on it is not open.
import { encodeCheckpoint } from "../checkpoints.ts";
import { readIndexedEnd } from "../indexed-end.ts";
import { checkpointKey } from "../keys.ts";
import { LEVEL_LIMITS } from "../limits.ts";
import type { LogPosition } from "../log-writer.ts";
import { flushDatabase, openDatabase, type ClassicLevel } from "../open-directory.ts";

/** How far the log reached at least, by the word of the index. */
export function readProvenEnd(directory: string): Promise<LogPosition | undefined> {
  return withDatabase(directory, readIndexedEnd);
}

/**
 * Lets the next replay begin behind what the index holds. Where a part of that is lost in the log, going over it again
 * would be a step back.
 */
export function replayBehindIndex(directory: string, nextNumber: number): Promise<void> {
  return withDatabase(directory, async (database) => {
    const end = await readIndexedEnd(database);
    if (end === undefined) return;
    await flushDatabase(database);
    const batch = database.batch();
    batch.put(checkpointKey(), encodeCheckpoint({ end, nextNumber, staged: [] }));
    await batch.write({ sync: true });
  });
}

async function withDatabase<T>(directory: string, task: (database: ClassicLevel) => Promise<T>): Promise<T> {
  const database = await openDatabase(directory, LEVEL_LIMITS);
  try {
    return await task(database);
  } finally {
    await database.close();
  }
}
