// What maintenance asks of an index that is sound, while the store on it is not open.
import { encodeCheckpoint } from "../checkpoints.ts";
import { readIndexedEnd } from "../indexed-end.ts";
import { checkpointKey } from "../keys.ts";
import { LEVEL_LIMITS } from "../limits.ts";
import type { LogPosition } from "../log-writer.ts";
import type { Segments } from "../segments.ts";
import { operationsAround, type LostStretch } from "./replay-around-loss.ts";
import { flushDatabase, openDatabase, type ClassicLevel } from "../open-directory.ts";

/** How far the log reached at least, by the word of the index. */
export function readProvenEnd(directory: string): Promise<LogPosition | undefined> {
  return withDatabase(directory, readIndexedEnd);
}

/**
 * Lets the next replay begin behind what the index holds. Where a part of that is lost in the log, going over it again
 * would be a step back: what the index lacks of the rest is written to it here.
 */
export function replayBehindIndex(directory: string, segments: Segments, lost: readonly LostStretch[]): Promise<void> {
  return withDatabase(directory, async (database) => {
    const end = await readIndexedEnd(database);
    if (end === undefined) return;
    await flushDatabase(database);
    const batch = database.batch();
    for (const { key, value } of await operationsAround(database, segments, { end, lost }))
      if (value === null) batch.del(key);
      else batch.put(key, value as Buffer);
    batch.put(checkpointKey(), encodeCheckpoint({ end, nextNumber: segments.nextNumber, staged: [] }));
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
