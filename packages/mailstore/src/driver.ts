// The low seam: what a storage engine must do. It orders, persists and hints; it knows nothing of mail.
// The nine laws that every driver keeps are the cases of contract.ts.
import type { AccountId, BlobId, Cursor, MailboxId, Uid } from "./ids.ts";

/** A body on its way into the store: readable by the driver alone until a transaction that names it commits. */
export interface StagedBlob {
  readonly sizeBytes: number;
  /** Lets go of what is staged. Harmless after a commit that took it: what is committed stays. */
  discard(): Promise<void>;
}

/** What one transaction does to one mailbox, or to ACCOUNT_DIRECTORY, which any part creates. */
export interface TransactionPart {
  readonly mailbox: MailboxId;
  /** Set where the part is no pure append: the mailbox' last non-append cursor as the caller knows it, 0 before it is there (law 4). */
  readonly guard?: Cursor;
  /** Set where what was decided rests on them: the mailbox' properties as the caller knows them; else it is as with a guard. */
  readonly propertiesBefore?: Uint8Array;
  /** How many UIDs to give out; the record counts them from the first (law 3). */
  readonly allocate: number;
  /** Changes of the mailbox' counters. */
  readonly messages: number;
  readonly unseen: number;
  readonly deleted: number;
  readonly bytes: number;
  /** The facts, in the caller's own encoding; empty if the part changes `properties` alone. */
  readonly record: Uint8Array;
  /** New properties of the mailbox (creates it where it is not there); null deletes the mailbox. */
  readonly properties?: Uint8Array | null;
}

/** The atom: all of it or nothing, within one account (law 1). */
export interface Transaction {
  readonly account: AccountId;
  /** 16 bytes; a repeated id returns the first result and writes nothing (law 5). */
  readonly id?: Uint8Array;
  /** Bodies that must be durable with it; records refer to them by position (law 6). */
  readonly blobs: readonly StagedBlob[];
  /** Whether growth beyond the account's limits is refused (law 9). */
  readonly enforceQuota: boolean;
  /** New limits of the account; 0 is none. */
  readonly limits?: QuotaLimits;
  readonly parts: readonly TransactionPart[];
}

export interface QuotaLimits {
  readonly bytesMax: number;
  readonly messagesMax: number;
}

export type CommitResult =
  | {
      readonly ok: true;
      readonly cursor: Cursor;
      /** The first UID given out to each part (uidNext where it allocated none). */
      readonly firstUids: readonly Uid[];
      readonly blobs: readonly BlobId[];
      /** True where the transaction's id was known and nothing was written. */
      readonly repeated: boolean;
    }
  | {
      readonly ok: false;
      /** `guard`: the mailbox moved on, or its properties did; `quota`: it would pass the limits; `gone`: no such mailbox; `sibling`: another of an all-or-none group failed. */
      readonly why: "guard" | "quota" | "gone" | "sibling";
    };

export interface MailboxHead {
  readonly mailbox: MailboxId;
  readonly uidNext: Uid;
  /** The last cursor that changed the mailbox (its HIGHESTMODSEQ). */
  readonly modSeq: Cursor;
  /** The last cursor that changed it other than by appending. */
  readonly guard: Cursor;
  readonly messages: number;
  readonly unseen: number;
  readonly deleted: number;
  readonly bytes: number;
  readonly properties: Uint8Array;
}

export interface AccountHead {
  readonly account: AccountId;
  readonly cursor: Cursor;
  /** The sums over its mailboxes; one that is deleted takes its rest along. */
  readonly bytes: number;
  readonly messages: number;
  readonly limits: QuotaLimits;
  /** Every mailbox that exists, ACCOUNT_DIRECTORY included once it was written, ascending by id. */
  readonly mailboxes: readonly MailboxHead[];
}

/** A committed transaction as the log and the hints give it back. */
export interface LogRecord {
  readonly account: AccountId;
  readonly cursor: Cursor;
  readonly atMs: number;
  readonly blobs: readonly BlobId[];
  /** The account's totals and limits after the transaction. */
  readonly bytes: number;
  readonly messages: number;
  readonly limits: QuotaLimits;
  readonly parts: readonly LogPart[];
}

export interface LogPart {
  readonly mailbox: MailboxId;
  readonly firstUid: Uid;
  readonly record: Uint8Array;
  /** The mailbox' head after the transaction; null where the part deleted the mailbox. */
  readonly head: MailboxHead | null;
}

export interface LogPage {
  readonly records: readonly LogRecord[];
  /** Records up to and including this cursor are no longer kept. Where `after < floor` nothing is returned. */
  readonly floor: Cursor;
}

/** A stretch of one column of a mailbox: rows whose UIDs lie in one fixed range, in the caller's own encoding. */
export interface Chunk {
  readonly column: number;
  readonly number: number;
  readonly data: Uint8Array;
}

/** Chunks of one mailbox as of `cursor`, written at once (law 7). */
export interface Snapshot {
  readonly account: AccountId;
  readonly mailbox: MailboxId;
  readonly cursor: Cursor;
  /** `data: null` removes the chunk. */
  readonly chunks: readonly { readonly column: number; readonly number: number; readonly data: Uint8Array | null }[];
}

/** A record is a hint when it is told to listeners: it may be lost, doubled or come late (law 8). */
export type HintListener = (record: LogRecord) => void;

export interface SweepResult {
  /** Opaque; pass it to the next sweep. */
  readonly cursor: Uint8Array;
  /** At least every account that committed since the given cursor, with its newest cursor. */
  readonly touched: readonly (readonly [AccountId, Cursor])[];
}

export interface DirectoryEntry {
  readonly key: string;
  /** null removes the entry. */
  readonly value: Uint8Array | null;
  /** The write is refused as a whole where the key is already taken. */
  readonly ifAbsent?: boolean;
}

/** The entry of the directory that says that a store was restored: letters, digits, - and _ that no other restore has. */
export const RESTORED_KEY = "restored";

export interface StoreDriver {
  /** Each transaction atomic, all durable on return; the driver groups whatever waits. Rejects only on trouble of the engine. */
  commit(
    transactions: readonly Transaction[],
    options?: { readonly allOrNone?: boolean },
  ): Promise<readonly CommitResult[]>;
  /** While something is being made durable: resolves when nothing is any more. Who has much to do may let it pass. */
  readonly committing: Promise<void> | undefined;
  head(account: AccountId): Promise<AccountHead | undefined>;
  /** The records after a cursor in order, at most `limit` of them; with `mailbox` those alone that touch it. */
  log(
    account: AccountId,
    after: Cursor,
    options: { readonly mailbox?: MailboxId; readonly limit: number },
  ): Promise<LogPage>;
  /**
   * Lets the log of an account begin after `floor`. Where records would go that mailboxes need to be read in, it stays as
   * it is: tells those mailboxes, which lack a snapshot.
   */
  trimLog(account: AccountId, floor: Cursor): Promise<readonly MailboxId[]>;
  /** The chunks of a column with `from <= number <= to`, ascending. */
  chunks(
    account: AccountId,
    mailbox: MailboxId,
    range: { readonly column: number; readonly from: number; readonly to: number },
  ): Promise<readonly Chunk[]>;
  /** The cursor of the newest snapshot of a mailbox, and at least the log's floor: what `log` then gives is all the rest. */
  snapshotCursor(account: AccountId, mailbox: MailboxId): Promise<Cursor>;
  /** False, with nothing written, where a snapshot as new or newer is there (law 7). */
  saveSnapshot(snapshot: Snapshot): Promise<boolean>;
  /** Tells of every record committed here, in commit order, before `commit` resolves; returns the way to stop. */
  listen(listener: HintListener): () => void;
  /** Never misses: what hints may lose, a sweep finds. `null` asks for every account. */
  sweep(cursor: Uint8Array | null): Promise<SweepResult>;
  readonly blobs: BlobStore;
  readonly directory: Directory;
  close(): Promise<void>;
}

/** Bytes of a body, from `start` to before `end`. */
export interface BlobRange {
  readonly blob: BlobId;
  readonly start: number;
  readonly end: number;
}

/** Memory to read so many bytes into, for as long as the reader needs them; undefined where there is none at hand. */
export type RoomToRead = (bytes: number) => Buffer | undefined;

export interface BlobStore {
  /**
   * Takes in a body as it streams, with bounded memory; a source that throws leaves nothing behind. Its pieces are the
   * driver's from then on.
   */
  stage(body: AsyncIterable<Uint8Array>): Promise<StagedBlob>;
  /** The bytes from `start` (0) to before `end` (all) in pieces of bounded size, without reading the rest. */
  read(blob: BlobId, range?: { readonly start?: number; readonly end?: number }): AsyncIterable<Uint8Array>;
  /** The bytes of ranges, read together where they lie together; undefined for one that `read` has to be asked for. */
  readRanges(ranges: readonly BlobRange[], room?: RoomToRead): Promise<readonly (Uint8Array | undefined)[]>;
  /**
   * Reclaims the space of bodies that are no longer referenced. `references` yields every blob in use, in batches;
   * what was committed after the call began is kept in any case. Returns the bytes given back.
   */
  compact(references: () => AsyncIterable<Iterable<BlobId>>): Promise<number>;
}

export interface Directory {
  get(key: string): Promise<Uint8Array | undefined>;
  /** All or nothing, durable on return; false where an `ifAbsent` key was taken. */
  put(entries: readonly DirectoryEntry[]): Promise<boolean>;
  /** The entries whose key starts with `prefix`, in key order. */
  list(prefix: string): AsyncIterable<readonly [key: string, value: Uint8Array]>;
}
