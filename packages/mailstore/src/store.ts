// The port that every server sees: mail semantics, whatever engine lies below.
// Every write resolves when it is durable and visible; every error of a caller's making is a Refusal.
import type { AppendedBy, ChangeRecord, ChangesPage } from "./change.ts";
import type { BlobRange, RoomToRead } from "./driver.ts";
import type { AccountId, BlobId, Cursor, MailboxId, Uid } from "./ids.ts";
import type { RightsChange, RightsEntry } from "./mailbox-rights.ts";
import type { FlagKind } from "./flag-sets.ts";
import type { StoredSummary } from "./message/stored-summary.ts";
import type { ScramHash, ScramKey, ScramSalt } from "./scram-keys.ts";
import type { MessageSummary } from "./message/summary.ts";
import type { UidSet } from "./uid-set.ts";

export interface AccountInfo {
  readonly id: AccountId;
  /** The primary address, lower case. */
  readonly address: string;
  /** Further addresses that deliver here and may send; `@example.org` takes all of a domain that nobody else has. */
  readonly aliases: readonly string[];
}

export interface NewAccount {
  readonly address: string;
  readonly password: string;
  readonly aliases?: readonly string[];
  readonly quotaBytesMax?: number;
  readonly quotaMessagesMax?: number;
}

export interface AccountUpdate {
  readonly password?: string;
  readonly aliases?: readonly string[];
  readonly quotaBytesMax?: number;
  readonly quotaMessagesMax?: number;
}

/** A password for one program beside the account's own. */
export interface AppPassword {
  readonly name: string;
  readonly createdAtMs: number;
}

/** What a login by SCRAM (RFC 5802) is held against; the account is undefined where no proof may be taken for right. */
export interface ScramLogin extends ScramSalt {
  /** One for each password of the account. */
  readonly keys: readonly ScramKey[];
  readonly account: AccountInfo | undefined;
}

/** Where mail to an address goes. `detail` is what stood behind `+` (RFC 5233). */
export interface Recipient {
  readonly account: AccountInfo;
  readonly mailbox: MailboxId;
  readonly detail: string | null;
}

/** Use and limits of an account; a limit of 0 is none. */
export interface Quota {
  readonly bytes: number;
  readonly bytesMax: number;
  readonly messages: number;
  readonly messagesMax: number;
}

/** A special use as RFC 6154 2 names it, without the backslash. */
export type SpecialUse = "All" | "Archive" | "Drafts" | "Flagged" | "Junk" | "Sent" | "Trash";

/** Everything that STATUS, SELECT and LIST need, from the head alone. */
export interface MailboxStatus {
  readonly id: MailboxId;
  /** Unicode, levels separated by `/`; the inbox is always `INBOX`. */
  readonly name: string;
  readonly uidValidity: number;
  readonly uidNext: Uid;
  /** HIGHESTMODSEQ (RFC 7162); never 0. */
  readonly highestModSeq: Cursor;
  readonly messages: number;
  readonly unseen: number;
  readonly deleted: number;
  readonly sizeBytes: number;
  readonly specialUse: SpecialUse | null;
  /** What others than the owner may do with it, in the order in which it was given. */
  readonly rights: readonly RightsEntry[];
  readonly subscribed: boolean;
  /** Which restore of the store it comes from, null where there was none: ids from before may have named something else. */
  readonly restored: string | null;
}

/** An entry of metadata (RFC 5464): its name in no regard to case, and octets of any kind. */
export interface MetadataEntry {
  readonly name: string;
  readonly value: Uint8Array;
}

/** A new value of an entry; null removes it. */
export interface MetadataChange {
  readonly name: string;
  readonly value: Uint8Array | null;
}

/** The flags of a message: one shared, frozen object for each distinct set of a mailbox. */
export interface FlagSet {
  /** System flags as `\Seen`, keywords as given first, in a fixed order. `\Recent` is never among them. */
  readonly names: readonly string[];
  readonly seen: boolean;
  readonly deleted: boolean;
  /** Whether a flag is set; names compare without regard to case. */
  has(name: string): boolean;
}

/** A body that was taken in and scanned; nothing is visible until it is appended. */
export interface StagedMessage {
  readonly summary: MessageSummary;
  readonly sizeBytes: number;
  /** Lets go of it; harmless after an append. */
  discard(): Promise<void>;
}

/**
 * Asked of the rights of a mailbox, as they are when it commits: of one into which messages go, which flags do not come
 * along; of one whose flags are set, which of them stay as they are. Throws a Refusal where nothing of it is allowed.
 */
export type ByRights = (rights: readonly RightsEntry[]) => readonly FlagKind[];

export interface NewMessage {
  readonly account: AccountId;
  readonly mailbox: MailboxId;
  readonly message: StagedMessage;
  readonly flags?: readonly string[];
  /** Milliseconds since 1970; now by default. */
  readonly internalDateMs?: number;
  /** The default is `delivery`. */
  readonly by?: Extract<AppendedBy, "delivery" | "append">;
  readonly byRights?: ByRights | undefined;
}

export interface Appended {
  readonly uid: Uid;
  readonly uidValidity: number;
  readonly cursor: Cursor;
}

export interface FlagChange {
  readonly mode: "add" | "remove" | "replace";
  readonly flags: readonly string[];
  /** What a replacement leaves as it is. */
  readonly keeps?: readonly FlagKind[];
}

export interface FlagsResult {
  /** The cursor of the change, or the current one where nothing had to change. */
  readonly cursor: Cursor;
  /** Messages whose flags are now others than before. */
  readonly changed: UidSet;
  /** Messages left alone because their MODSEQ is above `unchangedSince` (RFC 7162 3.1.3). */
  readonly modified: UidSet;
  /** UIDs asked for that are not (or no longer) there. */
  readonly missing: UidSet;
}

export interface TransferOptions extends WorkOptions {
  /** Of where the messages go. */
  readonly byRights?: ByRights | undefined;
  /** Of where they are moved from. */
  readonly byRightsFrom?: ByRights | undefined;
}

/** `from[i]` became `to[i]`, both ascending (RFC 4315 COPYUID). */
export interface Transferred {
  readonly cursor: Cursor;
  readonly uidValidity: number;
  readonly from: readonly Uid[];
  readonly to: readonly Uid[];
}

export interface Expunged {
  readonly cursor: Cursor;
  readonly uids: UidSet;
}

export interface MessageMetadata {
  readonly uid: Uid;
  readonly sizeBytes: number;
  readonly internalDateMs: number;
  /** When it came into this mailbox (RFC 8514). */
  readonly saveDateMs: number;
  /** Stable through copy and move (RFC 8474); unique within its account and what the mailbox says of a restore. */
  readonly emailId: string;
  readonly blob: BlobId;
}

export interface MessageDetails extends MessageMetadata {
  readonly summary: StoredSummary;
}

/**
 * The messages of a mailbox in memory, shared by all who have it open: row `i` of 0 to `count - 1`, ascending by UID.
 * Rows shift when messages are expunged: an index is good until the next await.
 */
export interface MessageIndex {
  readonly count: number;
  /**
   * The UIDs; the first `count` entries of the array returned never change under its holder: later appends lie behind
   * them, and an expunge makes a new array.
   */
  readonly uids: Uint32Array;
  /** The row of a UID, or -1. */
  rowOf(uid: Uid): number;
  /** The first row whose UID is at least `uid` (`count` where there is none). */
  lowerBound(uid: Uid): number;
  flagsAt(row: number): FlagSet;
  /** Where the rows end, at most at `end`, that have the flags of `row`. */
  alikeEnd(row: number, end: number): number;
  modSeqAt(row: number): Cursor;
}

/** What is told at once, with nothing to wait for. */
export interface RecentChanges {
  readonly records: readonly ChangeRecord[];
  readonly through: Cursor;
  readonly index: MessageIndex;
}

/** An open mailbox. All handles of a mailbox share its state; `release` when done. */
export interface MailboxHandle {
  readonly account: AccountId;
  readonly id: MailboxId;
  readonly restored: MailboxStatus["restored"];
  /** The current state, from the head: no index needed. Undefined once the mailbox is deleted. */
  readonly status: MailboxStatus | undefined;
  /** The account's cursor: all changes up to it are in `status`. */
  readonly through: Cursor;
  /** Resolves when `index` may be used; at once where it is already in memory. */
  ready(): Promise<MessageIndex>;
  /** The account's changes after a cursor, to the newest, with the index that has them: where memory holds both. */
  recent(since: Cursor, limit: number): RecentChanges | undefined;
  /** Keywords in use or used before in this mailbox. */
  keywords(): readonly string[];
  /** Size, dates and ids of the messages of a set that exist, ascending, in batches. */
  metadata(uids: UidSet): AsyncIterable<readonly MessageMetadata[]>;
  /** The same with envelope and structure, but for messages that have lost these and have a damaged body. */
  details(uids: UidSet): AsyncIterable<readonly MessageDetails[]>;
  /** UIDs expunged after `since`. Where that is no longer known: all absent ones below uidNext (RFC 7162 3.2.5.2). */
  vanishedSince(since: Cursor): Promise<UidSet>;
  /** Takes the not yet announced messages for the caller: those from the returned UID on are `\Recent` to it alone. */
  claimRecent(): Uid;
  /** The UID from which messages are `\Recent`, without taking them (EXAMINE). */
  readonly recentFrom: Uid;
  release(): void;
}

export interface WorkOptions {
  /** Called now and then with how many of the messages have been looked at. */
  readonly onRead?: (messages: number) => void;
}

/** Of work on the messages of one mailbox. */
export interface ChangeOptions extends WorkOptions {
  readonly byRights?: ByRights | undefined;
}

export interface MailStore {
  createAccount(account: NewAccount): Promise<AccountInfo>;
  updateAccount(account: AccountId, update: AccountUpdate): Promise<AccountInfo>;
  accounts(): AsyncIterable<AccountInfo>;
  /** The account that has exactly this address, as its own or as an alias. */
  findAccount(address: string): Promise<AccountInfo | undefined>;
  /** The account whose own address this is. */
  findOwner(address: string): Promise<AccountInfo | undefined>;
  /** Who gets mail to this address: exact, without `+detail`, or by a domain's catch-all. */
  resolve(address: string): Promise<Recipient | undefined>;
  /** Refuses with `authenticationFailed`, after the same work, whether the account or the password is wrong. */
  authenticate(address: string, password: string): Promise<AccountInfo>;
  /** Makes an app password; it is told this once. */
  addAppPassword(account: AccountId, name: string): Promise<string>;
  appPasswords(account: AccountId): Promise<readonly AppPassword[]>;
  /** Logins with it fail from now on; sessions that are open stay. False where there is none of this name. */
  removeAppPassword(account: AccountId, name: string): Promise<boolean>;
  /** For an account's own address; any other gets what looks the same, and is the same at each login. */
  scramLogin(address: string, hash: ScramHash): Promise<ScramLogin>;
  quota(account: AccountId): Promise<Quota>;

  mailboxes(account: AccountId): Promise<readonly MailboxStatus[]>;
  mailbox(account: AccountId, name: string): Promise<MailboxStatus | undefined>;
  mailboxAt(at: MailboxAt): Promise<MailboxStatus | undefined>;
  /** Whether there are mailboxes below a name, whether or not there is one of that name. */
  hasInferiors(account: AccountId, name: string): Promise<boolean>;
  /** Creates missing superiors too. */
  createMailbox(
    account: AccountId,
    name: string,
    options?: { readonly specialUse?: SpecialUse },
  ): Promise<MailboxStatus>;
  /** Renames inferiors too; INBOX gives its messages to the new name and stays (RFC 9051 6.3.6). */
  renameMailbox(account: AccountId, from: string, to: string): Promise<Cursor>;
  deleteMailbox(account: AccountId, name: string): Promise<Cursor>;
  setSubscribed(account: AccountId, name: string, subscribed: boolean): Promise<Cursor>;
  /** Names, whether or not a mailbox of that name exists (RFC 9051 6.3.7). */
  subscriptions(account: AccountId): Promise<readonly string[]>;

  /** All entries of metadata of a mailbox, or where that is null, of the account itself. */
  metadata(account: AccountId, mailbox: MailboxId | null): Promise<readonly MetadataEntry[]>;
  /**
   * All or none. They go with the mailbox where it is renamed, and end with it. A special use is set with them, and told
   * by the feed as an entry. Undefined where all is so already.
   */
  setMetadata(
    account: AccountId,
    mailbox: MailboxId | null,
    changes: readonly MetadataChange[],
    options?: { readonly specialUse?: SpecialUse | null },
  ): Promise<Cursor | undefined>;
  /** Changes what another account, or anyone, may do with a mailbox (RFC 4314); its owner may do all, always. */
  setRights(at: MailboxAt, change: RightsChange): Promise<Cursor>;
  /**
   * The accounts that share mailboxes with this one: first those that name it, then those that share with anyone, each
   * by their addresses. Of some there may be nothing left.
   */
  sharersWith(account: AccountInfo): Promise<readonly AccountInfo[]>;
  /** Another number whenever `sharersWith` may give others than before, to whomever. */
  sharersVersion(): number;

  /** Takes in a body of at most `bytesMax` bytes and scans it as it streams. Nobody changes its pieces any more. */
  stage(body: AsyncIterable<Uint8Array>, options: { readonly bytesMax: number }): Promise<StagedMessage>;
  /** All or none, in one commit. One staged message may go to many mailboxes: its body is stored once. */
  append(messages: readonly NewMessage[]): Promise<readonly Appended[]>;
  /**
   * A new message in place of one: where there is no such one, nothing is done. It is one commit within an account; in
   * another one, the new message comes first.
   */
  replace(
    at: MailboxAt,
    uid: Uid,
    message: NewMessage,
    options?: Pick<TransferOptions, "byRightsFrom">,
  ): Promise<Appended>;
  setFlags(
    at: MailboxAt,
    uids: UidSet,
    change: FlagChange,
    options?: ChangeOptions & { readonly unchangedSince?: Cursor },
  ): Promise<FlagsResult>;
  /** To another account too; the cursor is that of where the messages go. */
  copy(at: MailboxAt, uids: UidSet, to: MailboxAt, options?: TransferOptions): Promise<Transferred>;
  /** To another account it is a copy first, and then a removal. */
  move(at: MailboxAt, uids: UidSet, to: MailboxAt, options?: TransferOptions): Promise<Transferred>;
  /** Removes the messages that have `\Deleted`, of `uids` or of the whole mailbox. */
  expunge(at: MailboxAt, uids?: UidSet, options?: ChangeOptions): Promise<Expunged>;
  open(at: MailboxAt): Promise<MailboxHandle>;
  /** A body or a byte range of it, in pieces of bounded size, without reading the rest. */
  body(blob: BlobId, range?: { readonly start?: number; readonly end?: number }): AsyncIterable<Uint8Array>;
  /**
   * Ranges of bodies, each in one piece; the caller bounds how much that is. Many are read at once where they lie side
   * by side. Undefined for a range that only `body` can give, or say what is wrong with it. What there is `room` for lies
   * there, other ranges in memory of their own.
   */
  bodies(ranges: readonly BlobRange[], room?: RoomToRead): Promise<readonly (Uint8Array | undefined)[]>;

  /** The cursor of the last change of an account. */
  cursor(account: AccountId): Promise<Cursor>;
  /** The records after `since`, oldest first, at most `limit`. For a mailbox, none are read that do not touch it. */
  changes(account: AccountId, since: Cursor, limit: number, mailbox?: MailboxId): Promise<ChangesPage>;
  /**
   * Calls `wake` after each commit of the account, without data; it may come doubled or for nothing. It must return at
   * once and not throw; one that is registered in a wake hears of the next change. Register, then read, then wait.
   * Returns the way to stop.
   */
  watch(account: AccountId, wake: () => void): () => void;

  /** Between two slices of long work: everybody else has a turn, and what is being made durable goes first. */
  giveWay(): Promise<void>;
  /** Reclaims the space of expunged mail, one call after the other; returns the bytes given back. */
  compact(): Promise<number>;
  /** For who reads files that it would remove: resolves when none is under way; none begins before what it gives is called. */
  holdCompaction(): Promise<() => void>;
  close(): Promise<void>;
}

/** A mailbox of an account. */
export interface MailboxAt {
  readonly account: AccountId;
  readonly mailbox: MailboxId;
}
