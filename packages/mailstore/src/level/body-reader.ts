// Reads bodies by the place that their id names, or by the place where compaction put them.
import { crc32 } from "node:zlib";
import type { BlobId } from "../ids.ts";
import { blobId } from "../ids.ts";
import { ByteReader, ByteWriter } from "../byte-codec.ts";
import type { KeyIndex } from "./key-index.ts";
import { movedKey } from "./keys.ts";
import { decodeRecordHead, placeOf, RECORD_HEAD_BYTES, type RecordHead } from "./record.ts";
import type { SegmentLease, Segments } from "./segments.ts";
import { StoreDamage } from "./store-damage.ts";

/** Read together with a record's head: most bodies are whole in it. */
const FIRST_READ_BYTES = 16 * 1024;

export interface BodyRange {
  readonly start?: number;
  readonly end?: number;
}

export class BodyReader {
  readonly #segments: Segments;
  readonly #index: KeyIndex;
  readonly #pieceBytes: number;

  constructor(segments: Segments, index: KeyIndex, pieceBytes: number) {
    this.#segments = segments;
    this.#index = index;
    this.#pieceBytes = pieceBytes;
  }

  /** A body that is read whole is checked before its last piece is given out. */
  async *read(blob: BlobId, range: BodyRange = {}): AsyncGenerator<Uint8Array> {
    const { lease, offset } = await this.#locate(blob);
    try {
      yield* this.#pieces(lease, offset, range);
    } finally {
      lease.release();
    }
  }

  async *#pieces(lease: SegmentLease, offset: number, { start = 0, end }: BodyRange): AsyncGenerator<Uint8Array> {
    const first = await lease.file.read(offset, RECORD_HEAD_BYTES + Math.min(FIRST_READ_BYTES, this.#pieceBytes));
    const head = headOf(first, lease, offset);
    const known = first.subarray(RECORD_HEAD_BYTES, RECORD_HEAD_BYTES + head.length);
    const until = Math.min(end ?? head.length, head.length);
    const whole = start <= 0 && until === head.length;
    let checksum = 0;
    for (let at = Math.max(0, start); at < until;) {
      let piece = known.subarray(at, until);
      if (piece.length === 0) {
        const length = Math.min(this.#pieceBytes, until - at);
        piece = await lease.file.read(offset + RECORD_HEAD_BYTES + at, length);
        if (piece.length < length) throw new StoreDamage("a body ends too soon", lease.path, offset);
      }
      at += piece.length;
      if (whole) checksum = crc32(piece, checksum);
      if (whole && at === until && checksum !== head.checksum) {
        throw new StoreDamage("a body fails its checksum", lease.path, offset);
      }
      yield piece;
    }
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
    throw new Error(`no such body: ${blob}`);
  }
}

function headOf(bytes: Buffer, lease: SegmentLease, offset: number): RecordHead {
  const head = decodeRecordHead(bytes, { segment: lease.header, offset });
  if (head?.type !== "blob") throw new StoreDamage("no body begins here", lease.path, offset);
  return head;
}

export function encodeMoved(blob: BlobId): Buffer {
  return new ByteWriter().integer(blob).finish();
}

export function decodeMoved(value: Uint8Array): BlobId {
  return blobId(new ByteReader(value).integer());
}
