// The columns of a mailbox as stored chunks. Numbers are little-endian, as every machine that Node runs on keeps them.
// hot: uid, modseq, flags; metadata: size, dates, origin, body; summary: the encoded MessageSummary; vanished: expunged UIDs.
import { ByteReader, ByteWriter } from "./byte-codec.ts";
import type { FlagSets } from "./flag-sets.ts";
import { blobId, type BlobId, type Cursor, type MailboxId, type Uid } from "./ids.ts";
import type { MessageOrigin } from "./appended-rows.ts";
import { readUidSet, writeUidSet } from "./log-record.ts";
import type { HotRows, MessageColumns } from "./message-columns.ts";
import type { MessageMetadata } from "./store.ts";
import type { UidSet } from "./uid-set.ts";

export const COLUMN = { hot: 0, metadata: 1, summary: 2, vanished: 3 } as const;

/** UIDs of one chunk: chunk `n` holds n * width to (n + 1) * width - 1, so that an expunge never shifts another chunk. */
export const CHUNK_WIDTH = { hot: 4096, metadata: 4096, summary: 256 } as const;

/** Runs stand in the head, which ends before them where the rows themselves lie behind it. */
export function encodeHotChunk(rows: HotRows, flagSets: FlagSets): Uint8Array {
  const flags = new ChunkFlags(flagSets);
  if (!("uids" in rows)) {
    const runs = new ByteWriter();
    let count = 0;
    for (const run of rows) {
      runs.integer(run.uid).integer(run.rows).integer(run.modSeq).integer(flags.numberOf(run.flagNumber));
      count += run.rows;
    }
    return new ByteWriter().bytes(flags.head(count).append(runs.finish()).finish()).finish();
  }
  const { uids, modSeqs } = rows;
  const flagNumbers = rows.flagNumbers.map((number) => flags.numberOf(number));
  const head = flags.head(uids.length).finish();
  return Buffer.concat([new ByteWriter().bytes(head).finish(), bytesOf(uids), bytesOf(modSeqs), bytesOf(flagNumbers)]);
}

/** Numbers the sets of flags that occur in a chunk. */
class ChunkFlags {
  readonly #flagSets: FlagSets;
  readonly #numbers = new Map<number, number>();
  #before = -1;
  #number = 0;

  constructor(flagSets: FlagSets) {
    this.#flagSets = flagSets;
  }

  numberOf(flagNumber: number): number {
    // Most are as the one before.
    if (flagNumber !== this.#before) {
      this.#number = this.#numbers.get(flagNumber) ?? this.#numbers.size;
      this.#numbers.set((this.#before = flagNumber), this.#number);
    }
    return this.#number;
  }

  head(rows: number): ByteWriter {
    const head = new ByteWriter().integer(rows).integer(this.#numbers.size);
    for (const number of this.#numbers.keys()) head.string(this.#flagSets.at(number).names.join(" "));
    return head;
  }
}

/** Appends the rows of a hot chunk to `columns`. */
export function decodeHotChunk(data: Uint8Array, columns: MessageColumns, flagSets: FlagSets): void {
  const reader = new ByteReader(data);
  const head = new ByteReader(reader.bytes());
  const count = head.integer();
  const numbers = Array.from({ length: head.integer() }, () => {
    const names = head.string();
    return flagSets.intern(names === "" ? [] : names.split(" "));
  });
  const uids = new Uint32Array(count);
  const modSeqs = new Float64Array(count);
  const flagNumbers = new Uint32Array(count);
  for (let row = 0; !head.done;) {
    const uid = head.integer();
    const end = row + head.integer();
    modSeqs.fill(head.integer(), row, end);
    flagNumbers.fill(head.integer(), row, end);
    for (let next = uid; row < end;) uids[row++] = next++;
  }
  let offset = reader.offset;
  for (const array of reader.done ? [] : [uids, modSeqs, flagNumbers]) {
    bytesOf(array).set(data.subarray(offset, offset + array.byteLength));
    offset += array.byteLength;
  }
  for (let i = 0; i < count; i++) flagNumbers[i] = numbers[flagNumbers[i] as number] as number;
  columns.load(uids, modSeqs, flagNumbers);
}

function bytesOf(array: Uint32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

const METADATA_NUMBERS = 7;
const BLOB_AT = 6;

export function encodeMetadataChunk(rows: readonly MessageMetadata[]): Uint8Array {
  const numbers = new Float64Array(rows.length * METADATA_NUMBERS);
  let at = 0;
  // One by one: many times as quick as an array for each row.
  for (const row of rows) {
    const { mailbox, uid } = originOf(row.emailId);
    numbers[at++] = row.uid;
    numbers[at++] = row.sizeBytes;
    numbers[at++] = row.internalDateMs;
    numbers[at++] = row.saveDateMs;
    numbers[at++] = mailbox;
    numbers[at++] = uid;
    numbers[at++] = row.blob;
  }
  return bytesOf(numbers);
}

export function decodeMetadataChunk(data: Uint8Array): Map<Uid, MessageMetadata> {
  const numbers = new Float64Array(data.length / 8);
  bytesOf(numbers).set(data);
  const rows = new Map<Uid, MessageMetadata>();
  for (let at = 0; at < numbers.length; at += METADATA_NUMBERS) {
    const uid = numbers[at] as Uid;
    rows.set(uid, {
      uid,
      sizeBytes: numbers[at + 1] as number,
      internalDateMs: numbers[at + 2] as number,
      saveDateMs: numbers[at + 3] as number,
      emailId: emailIdOf(numbers[at + 4] as number, numbers[at + 5] as Uid),
      blob: blobId(numbers[at + BLOB_AT] as number),
    });
  }
  return rows;
}

/** The bodies of those of a chunk's rows that are wanted. Of a row nothing is made: this is asked of all that there are. */
export function blobsOfMetadataChunk(data: Uint8Array, isWanted: (uid: Uid) => boolean): BlobId[] {
  const numbers = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const blobs: BlobId[] = [];
  for (let at = 0; at < data.length; at += METADATA_NUMBERS * 8) {
    if (isWanted(numbers.getFloat64(at, true))) blobs.push(blobId(numbers.getFloat64(at + BLOB_AT * 8, true)));
  }
  return blobs;
}

/** RFC 8474 4: the id of a message, from where it first entered the account: neither is ever used again. */
export function emailIdOf(mailbox: MailboxId | number, uid: Uid): string {
  return `E${mailbox}-${uid}`;
}

/** Where the message of an id first entered the account. */
export function originOf(emailId: string): MessageOrigin {
  const dash = emailId.indexOf("-");
  return { mailbox: Number(emailId.slice(1, dash)), uid: Number(emailId.slice(dash + 1)) };
}

export function encodeSummaryChunk(rows: ReadonlyMap<Uid, Uint8Array>): Uint8Array {
  const writer = new ByteWriter().integer(rows.size);
  for (const [uid, summary] of rows) writer.integer(uid).bytes(summary);
  return writer.finish();
}

export function decodeSummaryChunk(data: Uint8Array): Map<Uid, Uint8Array> {
  const reader = new ByteReader(data);
  const rows = new Map<Uid, Uint8Array>();
  for (let left = reader.integer(); left > 0; left--) rows.set(reader.integer(), reader.bytes());
  return rows;
}

/** UIDs that one transaction expunged. */
export interface VanishedEntry {
  readonly cursor: Cursor;
  readonly uids: UidSet;
}

export function encodeVanished(floor: Cursor, entries: readonly VanishedEntry[]): Uint8Array {
  const writer = new ByteWriter().integer(floor).integer(entries.length);
  for (const entry of entries) writeUidSet(writer.integer(entry.cursor), entry.uids);
  return writer.finish();
}

export function decodeVanished(data: Uint8Array): { floor: Cursor; entries: VanishedEntry[] } {
  const reader = new ByteReader(data);
  const floor = reader.integer() as Cursor;
  const entries = Array.from({ length: reader.integer() }, () => ({
    cursor: reader.integer() as Cursor,
    uids: readUidSet(reader),
  }));
  return { floor, entries };
}
