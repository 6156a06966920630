// One mailbox of a loaded account: its head always, its contents while somebody needs them.
import type { DirectoryProperties } from "./account-state.ts";
import type { MailboxHead } from "./driver.ts";
import type { Uid } from "./ids.ts";
import { loadContents, type MailboxContents } from "./mailbox-contents.ts";
import type { MailboxEvent } from "./mailbox-events.ts";
import type { RightsEntry } from "./mailbox-rights.ts";
import { Refusal } from "./refusal.ts";
import type { MailboxAt, MailboxStatus, SpecialUse } from "./store.ts";
import type { StoreContext } from "./store-context.ts";
import { TurnQueue } from "./turn-queue.ts";

/** Where contents are read from, and what bounds them. */
type Source = Pick<StoreContext, "driver" | "limits" | "tailRoom">;

/** What a mailbox head's properties hold. */
export interface MailboxProperties {
  readonly name: string;
  readonly uidValidity: number;
  readonly specialUse: SpecialUse | null;
  /** What others may do; undefined where there is nothing. */
  readonly rights?: readonly RightsEntry[];
  /** As the account has it: what was given out under another one, or none, may name something else. */
  readonly restored?: string | undefined;
}

const NO_RIGHTS: readonly RightsEntry[] = [];

/** They stay in memory with the head: a Buffer would keep all of the pool that it is cut from. */
export function encodeProperties(properties: MailboxProperties | DirectoryProperties): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(properties));
}

/** RFC 9051 2.3.1.1: higher than any before. By the clock: what is lost of the store may have given out some more. */
export function nextUidValidity(last: number, nowMs: number): number {
  return Math.max(last + 1, Math.floor(nowMs / 1000));
}

export class MailboxState {
  readonly at: MailboxAt;
  /** Whoever changes anything but by appending takes a turn here: so a node never conflicts with itself (law 4). */
  readonly turns: TurnQueue = new TurnQueue();
  head: MailboxHead;
  properties: MailboxProperties;
  deleted = false;
  /** Who needs the contents to stay in memory: open handles and work under way. */
  holders = 0;
  /** Messages from this UID on were announced to no session yet (RFC 3501 2.3.2). */
  recentFrom: Uid;
  recentFromSaved: Uid;
  snapshotRunning: Promise<void> | null = null;
  /** As it was told last: every session that is woken asks several times. */
  #status: MailboxStatus | undefined;
  #contents: MailboxContents | null = null;
  /** Messages that the head counts more than there are, or fewer: changes that the log has lost. */
  #lost = 0;
  #loading: Promise<MailboxContents> | null = null;
  /** Events that came while loading; null otherwise. */
  #held: MailboxEvent[] | null = null;

  constructor(at: MailboxAt, head: MailboxHead, recentFrom: Uid) {
    this.at = at;
    this.head = head;
    this.properties = decodeProperties(head);
    this.recentFrom = recentFrom;
    this.recentFromSaved = recentFrom;
  }

  get contents(): MailboxContents | null {
    return this.#contents;
  }

  apply(head: MailboxHead | null, event: MailboxEvent): void {
    this.#status = undefined;
    if (head === null) this.deleted = true;
    else if (head.properties === this.head.properties) this.head = head;
    else {
      this.head = head;
      this.properties = decodeProperties(head);
    }
    if (this.#held !== null) this.#held.push(event);
    else if (this.#contents !== null) {
      // The log may have told of it before.
      if (event.cursor > this.#contents.through) this.#contents.apply(event);
      this.#lost = this.#lostIn(this.#contents);
    }
  }

  /** The contents, from memory or read in. */
  load(source: Source): Promise<MailboxContents> {
    if (this.#contents !== null) return Promise.resolve(this.#contents);
    this.#loading ??= this.#read(source);
    return this.#loading;
  }

  /** Lets go of the contents; the log and the snapshot have them. */
  unload(): void {
    this.#contents?.tail.release();
    this.#contents = null;
  }

  status(subscribed: boolean): MailboxStatus {
    if (this.#status?.subscribed !== subscribed) this.#status = this.#statusNow(subscribed);
    return this.#status;
  }

  #statusNow(subscribed: boolean): MailboxStatus {
    const { head, properties } = this;
    return {
      id: this.at.mailbox,
      name: properties.name,
      uidValidity: properties.uidValidity,
      uidNext: head.uidNext,
      highestModSeq: head.modSeq,
      messages: head.messages - this.#lost,
      unseen: head.unseen,
      deleted: head.deleted,
      sizeBytes: head.bytes,
      specialUse: properties.specialUse,
      rights: properties.rights ?? NO_RIGHTS,
      subscribed,
      restored: properties.restored ?? null,
    };
  }

  /** What is newer than the head says nothing of it. */
  #lostIn({ through, columns }: MailboxContents): number {
    return through > this.head.modSeq ? 0 : this.head.messages - columns.count;
  }

  async #read({ driver, limits, tailRoom }: Source): Promise<MailboxContents> {
    this.#held = [];
    try {
      const contents = await loadContents(driver, this.at, { head: () => this.head, limits, tailRoom });
      for (const event of this.#held) if (event.cursor > contents.through) contents.apply(event);
      this.#contents = contents;
      this.#lost = this.#lostIn(contents);
      this.#status = undefined;
      return contents;
    } catch (error) {
      // Its chunks may have gone while they were being read: what was found of them need not fit together.
      if (this.deleted) throw new Refusal("mailboxNotFound", "no such mailbox", { cause: error });
      throw error;
    } finally {
      // In the same turn as the contents are there: an event between the two would be in neither.
      this.#held = null;
      this.#loading = null;
    }
  }
}

export function decodeProperties(head: Pick<MailboxHead, "properties">): MailboxProperties {
  return JSON.parse(Buffer.from(head.properties).toString("utf8")) as MailboxProperties;
}
