// Reading ahead: while one message is told or searched, the next few are being read.

type Batches<Item> = AsyncIterable<readonly Item[]> | Iterable<readonly Item[]>;

/** Gives each item with its reading, in order; at most `depth` readings are under way or wait to be taken. */
export async function* readAhead<Item, Reading>(
  batches: Batches<Item>,
  depth: number,
  read: (item: Item) => Promise<Reading>,
): AsyncGenerator<readonly [Item, Reading]> {
  const started: (readonly [Item, Promise<Reading>])[] = [];
  for await (const batch of batches) {
    for (const item of batch) {
      const reading = read(item);
      // Whoever takes it is told of its failure; one that nobody takes may fail.
      reading.catch(() => undefined);
      if (started.push([item, reading]) >= depth) yield await takeFirst(started);
    }
  }
  while (started.length > 0) yield await takeFirst(started);
}

async function takeFirst<Item, Reading>(
  started: (readonly [Item, Promise<Reading>])[],
): Promise<readonly [Item, Reading]> {
  const [item, reading] = started.shift() as readonly [Item, Promise<Reading>];
  return [item, await reading];
}
