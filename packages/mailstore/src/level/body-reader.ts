// Reads bodies by the place that their id names, or by the place where compaction put them.
import { crc32 } from "node:zlib";
import type { BlobId } from "../ids.ts";
import { blobId } from "../ids.ts";
import { ByteReader, ByteWriter } from "../byte-codec.ts";
import type { BodyChecks } from "./body-checks.ts";
import type { KeyIndex } from "./key-index.ts";
import { movedKey } from "./keys.ts";
import { decodeRecordHead, placeOf, RECORD_HEAD_BYTES, recordBytes, type RecordHead } from "./record.ts";
import type { SegmentLease, Segments } from "./segments.ts";
import { StoreDamage } from "./store-damage.ts";

/** Read together with a record's head: most bodies are whole in it. */
const FIRST_READ_BYTES = 16 * 1024;
/** A larger body is read a second time once it was found sound. */
const HELD_BYTES_MAX = 1024 * 1024;

export interface BodyRange {
  readonly start?: number;
  readonly end?: number;
}

export class BodyReader {
  readonly #segments: Segments;
  readonly #index: KeyIndex;
  readonly #pieceBytes: number;
  readonly #checks: BodyChecks;

  constructor(
    segments: Segments,
    index: KeyIndex,
    { pieceBytes, checks }: { readonly pieceBytes: number; readonly checks: BodyChecks },
  ) {
    this.#segments = segments;
    this.#index = index;
    this.#pieceBytes = pieceBytes;
    this.#checks = checks;
  }

  /** Nothing of a body is given out that was not checked: a damaged one is refused before its first piece. */
  async *read(blob: BlobId, range: BodyRange = {}): AsyncGenerator<Uint8Array> {
    const { lease, offset } = await this.#locate(blob);
    try {
      yield* this.#pieces(lease, offset, range);
    } finally {
      lease.release();
    }
  }

  async *#pieces(lease: SegmentLease, offset: number, { start = 0, end }: BodyRange): AsyncGenerator<Uint8Array> {
    const first = await lease.file.read(offset, RECORD_HEAD_BYTES + FIRST_READ_BYTES);
    const head = headOf(first, lease, offset);
    let known = first.subarray(RECORD_HEAD_BYTES, RECORD_HEAD_BYTES + head.length);
    const until = Math.min(end ?? head.length, head.length);
    const place = { segment: lease.header.number, offset };
    if (!this.#checks.isSound(head, place, { known, end: until })) {
      if (head.length <= HELD_BYTES_MAX) known = await readWhole(lease, { offset, length: recordBytes(head.length) });
      else await this.#check(lease, offset, { head, known });
      this.#checks.note(place);
    }
    for (let at = Math.max(0, start); at < until;) {
      let piece = known.subarray(at, Math.min(until, at + this.#pieceBytes));
      if (piece.length === 0) {
        const length = Math.min(this.#pieceBytes, until - at);
        piece = await lease.file.read(offset + RECORD_HEAD_BYTES + at, length);
        if (piece.length < length) throw new StoreDamage("a body ends too soon", lease.path, offset);
      }
      at += piece.length;
      yield piece;
    }
  }

  /** Reads the rest of a body that is too large to be held. */
  async #check(
    lease: SegmentLease,
    offset: number,
    { head: { length, checksum }, known }: { readonly head: RecordHead; readonly known: Buffer },
  ): Promise<void> {
    let found = crc32(known);
    for (let at = known.length; at < length;) {
      const piece = await lease.file.read(offset + RECORD_HEAD_BYTES + at, Math.min(this.#pieceBytes, length - at));
      if (piece.length === 0) throw new StoreDamage("a body ends too soon", lease.path, offset);
      found = crc32(piece, found);
      at += piece.length;
    }
    if (found !== checksum) throw new StoreDamage("a body fails its checksum", lease.path, offset);
  }

  async #locate(blob: BlobId): Promise<{ readonly lease: SegmentLease; readonly offset: number }> {
    let place = placeOf(blob);
    // Compaction may move a body, and again while its place is looked up.
    for (let tries = 0; tries < 3; tries++) {
      const lease = await this.#segments.acquire(place.segment);
      if (lease !== undefined) return { lease, offset: place.offset };
      await this.#index.settled();
      const moved = await this.#index.get(movedKey(blob));
      if (moved === undefined) break;
      place = placeOf(decodeMoved(moved));
    }
    throw new StoreDamage("there is no such body", this.#segments.path(place.segment), place.offset);
  }
}

function headOf(bytes: Buffer, lease: SegmentLease, offset: number): RecordHead {
  const head = decodeRecordHead(bytes, { segment: lease.header, offset });
  if (head?.type !== "blob") throw new StoreDamage("no body begins here", lease.path, offset);
  return head;
}

/** All of a body, checked, read at once, into `room` where there is one: how long its record is must be known. */
export async function readWhole(
  lease: SegmentLease,
  { offset, length: recordLength }: { readonly offset: number; readonly length: number },
  room?: Buffer,
): Promise<Buffer> {
  const record = await lease.file.read(offset, recordLength, room);
  const { length, checksum } = headOf(record, lease, offset);
  const body = record.subarray(RECORD_HEAD_BYTES, RECORD_HEAD_BYTES + length);
  if (body.length < length) throw new StoreDamage("a body ends too soon", lease.path, offset);
  if (crc32(body) !== checksum) throw new StoreDamage("a body fails its checksum", lease.path, offset);
  return body;
}

export function encodeMoved(blob: BlobId): Buffer {
  return new ByteWriter().integer(blob).finish();
}

export function decodeMoved(value: Uint8Array): BlobId {
  return blobId(new ByteReader(value).integer());
}
