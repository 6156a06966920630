// Keeps one mailbox indexed, by the change feed: what was expunged leaves, then what came is added, a pack at a time.
// What it has seen of the feed is not stored: what is indexed is compared with what is there when it begins.
import {
  type ChangeRecord,
  type Cursor,
  type MailboxAt,
  type MailboxHandle,
  type MailStore,
  type MessageDetails,
  normalizeUidSet,
  type Uid,
  uidSetHas,
  uidSetOf,
  type UidSet,
} from "@pushmail/mailstore";
import type { GramSet } from "./gram-set.ts";
import { ALL_UIDS, KINDS } from "./keys.ts";
import type { SearchIndexLimits } from "./limits.ts";
import type { IndexedMessage } from "./pack.ts";
import type { PackStore } from "./pack-store.ts";

const UNKNOWN = new Uint8Array(0);

/** What messages are described with. */
export interface DescribeTools {
  /** Where the grams of one message after the other are gathered. */
  readonly envelope: GramSet;
  readonly message: GramSet;
  /** To be called, and awaited, before each stretch of work. */
  readonly rest: () => Promise<void> | undefined;
}

/** Makes the filters of messages, in their order. */
export type DescribeMessages = (
  messages: AsyncIterable<readonly MessageDetails[]>,
  tools: DescribeTools,
) => AsyncIterable<IndexedMessage>;

export interface FollowerOptions {
  readonly store: MailStore;
  readonly describe: DescribeMessages;
  readonly limits: SearchIndexLimits;
  readonly tools: DescribeTools;
  /** Whatever is under way is broken off. */
  readonly end: AbortSignal;
}

export class MailboxFollower {
  readonly at: MailboxAt;
  readonly #options: FollowerOptions;
  /** The cursor seen through; undefined before the first comparison. */
  #through: Cursor | undefined;
  /** All up to this UID is indexed. */
  #indexedTo: Uid = 0;
  #behind = 0;

  constructor(at: MailboxAt, options: FollowerOptions) {
    this.at = at;
    this.#options = options;
  }

  /** Messages that were there and not indexed when it last looked. */
  get behind(): number {
    return this.#behind;
  }

  /** Whether all is indexed, and nothing has happened here since. What happened in other mailboxes is passed over. */
  async isUpToDate(): Promise<boolean> {
    const { store } = this.#options;
    const through = await store.cursor(this.at.account);
    const { highestModSeq = Infinity } = (await store.mailboxAt(this.at)) ?? {};
    if (this.#behind > 0 || this.#through === undefined || highestModSeq > this.#through) return false;
    this.#through = through;
    return true;
  }

  /** Does a share of what is due; returns whether there is more. Refused where the mailbox is gone. */
  step(packs: PackStore, { isFull }: { readonly isFull: boolean }): Promise<boolean> {
    return this.#withHandle(async (handle) => {
      const isUpToDate = await this.#removeExpunged(packs, handle);
      const due = await this.#lookFor(handle);
      const isComplete = isFull || due.length === 0 || (await this.#addPack(packs, handle, due));
      return !(isUpToDate && isComplete);
    });
  }

  /** Removes what is no longer there. Refused where the mailbox is gone. */
  async tidy(packs: PackStore): Promise<void> {
    await this.#withHandle((handle) => this.#compare(packs, handle));
  }

  async #withHandle<Result>(use: (handle: MailboxHandle) => Promise<Result>): Promise<Result> {
    const handle = await this.#options.store.open(this.at);
    try {
      return await use(handle);
    } finally {
      handle.release();
    }
  }

  /** Returns whether the feed was read to its end. */
  async #removeExpunged(packs: PackStore, handle: MailboxHandle): Promise<boolean> {
    const { store, limits } = this.#options;
    const { account, mailbox } = this.at;
    if (this.#through === undefined) return this.#compare(packs, handle);
    const page = await store.changes(account, this.#through, limits.changeRecordsMax, mailbox);
    if (page.tooOld) return this.#compare(packs, handle);
    const expunged = normalizeUidSet(page.records.flatMap((record) => this.#expungedIn(record)));
    const [first, last] = [expunged[0]?.[0], expunged.at(-1)?.[1]];
    if (first !== undefined) await packs.retain(this.at, (uid) => !uidSetHas(expunged, uid), [first, last ?? first]);
    this.#through = page.through;
    return !page.more;
  }

  #expungedIn({ changes }: ChangeRecord): UidSet {
    return changes.flatMap((change) =>
      change.type === "MessageExpunged" && change.mailbox === this.at.mailbox ? change.uids : [],
    );
  }

  /** Finds out what is indexed, and removes what is no longer there. */
  async #compare(packs: PackStore, handle: MailboxHandle): Promise<boolean> {
    // First the cursor: what happens meanwhile is read again.
    const through = await this.#options.store.cursor(this.at.account);
    const index = await handle.ready();
    let kept = 0;
    const isKept = (uid: Uid): boolean => {
      const isThere = index.rowOf(uid) >= 0;
      if (isThere) kept++;
      return isThere;
    };
    await packs.retain(this.at, isKept, ALL_UIDS);
    this.#indexedTo = await packs.lastUid(this.at);
    // A power cut may have taken packs from between others: with them it begins anew.
    if (kept < KINDS.length * index.lowerBound(this.#indexedTo + 1)) {
      await packs.drop(this.at);
      this.#indexedTo = 0;
    }
    this.#through = through;
    return true;
  }

  /** The next UIDs that are not indexed. */
  async #lookFor(handle: MailboxHandle): Promise<Uint32Array> {
    const index = await handle.ready();
    const from = index.lowerBound(this.#indexedTo + 1);
    this.#behind = index.count - from;
    return index.uids.slice(from, Math.min(index.count, from + this.#options.limits.packMessagesMax));
  }

  /** Returns whether nothing is left. */
  async #addPack(packs: PackStore, handle: MailboxHandle, uids: Uint32Array): Promise<boolean> {
    const { describe, limits, tools, end } = this.#options;
    let messages: IndexedMessage[] = [];
    let bytes = 0;
    for await (const message of ofEach(uids, describe(handle.details(uidSetOf(uids)), tools))) {
      if (end.aborted) return true;
      messages.push(message);
      bytes += message.message.length;
      if (bytes < limits.packBytesMax) continue;
      await packs.append(this.at, messages);
      this.#indexedTo = message.uid;
      messages = [];
      bytes = 0;
    }
    if (messages.length > 0) await packs.append(this.at, messages);
    this.#indexedTo = uids.at(-1) as Uid;
    return (await this.#lookFor(handle)).length === 0;
  }
}

/** What is described of messages, in their order; of those that are damaged nothing is, which rules out nothing. */
async function* ofEach(uids: Uint32Array, described: AsyncIterable<IndexedMessage>): AsyncGenerator<IndexedMessage> {
  let next = 0;
  for await (const message of described) {
    while (next < uids.length && (uids[next] as Uid) < message.uid) yield unknown(uids[next++] as Uid);
    next++;
    yield message;
  }
  while (next < uids.length) yield unknown(uids[next++] as Uid);
}

function unknown(uid: Uid): IndexedMessage {
  return { uid, envelope: UNKNOWN, message: UNKNOWN };
}
