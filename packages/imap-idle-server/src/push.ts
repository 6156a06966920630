// Tells a client what is new whenever it may be told: at the end of a command, in IDLE, and with NOTIFY at any time.
// Register, then read, then wait: whatever happens after the first step is found by the second or ends the third.
import { printContinuation, printUntagged, SyntaxFault, type ResponseCode } from "@pushmail/imap-wire";
import type { AccountInfo, Cursor, MailboxId } from "@pushmail/mailstore";
import { readLine } from "./command-input.ts";
import type { Authenticated, Selected, Session } from "./command.ts";
import type { Connection } from "./connection.ts";
import { endIfDeleted, heldModSeq, tellUpdates } from "./mailbox-sync.ts";
import { News } from "./notify/gather-news.ts";
import { ALL_OF_SELECTED, METADATA_ALONE, Subscription } from "./notify/subscription.ts";
import { tellAllMetadata, tellNews } from "./notify/tell-news.ts";

const DONE = /^DONE[ \t]*$/i;

export interface PushOptions {
  /** Whether the numbers are in use, so that no EXPUNGE may be told (RFC 9051 7.5.1). */
  readonly holdsExpunge: boolean;
  /** Whether the command has expunged, so that this is told even to a client that wants no news. */
  readonly hasExpunged?: boolean;
}

/** What the client has asked for, and how far it was told: a cursor. */
interface Listening {
  readonly account: AccountInfo;
  readonly subscription: Subscription;
  /** Undefined where nothing is told between the client's commands, outside of IDLE. */
  readonly stop: (() => void) | undefined;
  through: Cursor;
  /** Changes that the client itself has made since it was told (RFC 5465 5). */
  readonly own: Set<Cursor>;
  /** Mailboxes that were left before all of their changes were told. */
  readonly left: Set<MailboxId>;
}

export class Push {
  readonly #session: Session;
  readonly #connection: Connection;
  readonly #keepAliveMs: number;
  #listening: Listening | undefined;

  /** `random` spreads the keep-alives of many sessions. */
  constructor(session: Session, connection: Connection, random: number) {
    this.#session = session;
    this.#connection = connection;
    this.#keepAliveMs = session.limits.keepAliveMs * (0.9 + 0.2 * random);
  }

  /** Whether the client is told of news between its commands. */
  get isListening(): boolean {
    return this.#listening?.stop !== undefined;
  }

  /** Begins to tell what a subscription wants, from now on and in place of what was told before. */
  async listen(account: AccountInfo, subscription: Subscription): Promise<void> {
    this.stop();
    await this.#listen(account, subscription, subscription.isActive ? this.#watch(account) : undefined);
  }

  /** Begins to tell of metadata with the client's commands and in IDLE; what NOTIFY says goes before. */
  async listenToMetadata(account: AccountInfo): Promise<void> {
    if (this.#listening === undefined) await this.#listen(account, METADATA_ALONE, undefined);
  }

  async #listen(account: AccountInfo, subscription: Subscription, stop: Listening["stop"]): Promise<void> {
    const through = await this.#session.store.cursor(account.id);
    this.#listening = { account, subscription, stop, through, own: new Set(), left: new Set() };
  }

  stop(): void {
    this.#listening?.stop?.();
  }

  /** Takes note of a change that the client itself has made. */
  own(cursor: Cursor): void {
    if (this.#listening?.subscription.isActive === true) this.#listening.own.add(cursor);
  }

  /** Takes note that a mailbox is no longer the selected one. */
  leave({ handle, view }: Selected): void {
    const isBehind = view.through < (handle.status?.highestModSeq ?? 0);
    if (isBehind && this.#listening?.subscription.selected !== undefined) this.#listening.left.add(handle.id);
  }

  /** Tells all that is new; returns a HIGHESTMODSEQ that must be told with it. */
  async tell(state: Authenticated | Selected, options: PushOptions): Promise<Cursor | undefined> {
    const highest = state.name === "selected" ? await this.#tellSelected(state, options) : undefined;
    const selected = state.name === "selected" ? state.handle.id : undefined;
    if (this.#listening?.subscription.isActive === true) await this.#tellElsewhere(this.#listening, selected);
    return highest;
  }

  async #tellSelected(state: Selected, { holdsExpunge, hasExpunged }: PushOptions): Promise<Cursor | undefined> {
    endIfDeleted(state);
    const asked = this.#listening === undefined ? ALL_OF_SELECTED : this.#listening.subscription.selected;
    const wants = asked ?? (hasExpunged === true ? ALL_OF_SELECTED : undefined);
    if (wants === undefined) return heldModSeq(this.#session, state);
    return tellUpdates(this.#session, state, { holdsExpunge: holdsExpunge && wants.delayed, wants });
  }

  /** Tells what is new while the client is silent; returns when it wants to be called again. */
  async pause(state: Authenticated | Selected, options: PushOptions): Promise<number> {
    // What comes while output is under way is read when that has left: one write, not one for each change.
    if (this.#connection.hasLeft()) {
      const highest = await this.tell(state, options);
      const isNews = this.#connection.hasOutput;
      if (highest !== undefined && isNews) await this.#write("Highest", highestModSeq(highest));
      const isSilent = this.#session.now() >= this.#connection.sentAtMs + this.#keepAliveMs;
      if (isSilent && !isNews) await this.#write("Still here");
      await this.#session.flush();
    }
    return this.#connection.sentAtMs + this.#keepAliveMs;
  }

  /** Tells whatever happens at once, until the client says DONE (RFC 2177). */
  async idle(state: Authenticated | Selected): Promise<void> {
    const stop = this.#watch(state.account);
    try {
      await this.#session.write(printContinuation("idling"));
      const pause = (): Promise<number> => this.pause(state, { holdsExpunge: false });
      const line = await readLine(this.#connection, Infinity, { pause });
      if (!DONE.test(line)) throw new SyntaxFault("Expected DONE");
    } finally {
      stop();
    }
  }

  #watch(account: AccountInfo): () => void {
    return this.#session.store.watch(account.id, () => this.#connection.signal.raise());
  }

  async #tellElsewhere(listening: Listening, selected: MailboxId | undefined): Promise<void> {
    const { account, own, left } = listening;
    const isNotify = listening.stop !== undefined;
    const { store, limits } = this.#session;
    const news = new News();
    for (const mailbox of left) news.addMailbox(mailbox);
    left.clear();
    const recordsMax = isNotify ? limits.notifyRecordsMax : Infinity;
    let records = 0;
    for (let more = true; more;) {
      const page = await store.changes(account.id, listening.through, limits.changeRecordsMax);
      listening.through = page.through;
      if (page.tooOld && !isNotify) return tellAllMetadata(this.#session, { ...listening, selected });
      if (page.tooOld || (records += page.records.length) > recordsMax) return this.#overflow(account);
      for (const record of page.records) if (!own.has(record.cursor)) news.add(record);
      more = page.more;
    }
    own.clear();
    await tellNews(this.#session, { ...listening, selected }, news);
  }

  /** RFC 5465 5.8: too much has happened to be told; the client is told so, and from then on nothing. */
  async #overflow(account: AccountInfo): Promise<void> {
    await this.#write("Too much has changed to be told", "NOTIFICATIONOVERFLOW");
    await this.listen(account, new Subscription([]));
  }

  #write(text: string, code?: ResponseCode): Promise<void> | undefined {
    return this.#session.write(printUntagged("OK", text, code));
  }
}

export function highestModSeq(value: Cursor): ResponseCode {
  return { code: "HIGHESTMODSEQ", value };
}
