// Reading ahead: while one message is told or searched, the next few are being read.

/** Starts at most `depth` readings before the first of them is taken, and gives each item with its reading, in order. */
export async function* readAhead<Item, Reading>(
  items: readonly Item[],
  depth: number,
  read: (item: Item) => Promise<Reading>,
): AsyncGenerator<readonly [Item, Reading]> {
  const started: Promise<Reading>[] = [];
  for (const [i, item] of items.entries()) {
    while (started.length < depth && i + started.length < items.length) {
      const reading = read(items[i + started.length] as Item);
      // Who takes it is told; a reading that nobody takes may fail.
      reading.catch(() => undefined);
      started.push(reading);
    }
    yield [item, await (started.shift() as Promise<Reading>)];
  }
}
