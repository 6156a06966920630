// Messages in groups whose octets are read at once: while one group is told or searched, the next is being read.
import type { BlobRange, MailStore } from "@pushmail/mailstore";
import type { ReadRoom, ReadRooms } from "./read-rooms.ts";
import { stepThrough } from "./step-through.ts";

/** What a message counts for that is read alone: of a mailbox of large ones all would be one group, and be held at once. */
const ALONE_OCTETS = 256;

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

export interface GroupOptions {
  readonly groupOctetsMax: number;
  /** For who looks at a group's octets before the next group is asked for, and not later. */
  readonly rooms?: ReadRooms;
}

/** Gives the messages in order, in groups of about `groupOctetsMax`; at most two groups are held. */
export async function* readGroups<Item>(
  store: Pick<MailStore, "bodies">,
  batches: AsyncIterable<readonly Wanted<Item>[]>,
  { groupOctetsMax, rooms }: GroupOptions,
): AsyncGenerator<readonly ReadItem<Item>[]> {
  let underWay: Reading<Item> | undefined;
  for await (const group of grouped(batches, groupOctetsMax)) {
    const started = startReading(store, group, rooms?.take());
    if (underWay !== undefined) yield* taken(underWay, rooms);
    underWay = started;
  }
  if (underWay !== undefined) yield* taken(underWay, rooms);
}

interface Reading<Item> {
  readonly items: Promise<readonly ReadItem<Item>[]>;
  readonly room: ReadRoom | undefined;
}

async function* taken<Item>(
  { items, room }: Reading<Item>,
  rooms: ReadRooms | undefined,
): AsyncGenerator<readonly ReadItem<Item>[]> {
  yield await items;
  if (room !== undefined) rooms?.giveBack(room);
}

function startReading<Item>(
  store: Pick<MailStore, "bodies">,
  group: readonly Wanted<Item>[],
  room: ReadRoom | undefined,
): Reading<Item> {
  const items = readGroup(store, group, room);
  // Whoever takes it is told of its failure; one that nobody takes may fail.
  items.catch(() => undefined);
  return { items, room };
}

async function* grouped<Item>(
  batches: AsyncIterable<readonly Wanted<Item>[]>,
  groupOctetsMax: number,
): AsyncGenerator<readonly Wanted<Item>[]> {
  let group: Group<Item> = { items: [], bytes: 0 };
  for await (const batch of batches) {
    for (let at = 0; at < batch.length;) {
      at = fill(group, batch, { at, groupOctetsMax });
      if (group.bytes < groupOctetsMax) continue;
      yield group.items;
      group = { items: [], bytes: 0 };
    }
  }
  if (group.items.length > 0) yield group.items;
}

interface Group<Item> {
  readonly items: Wanted<Item>[];
  bytes: number;
}

/** Adds those of a batch from `at` on until it is large enough; gives where the next one begins. */
function fill<Item>(
  group: Group<Item>,
  batch: readonly Wanted<Item>[],
  { at, groupOctetsMax }: { readonly at: number; readonly groupOctetsMax: number },
): number {
  let next = at;
  while (next < batch.length && group.bytes < groupOctetsMax) {
    const wanted = batch[next++] as Wanted<Item>;
    group.items.push(wanted);
    for (const { start, end } of wanted.ranges) group.bytes += end - start;
    if (wanted.ranges.length === 0) group.bytes += ALONE_OCTETS;
  }
  return next;
}

async function readGroup<Item>(
  store: Pick<MailStore, "bodies">,
  group: readonly Wanted<Item>[],
  room: ReadRoom | undefined,
): Promise<readonly ReadItem<Item>[]> {
  const ranges = group.flatMap((wanted) => wanted.ranges);
  const octets = ranges.length === 0 ? [] : await store.bodies(ranges, room?.take);
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
    const step = (item: Item): Promise<void> | undefined => {
      mapped.push(map(item));
      return rest();
    };
    await stepThrough(batch, { step });
    yield mapped;
  }
}
