// How bytes lie in a segment file: a header that names it, then records of a checksummed head and a payload, aligned.
// A record's head verifies only in the segment and at the offset it was written for: stale bytes of a recycled file,
// and bytes that a sender put into a body, are never taken for one.
import { crc32 } from "node:zlib";
import { blobId, type BlobId } from "../ids.ts";

/** A log segment holds transactions and small bodies; a body segment holds one large body. */
export type SegmentKind = "log" | "body";

export interface SegmentHeader {
  readonly kind: SegmentKind;
  readonly number: number;
  /** Random, so that nobody who sends mail can forge a record. */
  readonly salt: number;
  /** The log segment before this one (0: none), and where its valid records end. */
  readonly previous: number;
  readonly previousEnd: number;
}

/**
 * A group commit writes the bodies it needs, then one batch: the index operations that make it visible. A repair writes
 * a void over what cannot be read any more.
 */
export type RecordType = "blob" | "batch" | "void";

export interface RecordHead {
  readonly type: RecordType;
  /** Bytes of the payload. */
  readonly length: number;
  /** Where the group that wrote it begins: an earlier group is complete, since groups are written one by one. */
  readonly groupStart: number;
  /** CRC-32 of the payload. */
  readonly checksum: number;
  /** CRC-32 of the payload's first `FIRST_BLOCK_BYTES`, or of all where it has fewer; 0 where nobody noted it. */
  readonly firstChecksum: number;
}

export const SEGMENT_HEADER_BYTES = 64;
export const RECORD_HEAD_BYTES = 24;
/** So much of a body's beginning can be checked alone: where most headers end. */
export const FIRST_BLOCK_BYTES = 4096;
/** No record begins at or behind this offset. */
export const RECORD_OFFSET_MAX: number = 2 ** 27;
const SEGMENT_NUMBER_MAX = 2 ** 29 - 1;
export const PAYLOAD_BYTES_MAX: number = 2 ** 32 - 1;

const ALIGNMENT = 8;
const CRC_POLYNOMIAL = 0xedb88320;
/** To be raised when what is written can no longer be read by those who read what was written before. */
const FORMAT = 1;
const SEGMENT_MAGIC = Buffer.from(`PMSEG\0${String.fromCharCode(FORMAT)}\n`, "latin1");
const FORMAT_AT = 6;
const KIND_CODES: Record<SegmentKind, number> = { log: 1, body: 2 };
const TYPE_CODES: Record<RecordType, number> = { blob: 0xb1, batch: 0xc3, void: 0xd5 };
const TYPES: ReadonlyMap<unknown, RecordType> = new Map(
  (Object.keys(TYPE_CODES) as RecordType[]).map((type) => [TYPE_CODES[type], type]),
);

/** The first bytes of every record head. */
export const RECORD_MAGIC: Buffer = Buffer.from("PMr", "latin1");

export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(SEGMENT_HEADER_BYTES);
  SEGMENT_MAGIC.copy(bytes);
  bytes.writeUInt32LE(KIND_CODES[header.kind], 8);
  bytes.writeUInt32LE(header.number, 12);
  bytes.writeUInt32LE(header.salt, 16);
  bytes.writeUInt32LE(header.previous, 20);
  bytes.writeUInt32LE(header.previousEnd, 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28);
  return bytes;
}

/**
 * Undefined where the bytes are no header, or that of another segment: a file in the making or a recycled one. Throws
 * where they are a sound header of another format, so that nobody takes it for damage and repairs it.
 */
export function decodeSegmentHeader(bytes: Buffer, number: number): SegmentHeader | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES || bytes.compare(SEGMENT_MAGIC, 0, FORMAT_AT, 0, FORMAT_AT) !== 0)
    return undefined;
  if (bytes.readUInt32LE(28) !== crc32(bytes.subarray(0, 28)) || bytes.readUInt32LE(12) !== number) return undefined;
  const format = bytes[FORMAT_AT] as number;
  if (format !== FORMAT)
    throw new Error(`segment ${number} has format ${format}: it needs another version of pushmail`);
  const kind = bytes.readUInt32LE(8) === KIND_CODES.log ? "log" : "body";
  return {
    kind,
    number,
    salt: bytes.readUInt32LE(16),
    previous: bytes.readUInt32LE(20),
    previousEnd: bytes.readUInt32LE(24),
  };
}

/** The header with the one bit right that is wrong in it; undefined where more is wrong, or it is another's. */
export function mendSegmentHeader(bytes: Buffer, number: number): Buffer | undefined {
  const mended = Buffer.from(bytes);
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const at = bit >>> 3;
    mended[at] = (bytes[at] as number) ^ (1 << (bit & 7));
    if (decodeSegmentHeader(mended, number) !== undefined) return mended;
    mended[at] = bytes[at] as number;
  }
  return undefined;
}

/** The salt of a segment by the head of one of its records: the head's checksum, run backwards, says what it began with. */
export function saltOf(head: Buffer, { number, offset }: { readonly number: number; readonly offset: number }): number {
  let sum = ~head.readUInt32LE(16);
  for (let at = 15; at >= 0; at--) {
    for (let bit = 0; bit < 8; bit++) sum = sum < 0 ? ((sum ^ CRC_POLYNOMIAL) << 1) | 1 : sum << 1;
    sum ^= head[at] as number;
  }
  return (~sum - seedOf({ segment: { number, salt: 0 }, offset })) >>> 0;
}

/** What a record's head is bound to. */
export interface RecordPlace {
  readonly segment: Pick<SegmentHeader, "number" | "salt">;
  readonly offset: number;
}

export function encodeRecordHead(head: RecordHead, place: RecordPlace): Buffer {
  const bytes = Buffer.alloc(RECORD_HEAD_BYTES);
  RECORD_MAGIC.copy(bytes);
  bytes[3] = TYPE_CODES[head.type];
  bytes.writeUInt32LE(head.length, 4);
  bytes.writeUInt32LE(head.groupStart, 8);
  bytes.writeUInt32LE(head.checksum, 12);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 16), seedOf(place)), 16);
  // Not bound to the rest: where it is damaged, the whole payload is looked at.
  bytes.writeUInt32LE(head.firstChecksum, 20);
  return bytes;
}

export function decodeRecordHead(bytes: Buffer, place: RecordPlace): RecordHead | undefined {
  if (bytes.length < RECORD_HEAD_BYTES || bytes.compare(RECORD_MAGIC, 0, 3, 0, 3) !== 0) return undefined;
  const type = TYPES.get(bytes[3]);
  if (type === undefined || bytes.readUInt32LE(16) !== crc32(bytes.subarray(0, 16), seedOf(place))) return undefined;
  return {
    type,
    length: bytes.readUInt32LE(4),
    groupStart: bytes.readUInt32LE(8),
    checksum: bytes.readUInt32LE(12),
    firstChecksum: bytes.readUInt32LE(20),
  };
}

function seedOf({ segment, offset }: RecordPlace): number {
  return (segment.salt + Math.imul(segment.number, 0x9e3779b1) + offset) >>> 0;
}

/** Zeros that a payload needs behind it, so that the next record is aligned. */
export function paddingAfter(length: number): number {
  return (ALIGNMENT - (length % ALIGNMENT)) % ALIGNMENT;
}

/** What a record with such a payload takes in the file. */
export function recordBytes(payloadLength: number): number {
  return RECORD_HEAD_BYTES + payloadLength + paddingAfter(payloadLength);
}

/** The id of a body is the place of its record, so that reading it needs no look-up. */
export function blobIdAt(segment: number, offset: number): BlobId {
  if (segment < 1 || segment > SEGMENT_NUMBER_MAX) throw new RangeError(`segment number out of range: ${segment}`);
  if (offset >= RECORD_OFFSET_MAX || offset % ALIGNMENT !== 0) throw new RangeError(`no record begins at ${offset}`);
  return blobId(segment * (RECORD_OFFSET_MAX / ALIGNMENT) + offset / ALIGNMENT);
}

export function placeOf(blob: BlobId): { readonly segment: number; readonly offset: number } {
  const unit = RECORD_OFFSET_MAX / ALIGNMENT;
  return { segment: Math.floor(blob / unit), offset: (blob % unit) * ALIGNMENT };
}
