// Messages that are stored together, ascending by UID: one value of their filters for the envelopes, one for the rest.
// A checksum binds each value to its key, so that no bit of it and no value of another place is taken for its own.
import { crc32 } from "node:zlib";
import type { Uid } from "@pushmail/mailstore";

/** What is known of a message. */
export interface IndexedMessage {
  readonly uid: Uid;
  /** The filter of what the envelope tells of, and that of all that is read of the message. */
  readonly envelope: Uint8Array;
  readonly message: Uint8Array;
}

/** The filter of one message out of a pack. */
export interface PackedFilter {
  readonly uid: Uid;
  readonly filter: Uint8Array;
}

/** What was stored is no longer what is there. */
export class PackDamage extends Error {}

const HEAD_BYTES = 8;
const ENTRY_BYTES = 8;

/** The value for a key. */
export function encodePack(key: Uint8Array, filters: readonly PackedFilter[]): Buffer {
  const start = HEAD_BYTES + ENTRY_BYTES * filters.length;
  const value = Buffer.allocUnsafe(filters.reduce((bytes, { filter }) => bytes + filter.length, start));
  value.writeUInt32LE(filters.length, 4);
  let end = start;
  for (const [i, { uid, filter }] of filters.entries()) {
    value.writeUInt32LE(uid, HEAD_BYTES + ENTRY_BYTES * i);
    value.writeUInt32LE(filter.length, HEAD_BYTES + ENTRY_BYTES * i + 4);
    value.set(filter, end);
    end += filter.length;
  }
  value.writeUInt32LE(checksum(key, value));
  return value;
}

/** Throws `PackDamage` where the value is not what was stored under this key. */
export function decodePack(key: Uint8Array, value: Buffer): readonly PackedFilter[] {
  if (value.length < HEAD_BYTES || value.readUInt32LE() !== checksum(key, value)) {
    throw new PackDamage(`the entry ${Buffer.from(key).toString("hex")} is damaged`);
  }
  const count = value.readUInt32LE(4);
  let end = HEAD_BYTES + ENTRY_BYTES * count;
  return Array.from({ length: count }, (_, i): PackedFilter => {
    const uid = value.readUInt32LE(HEAD_BYTES + ENTRY_BYTES * i);
    const bytes = value.readUInt32LE(HEAD_BYTES + ENTRY_BYTES * i + 4);
    return { uid, filter: value.subarray(end, (end += bytes)) };
  });
}

function checksum(key: Uint8Array, value: Buffer): number {
  return crc32(value.subarray(4), crc32(key));
}
