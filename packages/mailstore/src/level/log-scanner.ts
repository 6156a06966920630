// Reads a log segment record by record, checks every byte, and tells a torn end from damage.
import { crc32 } from "node:zlib";
import { decodeRecordHead, RECORD_HEAD_BYTES, RECORD_MAGIC, recordBytes, type RecordHead } from "./record.ts";
import type { SegmentFile } from "./segment-files.ts";
import type { SegmentLease } from "./segments.ts";
import { StoreDamage } from "./store-damage.ts";

/** Bytes read at a time. */
const WINDOW_BYTES = 1024 * 1024;

export interface ScanRange {
  readonly from: number;
  /** Where the valid records end, if something later says so: then whatever is invalid before it is damage. */
  readonly until?: number;
  /** The valid records reach at least to here: whatever is invalid before it is damage, too. */
  readonly proven?: number;
}

export interface ScanResult {
  /** Behind the last complete group. */
  readonly end: number;
  /** Bytes of an incomplete group behind that end, as far as they can be told from unused space. */
  readonly cutBytes: number;
}

/** A segment as far as its records are read. */
export type ScannedSegment = Pick<SegmentLease, "header" | "path"> & { readonly file: Pick<SegmentFile, "read"> };

export class LogScanner {
  readonly #lease: ScannedSegment;
  /** The same memory for each: that of a whole segment would make V8 collect the heap twice. */
  readonly #room: Buffer = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  #window: Buffer = this.#room.subarray(0, 0);
  #windowAt = 0;

  constructor(lease: ScannedSegment) {
    this.#lease = lease;
  }

  /**
   * Gives every batch of the range to `onBatch`, in order. A damaged body goes to `onDamage` and the scan goes on; a
   * damaged batch is thrown, since what it held cannot be left out.
   */
  async scan(
    range: ScanRange,
    onBatch: (payload: Buffer) => Promise<void>,
    onDamage: (damage: StoreDamage) => void,
  ): Promise<ScanResult> {
    let end = range.from;
    let offset = range.from;
    while (range.until === undefined || offset < range.until) {
      const head = await this.head(offset);
      const payload = head === undefined ? undefined : await this.payload(offset, head);
      if (head === undefined || payload === undefined) {
        const mayBeTorn = range.until === undefined && offset >= (range.proven ?? 0);
        const torn = mayBeTorn ? await this.#tornAt(offset) : undefined;
        if (torn !== undefined) return { end, cutBytes: Math.max(offset, torn.validEnd) - end };
        if (head?.type !== "blob") throw new StoreDamage("the log is damaged", this.#lease.path, offset);
        onDamage(new StoreDamage("a body fails its checksum", this.#lease.path, offset));
      }
      offset += recordBytes(head.length);
      if (head.type === "batch") {
        await onBatch(payload as Buffer);
        end = offset;
      }
    }
    return { end, cutBytes: 0 };
  }

  /** The valid record head at an offset. */
  async head(offset: number): Promise<RecordHead | undefined> {
    return decodeRecordHead(await this.#read(offset, RECORD_HEAD_BYTES), { segment: this.#lease.header, offset });
  }

  /** Every valid record head at or behind `from`, wherever it stands. */
  async *heads(from: number): AsyncGenerator<{ readonly offset: number; readonly head: RecordHead }> {
    const segment = this.#lease.header;
    const room = Buffer.allocUnsafeSlow(WINDOW_BYTES);
    for (let at = from; ; at += WINDOW_BYTES - RECORD_HEAD_BYTES) {
      const bytes = await this.#lease.file.read(at, WINDOW_BYTES, room);
      for (let i = bytes.indexOf(RECORD_MAGIC); i >= 0; i = bytes.indexOf(RECORD_MAGIC, i + 1)) {
        const offset = at + i;
        const head = decodeRecordHead(bytes.subarray(i, i + RECORD_HEAD_BYTES), { segment, offset });
        if (head !== undefined) yield { offset, head };
      }
      if (bytes.length < WINDOW_BYTES) return;
    }
  }

  /** The payload of a batch, or an empty buffer for anything else; undefined where the checksum is wrong. */
  async payload(offset: number, head: RecordHead): Promise<Buffer | undefined> {
    if (head.type === "void") return Buffer.alloc(0);
    const start = offset + RECORD_HEAD_BYTES;
    if (head.type === "batch") {
      const payload = await this.#lease.file.read(start, head.length);
      return payload.length === head.length && crc32(payload) === head.checksum ? payload : undefined;
    }
    let checksum = 0;
    for (let at = 0; at < head.length;) {
      const bytes = await this.#read(start + at, Math.min(WINDOW_BYTES, head.length - at));
      if (bytes.length === 0) return undefined;
      checksum = crc32(bytes, checksum);
      at += bytes.length;
    }
    return checksum === head.checksum ? Buffer.alloc(0) : undefined;
  }

  /**
   * An invalid record at `offset` is the torn end of the log unless a later group was begun behind it, which happens
   * only when the earlier one is complete on disk. Undefined then.
   */
  async #tornAt(offset: number): Promise<{ readonly validEnd: number } | undefined> {
    let validEnd = offset;
    for await (const { offset: at, head } of this.heads(offset)) {
      if (head.groupStart > offset) return undefined;
      validEnd = at + recordBytes(head.length);
    }
    return { validEnd };
  }

  /** Bytes of the file, until the next are read; fewer than asked for where the file, or a window, ends. */
  async #read(offset: number, length: number): Promise<Buffer> {
    const inWindow = offset - this.#windowAt;
    if (inWindow < 0 || inWindow + length > this.#window.length) {
      this.#window = await this.#lease.file.read(offset, WINDOW_BYTES, this.#room);
      this.#windowAt = offset;
      return this.#window.subarray(0, length);
    }
    return this.#window.subarray(inWindow, inWindow + length);
  }
}
