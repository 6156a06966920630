// LevelDB's own log format, which its write-ahead logs and its manifest share: blocks of 32 KiB with checksummed fragments.
import { maskedCrc32c } from "./crc32c.ts";

const BLOCK_BYTES = 32_768;
const HEADER_BYTES = 7;
const FULL = 1;
const FIRST = 2;
const LAST = 4;

export interface LogFragments {
  /** The records that are whole, in order, each with where it begins. */
  readonly records: readonly { readonly offset: number; readonly bytes: Buffer }[];
  /** Where fragments fail their checksum or are out of place, ascending; an unfinished end is none. */
  readonly damages: readonly number[];
}

/** Takes a log apart; what is damaged is passed over as LevelDB does, to the next block where need be. */
export function readLeveldbLog(file: Buffer): LogFragments {
  const records: { offset: number; bytes: Buffer }[] = [];
  const damages: number[] = [];
  let pieces: Buffer[] | undefined;
  let began = 0;
  for (let at = 0; at + HEADER_BYTES <= file.length;) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < HEADER_BYTES) {
      at += left;
      continue;
    }
    const length = file.readUInt16LE(at + 4);
    const type = file[at + 6] as number;
    const end = at + HEADER_BYTES + length;
    // What the file ends in was never finished.
    if (end > file.length && length + HEADER_BYTES <= left) break;
    if (length + HEADER_BYTES > left || maskedCrc32c(file.subarray(at + 6, end)) !== file.readUInt32LE(at)) {
      damages.push(at);
      pieces = undefined;
      at += left;
      continue;
    }
    if (type === FULL || type === FIRST) {
      pieces = [];
      began = at;
    }
    if (pieces === undefined) damages.push(at);
    else pieces.push(file.subarray(at + HEADER_BYTES, end));
    if (pieces !== undefined && (type === FULL || type === LAST)) {
      records.push({ offset: began, bytes: Buffer.concat(pieces) });
      pieces = undefined;
    }
    at = end;
  }
  return { records, damages };
}
