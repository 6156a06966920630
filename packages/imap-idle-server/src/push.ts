// Tells a client what is new whenever it may be told: at the end of a command, in IDLE, and with NOTIFY at any time.
// Register, then read, then wait: whatever happens after the first step is found by the second or ends the third.
import { printContinuation, printUntagged, SyntaxFault, type ResponseCode } from "@pushmail/imap-wire";
import { cursor, type AccountId, type AccountInfo, type Cursor, type MailboxId } from "@pushmail/mailstore";
import { endIfGone, listReachableOf } from "./access.ts";
import { lineOf } from "./command-input.ts";
import type { Authenticated, Selected, Session, SessionState } from "./command.ts";
import type { Connection } from "./connection.ts";
import { heldModSeq, tellUpdates, type Told } from "./mailbox-sync.ts";
import { News } from "./notify/gather-news.ts";
import { feedsOf, stopFeeds, type Feed, type Listening } from "./notify/listening.ts";
import { ALL_OF_SELECTED, METADATA_ALONE, Subscription, type SelectedWants } from "./notify/subscription.ts";
import { tellAllMetadata, tellNamesOfOther, tellNews } from "./notify/tell-news.ts";

const DONE = /^DONE[ \t]*$/i;

export interface PushOptions {
  /** Whether the numbers are in use, so that no EXPUNGE may be told (RFC 9051 7.5.1). */
  readonly holdsExpunge: boolean;
  /** Whether the command has expunged, so that this is told even to a client that wants no news. */
  readonly hasExpunged?: boolean;
}

/** In IDLE no number is in use. */
const AT_ANY_TIME: PushOptions = { holdsExpunge: false };

const NONE_LEFT: ReadonlySet<MailboxId> = new Set();

export class Push {
  readonly #session: Session;
  readonly #connection: Connection;
  readonly #keepAliveMs: number;
  #listening: Listening | undefined;
  /** Ends the watch over the account whose mailbox is selected, where no feed is of it. */
  #unfollow: (() => void) | undefined;

  /** `random` spreads the keep-alives of many sessions. */
  constructor(session: Session, connection: Connection, random: number) {
    this.#session = session;
    this.#connection = connection;
    this.#keepAliveMs = session.limits.keepAliveMs * (0.9 + 0.2 * random);
  }

  /** Whether the client is told of news between its commands. */
  get isListening(): boolean {
    return this.#listening?.isNotify === true;
  }

  /** What the client has asked to be told of the selected mailbox; all, where that is nothing. */
  get wantsOfSelected(): SelectedWants {
    return this.#listening?.subscription.selected ?? ALL_OF_SELECTED;
  }

  /** Begins to tell what a subscription wants, in place of what was told before. */
  async listen(state: Authenticated | Selected, subscription: Subscription): Promise<void> {
    // What has happened by now is told as it was asked for.
    if (this.#listening !== undefined) await this.#tellListening(state, this.#listening, undefined);
    await this.#begin(state.account, { subscription, isNotify: subscription.isActive });
    this.enter(state);
  }

  /** Begins to tell of metadata with the client's commands and in IDLE; what NOTIFY says goes before. */
  async listenToMetadata(account: AccountInfo): Promise<void> {
    if (this.#listening !== undefined) return;
    await this.#begin(account, { subscription: METADATA_ALONE, isNotify: false });
  }

  async #begin(account: AccountInfo, wanted: Omit<Listening, "feeds" | "sharersVersion">): Promise<void> {
    const { store } = this.#session;
    const { isActive, namesOthers } = wanted.subscription;
    const sharersVersion = store.sharersVersion();
    const others = namesOthers ? await store.sharersWith(account) : [];
    const owners = isActive ? [account, ...others] : [];
    const before = this.#listening?.feeds;
    const listening = { ...wanted, feeds: feedsOf(before, owners), sharersVersion };
    try {
      for (const owner of owners) {
        if (listening.feeds.has(owner.id)) continue;
        const { known } = await this.#addFeed(listening, owner);
        if (owner.id === account.id) continue;
        for (const { status } of await listReachableOf(store, account, owner)) known.set(status.id, status.name);
      }
    } catch (error) {
      // What was told before is told further.
      stopFeeds(listening.feeds, before);
      throw error;
    }
    this.#listening = listening;
    stopFeeds(before, listening.feeds);
  }

  async #addFeed({ feeds }: Listening, owner: AccountInfo): Promise<Feed> {
    const feed: Feed = {
      owner,
      stop: this.#watch(owner.id, () => (feed.isWoken = true)),
      isWoken: false,
      through: cursor(0),
      own: new Set(),
      left: NONE_LEFT,
      known: new Map(),
    };
    // Before anything is waited for: whatever becomes of that, the watch is ended with the others.
    feeds.set(owner.id, feed);
    feed.through = await this.#session.store.cursor(owner.id);
    return feed;
  }

  /** Begins to follow those that share something since NOTIFY was said. */
  async #addSharers(state: Authenticated | Selected, listening: Listening): Promise<void> {
    const { subscription, feeds } = listening;
    const { store } = this.#session;
    const sharersVersion = store.sharersVersion();
    if (!subscription.namesOthers || listening.sharersVersion === sharersVersion) return;
    for (const owner of await store.sharersWith(state.account)) {
      if (feeds.has(owner.id)) continue;
      try {
        const { known } = await this.#addFeed(listening, owner);
        await tellNamesOfOther(this.#session, { state, subscription, owner, known });
      } catch (error) {
        // The next time it is begun anew.
        feeds.get(owner.id)?.stop();
        feeds.delete(owner.id);
        throw error;
      }
    }
    listening.sharersVersion = sharersVersion;
  }

  /** Tells no more of what was asked for. */
  stop(): void {
    stopFeeds(this.#listening?.feeds, undefined);
    this.#unfollow?.();
    this.#unfollow = undefined;
    this.#listening = undefined;
  }

  /** Takes note of a change that the client itself has made. */
  own(cursor: Cursor, account: AccountId): void {
    this.#listening?.feeds.get(account)?.own.add(cursor);
  }

  /** Takes note of what is selected now: who listens is told of that too, whosever it is. */
  enter(state: SessionState): void {
    this.#unfollow?.();
    this.#unfollow = undefined;
    if (state.name !== "selected" || !this.isListening) return;
    const { account } = state.handle;
    if (this.#listening?.feeds.has(account) !== true) this.#unfollow = this.#watch(account);
  }

  /** Takes note that a mailbox is no longer the selected one. */
  leave({ handle, view }: Selected): void {
    const isBehind = view.through < (handle.status?.highestModSeq ?? 0);
    const feed = this.#listening?.feeds.get(handle.account);
    if (feed === undefined || !isBehind) return;
    feed.isWoken = true;
    feed.left = new Set([...feed.left, handle.id]);
  }

  /** Tells all that is new; returns a HIGHESTMODSEQ that must be told with it. */
  tell(state: Authenticated | Selected, options: PushOptions): Told {
    const highest = state.name === "selected" ? this.#tellSelected(state, options) : undefined;
    return this.#listening === undefined ? highest : this.#tellListening(state, this.#listening, highest);
  }

  async #tellListening(
    state: Authenticated | Selected,
    listening: Listening,
    selected: Told,
  ): Promise<Cursor | undefined> {
    const highest = await selected;
    await this.#addSharers(state, listening);
    for (const feed of listening.feeds.values()) {
      // An overflow ends what was listened to.
      if (!feed.isWoken || listening !== this.#listening) continue;
      // What comes from here on wakes it again.
      feed.isWoken = false;
      const { through } = feed;
      try {
        await this.#tellElsewhere(state, listening, feed);
      } catch (error) {
        // What could not be read is told later. What was left is told in the answer to that command, or never.
        feed.isWoken = true;
        feed.through = through;
        throw error;
      }
    }
    return highest;
  }

  #tellSelected(state: Selected, { holdsExpunge, hasExpunged }: PushOptions): Told {
    endIfGone(state);
    const asked = this.#listening === undefined ? ALL_OF_SELECTED : this.#listening.subscription.selected;
    const wants = asked ?? (hasExpunged === true ? ALL_OF_SELECTED : undefined);
    if (wants === undefined) return heldModSeq(this.#session, state);
    return tellUpdates(this.#session, state, { holdsExpunge: holdsExpunge && wants.delayed, wants });
  }

  /** Tells what is new while the client is silent; gives when it wants to be called again. */
  pause(state: Authenticated | Selected, options: PushOptions): number | Promise<number> {
    // What comes while output is under way is read when that has left: one write, not one for each change.
    if (!this.#connection.hasLeft()) return this.#dueMs;
    const { sendCount } = this.#connection;
    const highest = this.tell(state, options);
    return highest instanceof Promise
      ? highest.then((late) => this.#send(late, sendCount))
      : this.#send(highest, sendCount);
  }

  /** Sends what was told, of which some may have left, or after long silence that the server is still here. */
  #send(highest: Cursor | undefined, sendCountBefore: number): number | Promise<number> {
    const { hasOutput, sendCount } = this.#connection;
    let lastWord = "";
    if (!hasOutput && sendCount === sendCountBefore) {
      if (this.#session.now() >= this.#dueMs) lastWord = printUntagged("OK", "Still here");
    } else if (highest !== undefined) lastWord = printUntagged("OK", "Highest", highestModSeq(highest));
    const full = this.#connection.flush(lastWord);
    return full === undefined ? this.#dueMs : full.then(() => this.#dueMs);
  }

  get #dueMs(): number {
    return this.#connection.sentAtMs + this.#keepAliveMs;
  }

  /** Tells whatever happens at once, until the client says DONE (RFC 2177). */
  async idle(state: Authenticated | Selected): Promise<void> {
    const stops = this.#watchAll(state);
    try {
      await this.#session.write(printContinuation("idling"));
      const pause = (): number | Promise<number> => this.pause(state, AT_ANY_TIME);
      const line = lineOf(await this.#connection.read(Infinity, { pause }), this.#connection);
      if (!DONE.test(line)) throw new SyntaxFault("Expected DONE");
    } finally {
      for (const stop of stops) stop();
    }
  }

  #watchAll(state: Authenticated | Selected): (() => void)[] {
    const selected = state.name === "selected" ? [state.handle.account] : [];
    const accounts = new Set([state.account.id, ...selected]);
    return Array.from(accounts, (account) => this.#watch(account));
  }

  #watch(account: AccountId, note?: () => void): () => void {
    return this.#session.store.watch(account, () => {
      note?.();
      this.#connection.signal.raise();
    });
  }

  async #tellElsewhere(state: Authenticated | Selected, listening: Listening, feed: Feed): Promise<void> {
    const { subscription, isNotify } = listening;
    const { owner, own, known } = feed;
    const audience = { state, subscription, owner, known };
    const { store, limits } = this.#session;
    const news = new News();
    for (const mailbox of feed.left) news.addMailbox(mailbox);
    feed.left = NONE_LEFT;
    const recordsMax = isNotify ? limits.notifyRecordsMax : Infinity;
    let records = 0;
    for (let more = true; more;) {
      const page = await store.changes(owner.id, feed.through, limits.changeRecordsMax);
      feed.through = page.through;
      if (page.tooOld && !isNotify) return tellAllMetadata(this.#session, audience);
      if (page.tooOld || (records += page.records.length) > recordsMax) return this.#overflow(state);
      for (const record of page.records) {
        if (own.has(record.cursor)) news.addAccess(record);
        else news.add(record);
      }
      more = page.more;
    }
    own.clear();
    await tellNews(this.#session, audience, news);
  }

  /** RFC 5465 5.8: too much has happened to be told; the client is told so, and from then on nothing. */
  async #overflow(state: Authenticated | Selected): Promise<void> {
    await this.#session.write(printUntagged("OK", "Too much has changed to be told", "NOTIFICATIONOVERFLOW"));
    await this.#begin(state.account, { subscription: new Subscription([]), isNotify: false });
    this.enter(state);
  }
}

export function highestModSeq(value: Cursor): ResponseCode {
  return { code: "HIGHESTMODSEQ", value };
}
