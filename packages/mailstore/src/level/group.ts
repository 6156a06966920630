// One group commit in the making: what it writes to the log, contiguous, and what it does to index and heads.
import { crc32 } from "node:zlib";
import type { LogRecord } from "../driver.ts";
import type { AccountId, BlobId } from "../ids.ts";
import { AccountDraft } from "./account-draft.ts";
import { encodeOperations } from "./batch-payload.ts";
import { stateOf, type PinnedHead } from "./heads.ts";
import type { Operation } from "./key-index.ts";
import { DELETIONS, mailboxRecordKey, recordKey } from "./keys.ts";
import { encodeDeleted, encodeLogRecord } from "./log-records.ts";
import { blobIdAt, encodeRecordHead, paddingAfter, recordBytes, type RecordPlace, type RecordType } from "./record.ts";
import type { InlineBody } from "./staged-body.ts";

export class Group {
  readonly #start: RecordPlace;
  #offset: number;
  readonly #pieces: Uint8Array[] = [];
  readonly #operations: Operation[] = [];
  readonly #drafts = new Map<AccountId, AccountDraft>();
  readonly #placed = new Map<InlineBody, BlobId>();
  readonly #found: Map<string, Uint8Array | undefined>;
  /** The transactions of the group, in commit order. */
  readonly records: LogRecord[] = [];

  /** `found` is what the index holds under the keys that the group's requests look up. */
  constructor(start: RecordPlace, found: Map<string, Uint8Array | undefined>) {
    this.#start = start;
    this.#offset = start.offset;
    this.#found = found;
  }

  /** The account as the group leaves it so far. */
  draft(head: PinnedHead): AccountDraft {
    let draft = this.#drafts.get(head.account);
    if (draft === undefined) this.#drafts.set(head.account, (draft = new AccountDraft(stateOf(head))));
    return draft;
  }

  /** What a looked-up key holds, with what the group itself has put. */
  lookUp(key: Buffer): Uint8Array | undefined {
    return this.#found.get(key.toString("latin1"));
  }

  put(key: Buffer, value: Uint8Array | null): void {
    this.#operations.push({ key, value });
    this.#found.set(key.toString("latin1"), value ?? undefined);
  }

  /** Writes a body, once however often it is asked for. */
  place(body: InlineBody): BlobId {
    let blob = this.#placed.get(body);
    if (blob === undefined) {
      blob = blobIdAt(this.#start.segment.number, this.#offset);
      this.#placed.set(body, blob);
      this.#addRecord("blob", body);
    }
    return blob;
  }

  add(record: LogRecord): void {
    const { account, cursor } = record;
    this.records.push(record);
    this.#operations.push({ key: recordKey(account, cursor), value: encodeLogRecord(record) });
    for (const mailbox of new Set(record.parts.map((part) => part.mailbox))) {
      this.#operations.push({ key: mailboxRecordKey(account, mailbox, cursor), value: new Uint8Array(0) });
    }
    const deleted = record.parts.filter(({ head }) => head === null).map(({ mailbox }) => mailbox);
    if (deleted.length === 0) return;
    this.#operations.push({ key: mailboxRecordKey(account, DELETIONS, cursor), value: encodeDeleted(deleted) });
  }

  /** What to write, and the index operations that follow; undefined where nothing changes. */
  seal(): { readonly pieces: Uint8Array[]; readonly bytes: number; readonly operations: Operation[] } | undefined {
    if (this.records.length > 0) {
      for (const [account, draft] of this.#drafts) this.#operations.push(...draft.operations(account));
    }
    if (this.#operations.length === 0) return undefined;
    const bytes = encodeOperations(this.#operations);
    this.#addRecord("batch", { pieces: [bytes], length: bytes.length, checksum: crc32(bytes), firstChecksum: 0 });
    return { pieces: this.#pieces, bytes: this.#offset - this.#start.offset, operations: this.#operations };
  }

  /** Makes what is now durable the state in memory. */
  publish(): void {
    for (const draft of this.#drafts.values()) draft.apply();
  }

  #addRecord(type: RecordType, { pieces, length, checksum, firstChecksum }: InlineBody): void {
    const head = { type, length, groupStart: this.#start.offset, checksum, firstChecksum };
    this.#pieces.push(encodeRecordHead(head, { segment: this.#start.segment, offset: this.#offset }), ...pieces);
    const padding = paddingAfter(length);
    if (padding > 0) this.#pieces.push(Buffer.alloc(padding));
    this.#offset += recordBytes(length);
  }
}
