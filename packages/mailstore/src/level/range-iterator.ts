// Ranges of the index read whole. LevelDB keeps room for as many entries as it is asked for, 64 octets each, until the
// iterator is collected, and most ranges have few: a thousand sessions that opened their mailboxes held 6 MiB of it.

/** Entries that are asked for at first, and from then on. */
const FEW = 16;
const MANY = 1_000;

/** What of an AbstractIterator the driver uses. */
export interface RangeIterator<T> {
  nextv(size: number): Promise<T[]>;
  close(): Promise<void>;
}

/** Everything in a range. */
export async function readAll<T>(iterator: RangeIterator<T>): Promise<T[]> {
  const found: T[] = [];
  try {
    for (let size = FEW; ;) {
      const entries = await iterator.nextv(size);
      if (entries.length === 0) return found;
      found.push(...entries);
      if (entries.length === size) size = MANY;
    }
  } finally {
    await iterator.close();
  }
}
