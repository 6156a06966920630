// The transactions of one call of `commit` on their way through the queue.
import { ByteReader, ByteWriter } from "../byte-codec.ts";
import type { CommitResult, LogRecord, Transaction } from "../driver.ts";
import { blobId, cursor, type BlobId, type Uid } from "../ids.ts";
import type { AccountDraft, Decision } from "./account-draft.ts";
import type { CommitRequest } from "./commit-queue.ts";
import type { Group } from "./group.ts";
import type { HeadCache, PinnedHead } from "./heads.ts";
import { transactionIdKey } from "./keys.ts";
import { placeOf, recordBytes } from "./record.ts";
import type { Segments } from "./segments.ts";
import { StagedBody } from "./staged-body.ts";

/** What a record takes in the log beside the caller's bytes, at most; keys, counters and lengths. */
const TRANSACTION_OVERHEAD_BYTES = 256;
const ID_BYTES = 16;

type Committed = Extract<CommitResult, { ok: true }>;
/** `sameAs`: its id is that of an earlier transaction of the call. */
type Outcome = Decision | Committed | { readonly sameAs: number };

/** What all requests of a driver share. */
export interface TransactionContext {
  readonly heads: HeadCache;
  readonly segments: Segments;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly transactionIdKeptMs: number;
}

export interface Settle {
  readonly resolve: (results: CommitResult[]) => void;
  readonly reject: (error: unknown) => void;
}

export class TransactionRequest implements CommitRequest {
  readonly bytes: number;
  readonly heads: readonly PinnedHead[];
  readonly lookups: readonly Buffer[];
  readonly #context: TransactionContext;
  readonly #transactions: readonly Transaction[];
  readonly #allOrNone: boolean;
  readonly #settle: Settle;
  /** The bodies of each transaction, and all of them once. */
  readonly #bodies: readonly (readonly StagedBody[])[];
  readonly #distinctBodies: ReadonlySet<StagedBody>;
  readonly #atMs: number;
  #results: CommitResult[] = [];

  constructor(
    context: TransactionContext,
    transactions: readonly Transaction[],
    { allOrNone, settle }: { readonly allOrNone: boolean; readonly settle: Settle },
  ) {
    this.#context = context;
    this.#transactions = transactions;
    this.#allOrNone = allOrNone;
    this.#settle = settle;
    this.#atMs = context.now();
    this.#bodies = transactions.map(({ blobs }) => blobs.map(usableBody));
    this.#distinctBodies = new Set(this.#bodies.flat());
    this.lookups = transactions.flatMap((transaction) => this.#idKeys(transaction));
    this.bytes = this.#bytesMax();
    for (const body of this.#distinctBodies) body.use();
    this.heads = transactions.map(({ account }) => context.heads.pin(account));
  }

  decide(group: Group): void {
    for (const body of this.#distinctBodies) this.#checkPresent(body);
    const drafts = new Map<PinnedHead, AccountDraft>();
    const ids = new Map<string, number>();
    const outcomes = this.#transactions.map((transaction, i): Outcome => {
      const head = this.heads[i] as PinnedHead;
      let draft = drafts.get(head);
      if (draft === undefined) drafts.set(head, (draft = group.draft(head).fork()));
      return this.#repeated(i, group, ids) ?? draft.decide(transaction);
    });
    const refused = outcomes.some((outcome) => "ok" in outcome && !outcome.ok);
    const dropped = refused && this.#allOrNone;
    if (!dropped) for (const [head, draft] of drafts) group.draft(head).adopt(draft);
    outcomes.forEach((outcome, i) => this.#results.push(this.#write(outcome, i, dropped ? null : group)));
  }

  done(): void {
    const places = new Map<StagedBody, BlobId>();
    this.#results.forEach((result, i) => {
      if (!result.ok || result.repeated) return;
      this.#bodies[i]?.forEach((body, position) => places.set(body, result.blobs[position] as BlobId));
    });
    this.#endUses(places);
    this.#settle.resolve(this.#results);
  }

  failed(error: unknown): void {
    this.#endUses(new Map());
    this.#settle.reject(error);
  }

  /** The first result where the transaction's id is known. */
  #repeated(i: number, group: Group, ids: Map<string, number>): Outcome | undefined {
    const transaction = this.#transactions[i] as Transaction;
    const keys = this.#idKeys(transaction);
    for (const key of keys) {
      const found = group.lookUp(key);
      if (found !== undefined) return decodeResult(found);
    }
    const [own] = keys;
    if (own === undefined) return undefined;
    const sameAs = ids.get(own.toString("latin1"));
    if (sameAs !== undefined) return { sameAs };
    ids.set(own.toString("latin1"), i);
    return undefined;
  }

  #write(outcome: Outcome, i: number, group: Group | null): CommitResult {
    if ("sameAs" in outcome) {
      const first = this.#results[outcome.sameAs] as CommitResult;
      return first.ok ? { ...first, repeated: true } : first;
    }
    if (!outcome.ok || "blobs" in outcome) return outcome;
    if (group === null) return { ok: false, why: "sibling" };
    const transaction = this.#transactions[i] as Transaction;
    const { account, parts } = transaction;
    const blobs = (this.#bodies[i] as StagedBody[]).map((body) => body.place ?? group.place(body.inline));
    const { firstUids, counters, heads } = outcome;
    const record: LogRecord = {
      account,
      ...counters,
      atMs: this.#atMs,
      blobs,
      parts: parts.map(({ mailbox, record: facts }, part) => {
        return { mailbox, firstUid: firstUids[part] as Uid, record: facts, head: heads[part] ?? null };
      }),
    };
    const result: Committed = { ok: true, cursor: counters.cursor, firstUids, blobs, repeated: false };
    group.add(record);
    const [idKey] = this.#idKeys(transaction);
    if (idKey !== undefined) group.put(idKey, encodeResult(result));
    return result;
  }

  /** The keys under which the transaction's id may stand, the one for writing first. */
  #idKeys({ account, id }: Transaction): Buffer[] {
    if (id === undefined) return [];
    if (id.length !== ID_BYTES) throw new RangeError(`a transaction's id has ${ID_BYTES} bytes`);
    const period = periodOf(this.#atMs, this.#context.transactionIdKeptMs);
    return [transactionIdKey(period, account, id), transactionIdKey(Math.max(0, period - 1), account, id)];
  }

  /** A body committed long ago and named again may have been reclaimed meanwhile. */
  #checkPresent({ place }: StagedBody): void {
    if (place === undefined || this.#context.segments.has(placeOf(place).segment)) return;
    throw new Error("the staged body was committed before and is no longer kept");
  }

  #endUses(places: ReadonlyMap<StagedBody, BlobId>): void {
    for (const body of this.#distinctBodies) body.endUse(places.get(body));
  }

  #bytesMax(): number {
    let bytes = 0;
    for (const { place, sizeBytes } of this.#distinctBodies) if (place === undefined) bytes += recordBytes(sizeBytes);
    for (const { parts, blobs } of this.#transactions) {
      bytes += TRANSACTION_OVERHEAD_BYTES + 16 * blobs.length;
      for (const part of parts) {
        bytes += TRANSACTION_OVERHEAD_BYTES + part.record.length + (part.properties?.length ?? 0);
      }
    }
    return bytes;
  }
}

/** Ids are kept by periods: for the rest of theirs and the whole of the next. */
export function periodOf(atMs: number, keptMs: number): number {
  return Math.floor(atMs / keptMs);
}

function usableBody(blob: unknown): StagedBody {
  if (!(blob instanceof StagedBody)) throw new TypeError("a body staged by another driver");
  if (!blob.usable) throw new Error("the staged body was discarded");
  return blob;
}

function encodeResult(result: Committed): Buffer {
  const writer = new ByteWriter().integer(result.cursor).integer(result.firstUids.length);
  for (const uid of result.firstUids) writer.integer(uid);
  writer.integer(result.blobs.length);
  for (const blob of result.blobs) writer.integer(blob);
  return writer.finish();
}

function decodeResult(value: Uint8Array): Committed {
  const reader = new ByteReader(value);
  return {
    ok: true,
    cursor: cursor(reader.integer()),
    firstUids: Array.from({ length: reader.integer() }, () => reader.integer()),
    blobs: Array.from({ length: reader.integer() }, () => blobId(reader.integer())),
    repeated: true,
  };
}
