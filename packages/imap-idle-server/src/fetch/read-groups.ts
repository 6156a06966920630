// Messages in groups whose octets are read at once: while one group is told or searched, the next is being read.
import type { BlobRange, MailStore } from "@pushmail/mailstore";

/** What is to be read for a message; nothing where it is too much to be held. */
export interface Wanted<Item> {
  readonly item: Item;
  readonly ranges: readonly BlobRange[];
}

/** A message with the octets of its ranges; undefined for those that have to be read alone. */
export interface ReadItem<Item> {
  readonly item: Item;
  readonly octets: readonly (Uint8Array | undefined)[];
}

/** Gives the messages in order, in groups of about `groupBytesMax`; at most two groups are held. */
export async function* readGroups<Item>(
  store: Pick<MailStore, "bodies">,
  batches: AsyncIterable<readonly Wanted<Item>[]>,
  groupBytesMax: number,
): AsyncGenerator<readonly ReadItem<Item>[]> {
  let underWay: Promise<readonly ReadItem<Item>[]> | undefined;
  for await (const group of grouped(batches, groupBytesMax)) {
    const started = readGroup(store, group);
    // Whoever takes it is told of its failure; one that nobody takes may fail.
    started.catch(() => undefined);
    if (underWay !== undefined) yield await underWay;
    underWay = started;
  }
  if (underWay !== undefined) yield await underWay;
}

async function* grouped<Item>(
  batches: AsyncIterable<readonly Wanted<Item>[]>,
  groupBytesMax: number,
): AsyncGenerator<readonly Wanted<Item>[]> {
  let group: Wanted<Item>[] = [];
  let bytes = 0;
  for await (const batch of batches) {
    for (const wanted of batch) {
      group.push(wanted);
      for (const { start, end } of wanted.ranges) bytes += end - start;
      if (bytes < groupBytesMax) continue;
      yield group;
      group = [];
      bytes = 0;
    }
  }
  if (group.length > 0) yield group;
}

async function readGroup<Item>(
  store: Pick<MailStore, "bodies">,
  group: readonly Wanted<Item>[],
): Promise<readonly ReadItem<Item>[]> {
  const ranges = group.flatMap((wanted) => wanted.ranges);
  const octets = ranges.length === 0 ? [] : await store.bodies(ranges);
  let at = 0;
  return group.map((wanted) => ({ item: wanted.item, octets: octets.slice(at, (at += wanted.ranges.length)) }));
}

/** Each message of the batches as `map` makes it; what `rest` gives is waited for behind each. */
export async function* mapBatches<Item, Mapped>(
  batches: AsyncIterable<readonly Item[]>,
  map: (item: Item) => Mapped,
  rest: () => Promise<void> | undefined,
): AsyncGenerator<readonly Mapped[]> {
  for await (const batch of batches) {
    const mapped: Mapped[] = [];
    for (const item of batch) {
      mapped.push(map(item));
      const pause = rest();
      if (pause !== undefined) await pause;
    }
    yield mapped;
  }
}
