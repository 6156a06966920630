// One account in memory: its cursor, its mailboxes' heads and the newest change records.
// `apply` is the only way it changes; records come in cursor order, doubles are passed over.
import { AccountMetadata } from "./account-metadata.ts";
import type { Change, ChangeRecord } from "./change.ts";
import type { AccountHead, LogPart, LogRecord, QuotaLimits } from "./driver.ts";
import {
  ACCOUNT_DIRECTORY,
  isMailbox,
  mailboxId,
  type AccountId,
  type Cursor,
  type MailboxId,
  type Uid,
} from "./ids.ts";
import { decodeFacts, type MailboxFact } from "./log-record.ts";
import { MailboxState } from "./mailbox-state.ts";
import { Refusal } from "./refusal.ts";
import { superiorsOf } from "./superiors.ts";
import { TurnQueue } from "./turn-queue.ts";
import type { UidSet } from "./uid-set.ts";

/** What belongs to the account itself; kept as the properties of ACCOUNT_DIRECTORY. */
export interface DirectoryProperties {
  /** The id of the next mailbox: never one that was used. */
  readonly mailboxNext: number;
  /** UIDVALIDITY of the newest mailbox; the next one gets a higher one (RFC 9051 2.3.1.1). */
  readonly uidValidityLast: number;
  readonly subscriptions: readonly string[];
  /** The last restore of the store that it knows of; undefined where there was none. */
  readonly restored?: string | undefined;
}

const NEW_DIRECTORY: DirectoryProperties = { mailboxNext: 1, uidValidityLast: 0, subscriptions: [] };

/** There are none where nothing was created yet. */
export function decodeDirectory(properties: Uint8Array): DirectoryProperties {
  if (properties.length === 0) return NEW_DIRECTORY;
  return JSON.parse(Buffer.from(properties).toString("utf8")) as DirectoryProperties;
}

export class AccountState {
  readonly id: AccountId;
  readonly mailboxes: Map<MailboxId, MailboxState> = new Map();
  readonly metadata: AccountMetadata = new AccountMetadata();
  /** Of what the index has lost what it is, be it a mailbox, an entry of metadata or the directory: it is left alone. */
  readonly losses: readonly Error[];
  /** Turns for whoever creates, renames, deletes or subscribes. */
  readonly directoryTurns: TurnQueue = new TurnQueue();
  /** Work under way on the account as a whole. */
  holders = 0;
  cursor: Cursor;
  bytes: number;
  messages: number;
  limits: QuotaLimits;
  #directory: DirectoryProperties = NEW_DIRECTORY;
  directoryGuard: Cursor = 0 as Cursor;
  /** The newest records, contiguous, ending at `cursor`. */
  #recent: ChangeRecord[] = [];
  /** What they take, in ranges of UIDs. */
  recentRanges = 0;
  readonly #recentMax: number;
  #subscriptions = new Set<string>();
  readonly #named = new Map<string, MailboxState>();
  /** By name, whether a mailbox has it or not: how many mailboxes are below. Undefined until there is one. */
  #inferiors: Map<string, number> | undefined;

  /** `recentFrom` gives, by mailbox, the UID from which messages were announced to no session yet. */
  constructor(head: AccountHead, recentMax: number, recentFrom: ReadonlyMap<number, Uid>) {
    this.id = head.account;
    this.cursor = head.cursor;
    this.bytes = head.bytes;
    this.messages = head.messages;
    this.limits = head.limits;
    this.#recentMax = recentMax;
    const losses: Error[] = [];
    for (const box of head.mailboxes) {
      if (box.mailbox === ACCOUNT_DIRECTORY) this.#readDirectory(box);
      else if (box.properties.length === 0) {
        losses.push(new Error(`${lossOfProperties(head.account, box.mailbox)}: have the store checked`));
        if (!isMailbox(box.mailbox)) this.metadata.passOver(box.mailbox);
      } else if (!isMailbox(box.mailbox)) this.metadata.apply(box.mailbox, box);
      else {
        const at = { account: head.account, mailbox: box.mailbox };
        const mailbox = new MailboxState(at, box, recentFrom.get(box.mailbox) ?? 1);
        this.mailboxes.set(box.mailbox, mailbox);
        this.#name(mailbox);
      }
    }
    if (this.#directory === NEW_DIRECTORY && head.mailboxes.some(({ mailbox }) => isMailbox(mailbox)))
      losses.push(directoryLoss(head.account));
    this.losses = losses;
  }

  /** Throws where it is lost: the next mailbox would take the place of one that there is. */
  get directory(): DirectoryProperties {
    if (this.#directory === NEW_DIRECTORY && this.losses.length > 0) throw directoryLoss(this.id);
    return this.#directory;
  }

  /** The mailbox of an id; a Refusal where there is none. */
  mailbox(id: MailboxId): MailboxState {
    const mailbox = this.mailboxes.get(id);
    if (mailbox === undefined) throw new Refusal("mailboxNotFound", "no such mailbox");
    return mailbox;
  }

  named(name: string): MailboxState | undefined {
    return this.#named.get(name);
  }

  hasInferiors(name: string): boolean {
    return this.#inferiors?.has(name) === true;
  }

  isSubscribed(name: string): boolean {
    return this.#subscriptions.has(name);
  }

  /** The records after `since` where memory has them all. */
  recentSince(since: Cursor, limit: number): readonly ChangeRecord[] | undefined {
    const from = since - (this.cursor - this.#recent.length);
    return from < 0 ? undefined : this.#recent.slice(from, from + limit);
  }

  /** Lets go of the records in memory: the log has them. */
  forgetRecent(): void {
    this.#recent = [];
    this.recentRanges = 0;
  }

  /** Takes in the next record; `remembered` are those that somebody may soon ask for. */
  apply(record: LogRecord, { remembered }: { readonly remembered: boolean }): void {
    this.cursor = record.cursor;
    this.bytes = record.bytes;
    this.messages = record.messages;
    this.limits = record.limits;
    const decoded = record.parts.map((part) => ({ part, facts: decodeFacts(part.record) }));
    if (remembered) this.#remember(changeRecordOf(record, decoded));
    else this.forgetRecent();
    for (const { part, facts } of decoded) this.#applyPart(record, part, facts);
  }

  #applyPart(record: LogRecord, part: LogPart, facts: readonly MailboxFact[]): void {
    if (part.mailbox === ACCOUNT_DIRECTORY) {
      if (part.head !== null) this.#readDirectory(part.head);
      return;
    }
    if (!isMailbox(part.mailbox)) return this.metadata.apply(part.mailbox, part.head);
    let mailbox = this.mailboxes.get(part.mailbox);
    if (mailbox === undefined) {
      if (part.head === null) return;
      mailbox = new MailboxState({ account: this.id, mailbox: part.mailbox }, part.head, 1);
      this.mailboxes.set(part.mailbox, mailbox);
    }
    const { cursor, atMs, blobs } = record;
    const { name: oldName } = mailbox.properties;
    mailbox.apply(part.head, {
      cursor,
      atMs,
      firstUid: part.firstUid,
      facts,
      blobs,
      recordBytes: part.record.length,
    });
    if (part.head === null) this.mailboxes.delete(part.mailbox);
    const isNamed = this.#named.get(oldName) === mailbox;
    if (isNamed && part.head !== null && mailbox.properties.name === oldName) return;
    if (isNamed) this.#unname(oldName);
    if (part.head !== null) this.#name(mailbox);
  }

  #name(mailbox: MailboxState): void {
    const { name } = mailbox.properties;
    if (this.#named.has(name)) this.#unname(name);
    this.#named.set(name, mailbox);
    for (const superior of superiorsOf(name)) {
      this.#inferiors ??= new Map();
      this.#inferiors.set(superior, (this.#inferiors.get(superior) ?? 0) + 1);
    }
  }

  #unname(name: string): void {
    this.#named.delete(name);
    for (const superior of superiorsOf(name)) {
      const left = (this.#inferiors?.get(superior) ?? 0) - 1;
      if (left > 0) this.#inferiors?.set(superior, left);
      else this.#inferiors?.delete(superior);
    }
  }

  #readDirectory(head: { readonly properties: Uint8Array; readonly guard: Cursor }): void {
    this.directoryGuard = head.guard;
    this.#directory = decodeDirectory(head.properties);
    this.#subscriptions = new Set(this.#directory.subscriptions);
  }

  #remember(record: ChangeRecord): void {
    this.#recent.push(record);
    // Dropped by halves, so that a busy account does not shift its list at every commit.
    if (this.#recent.length > this.#recentMax * 2) {
      this.#recent = this.#recent.slice(-this.#recentMax);
      this.recentRanges = this.#recent.reduce((sum, each) => sum + rangesOf(each), 0);
    } else this.recentRanges += rangesOf(record);
  }
}

function directoryLoss(account: AccountId): Error {
  return new Error(`account ${account} has lost which mailboxes were made and subscribed: have the store checked`);
}

/** What is said of a mailbox, or of an entry of metadata, that is nothing any more. */
export function lossOfProperties(account: AccountId, mailbox: MailboxId): string {
  return isMailbox(mailbox)
    ? `mailbox ${mailbox} of account ${account} has lost its name and UIDVALIDITY`
    : `an entry of the metadata of account ${account} has lost what it is`;
}

function rangesOf({ changes }: ChangeRecord): number {
  return changes.reduce((sum, change) => sum + ("uids" in change ? change.uids.length : 1), 0);
}

/** A log record as followers of the feed see it. */
export function changeRecordOf(
  record: LogRecord,
  decoded: readonly { readonly part: LogPart; readonly facts: readonly MailboxFact[] }[] = record.parts.map((part) => ({
    part,
    facts: decodeFacts(part.record),
  })),
): ChangeRecord {
  const changes = decoded.flatMap(({ part, facts }) => changesOf(part, facts));
  return { cursor: record.cursor, atMs: record.atMs, changes };
}

function changesOf({ mailbox, firstUid }: LogPart, facts: readonly MailboxFact[]): Change[] {
  let uid = firstUid;
  return facts.map((fact): Change => {
    switch (fact.type) {
      case "appended": {
        const uids: UidSet = [[uid, uid + fact.rows.length - 1]];
        uid += fact.rows.length;
        return { type: "MessageAppended", mailbox, uids, by: fact.by };
      }
      case "flags":
        return { type: "FlagsChanged", mailbox, uids: fact.uids };
      case "expunged":
        return { type: "MessageExpunged", mailbox, uids: fact.uids, by: fact.by };
      case "created":
        return { type: "MailboxCreated", mailbox, name: fact.name };
      case "renamed":
        return { type: "MailboxRenamed", mailbox, oldName: fact.oldName, name: fact.name };
      case "deleted":
        return { type: "MailboxDeleted", mailbox, name: fact.name };
      case "subscribed":
        return { type: "MailboxSubscribed", name: fact.name };
      case "unsubscribed":
        return { type: "MailboxUnsubscribed", name: fact.name };
      case "metadata":
        if (fact.mailbox === ACCOUNT_DIRECTORY) return { type: "ServerMetadataChanged", entry: fact.entry };
        return { type: "MailboxMetadataChanged", mailbox: mailboxId(fact.mailbox), entry: fact.entry };
      case "rights":
        return { type: "RightsChanged", mailbox, identifier: fact.identifier };
    }
  });
}
