// The packs of all mailboxes in a LevelDB of their own. In a mailbox they follow each other by UID, and whatever is not
// above the last one is indexed or gone: so the last UID says how far the mailbox is indexed.
// All of it can be made again. It is written without a sync, and thrown away where it is damaged or was made otherwise.
import { mkdir, rm } from "node:fs/promises";
import type { Level } from "level";
import type { MailboxAt, Uid, UidRange } from "@pushmail/mailstore";
import { FORMAT_KEY, type Kind, KINDS, mailboxOfKey, packKey, packRange } from "./keys.ts";
import type { SearchIndexLimits } from "./limits.ts";
import { decodePack, encodePack, type IndexedMessage, PackDamage, type PackedFilter } from "./pack.ts";

/** To be raised with every change of keys, packs, hashes or filters. */
const FORMAT_VERSION = 1;
/** Those of short mails, which are a few KB each; of longer ones packBytesMax is the bound. */
const PACKS_AT_ONCE = 64;
const OPTIONS = {
  keyEncoding: "buffer",
  valueEncoding: "buffer",
  // Filters look random.
  compression: false,
} as const;

interface Pack {
  readonly key: Buffer;
  readonly filters: readonly PackedFilter[];
}

export interface PackStoreOptions {
  readonly directory: string;
  readonly format: string;
  readonly limits: SearchIndexLimits;
}

export class PackStore {
  readonly #level: Level<Buffer, Buffer>;
  readonly #options: PackStoreOptions;

  private constructor(level: Level<Buffer, Buffer>, options: PackStoreOptions) {
    this.#level = level;
    this.#options = options;
  }

  /** Opens what is in the directory, or begins anew where that cannot be used or is of another format. */
  static async open(options: PackStoreOptions): Promise<PackStore> {
    const { directory } = options;
    const format = Buffer.from(`${FORMAT_VERSION} ${options.format}`);
    const found = await openLevel(directory).catch((error: Error) => {
      if ((error.cause as { code?: unknown } | undefined)?.code === "LEVEL_LOCKED" || wantsDescriptors(error))
        throw error;
      return undefined;
    });
    const foundFormat = await found?.get(FORMAT_KEY).catch(async (error: Error) => {
      if (!wantsDescriptors(error)) return undefined;
      await found.close();
      throw error;
    });
    if (found !== undefined && foundFormat?.equals(format) === true) return new PackStore(found, options);
    await found?.close();
    await rm(directory, { recursive: true, force: true });
    const level = await openLevel(directory);
    await level.put(FORMAT_KEY, format).catch(async (error: unknown) => {
      await level.close();
      throw error;
    });
    return new PackStore(level, options);
  }

  /** The filters of a mailbox, pack by pack, ascending: those of the messages in a range and some more. */
  async *packs(kind: Kind, at: MailboxAt, [first, last]: UidRange): AsyncGenerator<Pack> {
    // The pack that has `first` begins before it.
    const before = { ...packRange(kind, at, [0, first]), reverse: true, limit: 1 };
    const [start = packKey(kind, at, first)] = await this.#level.keys(before).all();
    // LevelDB's own bound of 16 KiB would make each pack a read of its own.
    const { packBytesMax: highWaterMarkBytes } = this.#options.limits;
    const iterator = this.#level.iterator({ gte: start, lte: packKey(kind, at, last), highWaterMarkBytes });
    try {
      for (;;) {
        const entries = await iterator.nextv(PACKS_AT_ONCE);
        if (entries.length === 0) return;
        for (const [key, value] of entries) yield { key, filters: decodePack(key, value) };
      }
    } finally {
      await iterator.close();
    }
  }

  /** The UID up to which a mailbox is indexed. */
  async lastUid(at: MailboxAt): Promise<Uid> {
    const last = await this.#lastPack("message", at);
    return last?.filters.at(-1)?.uid ?? 0;
  }

  /** Adds messages, ascending, whose UIDs are above those of all that the mailbox has. */
  async append(at: MailboxAt, messages: readonly IndexedMessage[]): Promise<void> {
    const batch = this.#level.batch();
    for (const kind of KINDS) {
      let filters: readonly PackedFilter[] = messages.map((message) => ({ uid: message.uid, filter: message[kind] }));
      // With one that is no larger it becomes one: each message is written again a few times, and packs are few.
      for await (const before of this.#lastPacks(kind, at)) {
        if (!this.#fit(before.filters, filters)) break;
        batch.del(before.key);
        filters = [...before.filters, ...filters];
      }
      const key = packKey(kind, at, filters[0]?.uid ?? 0);
      batch.put(key, encodePack(key, filters));
    }
    await batch.write();
  }

  #fit(before: readonly PackedFilter[], filters: readonly PackedFilter[]): boolean {
    const { packMessagesMax, packBytesMax } = this.#options.limits;
    const both = before.length + filters.length;
    return (
      before.length <= filters.length && both <= packMessagesMax && bytesOf(before) + bytesOf(filters) <= packBytesMax
    );
  }

  /** Removes the messages of a range that are not to be kept; no others are asked for, but near its ends. */
  async retain(at: MailboxAt, isKept: (uid: Uid) => boolean, range: UidRange): Promise<void> {
    for (const kind of KINDS) {
      for await (const { key, filters } of this.packs(kind, at, range)) {
        const kept = filters.filter(({ uid }) => isKept(uid));
        if (kept.length === filters.length) continue;
        const batch = this.#level.batch().del(key);
        const newKey = packKey(kind, at, kept[0]?.uid ?? 0);
        if (kept.length > 0) batch.put(newKey, encodePack(newKey, kept));
        await batch.write();
      }
    }
  }

  /** Forgets a mailbox. */
  async drop(at: MailboxAt): Promise<void> {
    for (const kind of KINDS) await this.#level.clear(packRange(kind, at));
  }

  /** Every mailbox of which something is stored. */
  async *mailboxes(): AsyncGenerator<MailboxAt> {
    const { gte, lte } = { ...packRange("message", START), lte: packRange("message", END).lte };
    for (let range: { gte: Buffer } | { gt: Buffer } = { gte }; ;) {
      const [key] = await this.#level.keys({ ...range, lte, limit: 1 }).all();
      if (key === undefined) return;
      const at = mailboxOfKey(key);
      yield at;
      range = { gt: packRange("message", at).lte };
    }
  }

  /** Octets on disk, about. */
  bytes(): Promise<number> {
    const { gte } = packRange("envelope", START);
    const level = this.#level as Level<Buffer, Buffer> & {
      approximateSize(start: Buffer, end: Buffer): Promise<number>;
    };
    return level.approximateSize(gte, packRange("message", END).lte);
  }

  close(): Promise<void> {
    return this.#level.close();
  }

  /** Closes it, and leaves nothing of it. */
  async destroy(): Promise<void> {
    await this.close();
    await rm(this.#options.directory, { recursive: true, force: true });
  }

  /** Whether an error says that what is stored cannot be used. */
  isAtFault(error: unknown): boolean {
    return error instanceof PackDamage || String((error as { code?: unknown }).code).startsWith("LEVEL_");
  }

  async #lastPack(kind: Kind, at: MailboxAt): Promise<Pack | undefined> {
    for await (const pack of this.#lastPacks(kind, at)) return pack;
    return undefined;
  }

  /** From the last one on backwards. */
  async *#lastPacks(kind: Kind, at: MailboxAt): AsyncGenerator<Pack> {
    for await (const [key, value] of this.#level.iterator({ ...packRange(kind, at), reverse: true })) {
      yield { key, filters: decodePack(key, value) };
    }
  }
}

/** Whether an error says only that there were no descriptors, and nothing of what is stored. */
export function wantsDescriptors(error: unknown): boolean {
  const { message, cause } = error as Error;
  return message.includes("Too many open files") || (cause instanceof Error && wantsDescriptors(cause));
}

const START = { account: 0, mailbox: 0 } as MailboxAt;
const END = { account: 2 ** 32 - 1, mailbox: 2 ** 32 - 1 } as MailboxAt;

function bytesOf(filters: readonly PackedFilter[]): number {
  return filters.reduce((bytes, { filter }) => bytes + filter.length, 0);
}

async function openLevel(directory: string): Promise<Level<Buffer, Buffer>> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // A server without an index does not load it.
  const { Level } = await import("level");
  const level = new Level<Buffer, Buffer>(directory, OPTIONS);
  await level.open();
  return level;
}
