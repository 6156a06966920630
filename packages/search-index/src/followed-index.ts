// The index at work: one task at a time, in which the mailboxes that something is due for take turns.
import { existsSync } from "node:fs";
import { type MailboxAt, Refusal, type Uid } from "@pushmail/mailstore";
import { GramSet } from "./gram-set.ts";
import { type Kind, KINDS } from "./keys.ts";
import { type DescribeTools, MailboxFollower, type FollowerOptions } from "./mailbox-follower.ts";
import type { IndexLog, SearchIndex, SearchIndexStatus } from "./open-search-index.ts";
import { Pace } from "./pace.ts";
import { PackStore, type PackStoreOptions, wantsDescriptors } from "./pack-store.ts";
import { RuledOut, TEXTS_MAX } from "./ruled-out.ts";
import { mayHave, type SoughtGrams } from "./sought-grams.ts";

type IndexOptions = Omit<FollowerOptions, "tools" | "end"> & PackStoreOptions & { readonly log: IndexLog };

interface Following {
  readonly follower: MailboxFollower;
  readonly stop: () => void;
}

export class FollowedIndex implements SearchIndex {
  readonly #options: IndexOptions;
  readonly #pace: Pace;
  readonly #followerOptions: FollowerOptions;
  /** What is open; it is made when it is asked for first, and opened again or made anew once it could not be used. */
  #packs: PackStore | undefined;
  #opening: Promise<PackStore> | undefined;
  /** What is to be closed before, or thrown away, and until when nothing is tried. */
  #left: { readonly packs: PackStore; readonly isSound: boolean } | undefined;
  #retryAtMs = 0;
  /** By account and mailbox; those last searched are last. */
  readonly #following: Map<string, Following> = new Map();
  readonly #due: Set<MailboxFollower> = new Set();
  #turn: Promise<void> = Promise.resolve();
  #isScheduled = false;
  readonly #end: AbortController = new AbortController();
  #isFull = false;

  constructor(options: IndexOptions) {
    this.#options = options;
    this.#pace = new Pace(options.limits, this.#end.signal);
    const { filterBytesMax } = options.limits;
    const tools: DescribeTools = {
      envelope: new GramSet(filterBytesMax),
      message: new GramSet(filterBytesMax),
      rest: () => this.#pace.rest(),
    };
    this.#followerOptions = { ...options, tools, end: this.#end.signal };
    // To open one that is there takes longer than to search it: nobody has to wait for that.
    if (existsSync(options.directory)) setImmediate(() => this.#openAhead());
  }

  get status(): SearchIndexStatus {
    let behind = 0;
    for (const { follower } of this.#following.values()) behind += follower.behind;
    return { mailboxes: this.#following.size, behind };
  }

  async ruledOut(
    at: MailboxAt,
    texts: readonly SoughtGrams[],
    range: readonly [first: Uid, last: Uid],
  ): Promise<((uid: Uid) => number) | undefined> {
    if (this.#end.signal.aborted || performance.now() < this.#retryAtMs) return undefined;
    this.#follow(at);
    // To make one takes longer than many a search, and there would be nothing in it.
    if (this.#packs === undefined && !existsSync(this.#options.directory)) return undefined;
    let packs: PackStore | undefined;
    try {
      packs = await this.#open();
      const asked = texts.slice(0, TEXTS_MAX);
      const known: RuledOut[] = [];
      for (const kind of KINDS) known.push(await ruledOutBy(kind, asked, packs.packs(kind, at, range)));
      return (uid) => known.reduce((bits, out) => bits | out.of(uid), 0);
    } catch (error) {
      if (packs !== undefined) this.#discard(packs, error);
      return undefined;
    }
  }

  async caughtUp(): Promise<void> {
    for (let turn: Promise<void> | undefined; turn !== this.#turn;) await (turn = this.#turn);
  }

  sweep(): Promise<void> {
    return this.#inTurn(async () => {
      // Where nobody ever searched, there is nothing.
      if (this.#end.signal.aborted || (this.#packs === undefined && !existsSync(this.#options.directory))) return;
      const packs = await this.#open();
      try {
        for await (const at of packs.mailboxes()) {
          await this.#pace.rest();
          if (this.#end.signal.aborted) return;
          if (!this.#following.has(nameOf(at))) await this.#tidy(new MailboxFollower(at, this.#followerOptions), packs);
        }
      } catch (error) {
        this.#discard(packs, error);
      }
    });
  }

  async close(): Promise<void> {
    this.#end.abort();
    for (const { follower } of this.#following.values()) this.#leave(follower);
    await this.caughtUp();
    await this.#opening?.catch(() => undefined);
    await this.#packs?.close();
    await this.#left?.packs.close();
  }

  #follow(at: MailboxAt): void {
    const name = nameOf(at);
    const known = this.#following.get(name);
    this.#following.delete(name);
    if (known !== undefined) {
      this.#following.set(name, known);
      return;
    }
    const follower = new MailboxFollower(at, this.#followerOptions);
    const stop = this.#options.store.watch(at.account, () => this.#wake(follower));
    this.#following.set(name, { follower, stop });
    this.#wake(follower);
    const [oldest] = this.#following.values();
    if (oldest !== undefined && this.#following.size > this.#options.limits.mailboxesMax) this.#leave(oldest.follower);
  }

  #leave(follower: MailboxFollower): void {
    this.#due.delete(follower);
    const name = nameOf(follower.at);
    const known = this.#following.get(name);
    if (known?.follower !== follower) return;
    known.stop();
    this.#following.delete(name);
  }

  #wake(follower: MailboxFollower): void {
    this.#due.add(follower);
    if (this.#isScheduled || this.#end.signal.aborted) return;
    this.#isScheduled = true;
    void this.#inTurn(() => this.#work());
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    // Whoever fails has told why.
    this.#turn = this.#turn.then(task).catch(() => undefined);
    return this.#turn;
  }

  async #work(): Promise<void> {
    await this.#pace.lag();
    this.#isScheduled = false;
    const startMs = performance.now();
    for (const follower of this.#due) {
      await this.#pace.rest();
      if (this.#end.signal.aborted) return;
      // It may have been left meanwhile.
      if (!this.#due.delete(follower)) continue;
      const packs = await this.#open();
      const hasMore = await this.#step(follower, packs);
      // Another one may follow the mailbox by now.
      if (hasMore && this.#following.get(nameOf(follower.at))?.follower === follower) this.#due.add(follower);
    }
    const ms = Math.round(performance.now() - startMs);
    this.#options.log.debug({ ...this.status, ms }, "the search index is up to date");
  }

  #openAhead(): void {
    // Whoever searches learns of it where it cannot be opened.
    if (!this.#end.signal.aborted) this.#open().catch(() => undefined);
  }

  async #open(): Promise<PackStore> {
    if (this.#packs !== undefined) return this.#packs;
    this.#opening ??= this.#openAnew().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #openAnew(): Promise<PackStore> {
    try {
      const left = this.#left;
      await (left?.isSound === true ? left.packs.close() : left?.packs.destroy());
      this.#left = undefined;
      return (this.#packs = await PackStore.open(this.#options));
    } catch (error) {
      this.#pause();
      this.#options.log.error({ err: error }, "the search index cannot be opened, searches look at every message");
      throw error;
    }
  }

  /** Follows nothing and is asked nothing for a while: what fails again and again fills no log. */
  #pause(): void {
    this.#retryAtMs = performance.now() + this.#options.limits.retryMs;
    for (const { follower } of this.#following.values()) this.#leave(follower);
  }

  /** Returns whether there is more to do for the mailbox. */
  async #step(follower: MailboxFollower, packs: PackStore): Promise<boolean> {
    try {
      if (await follower.isUpToDate()) return false;
      const bytes = await packs.bytes();
      const isFull = bytes >= this.#options.limits.diskBytesMax;
      if (isFull && !this.#isFull)
        this.#options.log.warn({ bytes }, "the search index is full, nothing more is indexed");
      this.#isFull = isFull;
      return await follower.step(packs, { isFull });
    } catch (error) {
      await this.#giveUp(follower, packs, error);
      return false;
    }
  }

  async #tidy(follower: MailboxFollower, packs: PackStore): Promise<void> {
    try {
      await follower.tidy(packs);
    } catch (error) {
      await this.#giveUp(follower, packs, error);
    }
  }

  async #giveUp(follower: MailboxFollower, packs: PackStore, error: unknown): Promise<void> {
    if (packs.isAtFault(error)) return this.#discard(packs, error);
    this.#leave(follower);
    // The mailbox was deleted.
    if (error instanceof Refusal) await packs.drop(follower.at).catch((failure) => this.#discard(packs, failure));
    else this.#options.log.warn({ ...follower.at, err: error }, "a mailbox cannot be indexed");
  }

  /** It is opened again for those who search later; throws all away, where that may be what is wrong. */
  #discard(packs: PackStore, error: unknown): void {
    // Somebody else has found out, or closed it.
    if (this.#packs !== packs || this.#end.signal.aborted) return;
    this.#packs = undefined;
    // LevelDB may keep to it that it failed: even what is sound is not used on.
    const isSound = wantsDescriptors(error);
    this.#left = { packs, isSound };
    this.#pause();
    const how = isSound ? "opened again later" : "made anew";
    this.#options.log.warn({ err: error }, `the search index cannot be used, and is ${how}`);
  }
}

function nameOf({ account, mailbox }: MailboxAt): string {
  return `${account} ${mailbox}`;
}

async function ruledOutBy(
  kind: Kind,
  texts: readonly SoughtGrams[],
  packs: ReturnType<PackStore["packs"]>,
): Promise<RuledOut> {
  const asked = texts.flatMap((text, i) => (text.in === kind ? [{ text, bit: 1 << i }] : []));
  const out = new RuledOut();
  if (asked.length === 0) return out;
  for await (const { filters } of packs) {
    for (const { uid, filter } of filters) {
      let bits = 0;
      for (const { text, bit } of asked) if (!mayHave(filter, text)) bits |= bit;
      if (bits !== 0) out.add(uid, bits);
    }
  }
  return out;
}
