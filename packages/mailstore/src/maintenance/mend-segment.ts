// Makes damaged places of a segment harmless, each in a way that can be cut short and done again. What was there is kept.
import { createReadStream } from "node:fs";
import { open, stat, truncate, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { syncDirectory } from "../level/disk-files.ts";
import { damagedFolder } from "../level/maintenance/set-aside.ts";
import {
  decodeSegmentHeader,
  encodeRecordHead,
  encodeSegmentHeader,
  mendSegmentHeader,
  RECORD_HEAD_BYTES,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from "../level/record.ts";
import { INCOMPLETE_FILE } from "../level/maintenance/whole-log.ts";

/** Bytes `from` to `end` of a file in the data directory. */
export interface Stretch {
  readonly file: string;
  readonly from: number;
  readonly end: number;
}

/** Copies the bytes, less where the file ends before, to the folder of damaged ones: in pieces, a body may have gigabytes. */
export async function keepBytes(directory: string, { file, from, end }: Stretch): Promise<void> {
  const folder = await damagedFolder(directory);
  const copy = await open(join(folder, `${basename(file)}-${from}`), "w", 0o600);
  await pipeline(createReadStream(file, { start: from, end: end - 1 }), copy.createWriteStream({ flush: true }));
  await syncDirectory(folder);
}

/** From here on nobody takes the log for whole. */
export async function noteIncomplete(directory: string): Promise<void> {
  const segments = join(directory, "segments");
  await writeFile(join(segments, INCOMPLETE_FILE), "A repair has left a hole in the log.\n", {
    mode: 0o600,
    flush: true,
  });
  await syncDirectory(segments);
}

/** Puts a void over the stretch: readers of the log pass over it. The bytes behind its head stay as they are. */
export async function voidRecord(segment: SegmentHeader, { file, from, end }: Stretch): Promise<void> {
  const { size } = await stat(file);
  if (size < end) await truncate(file, end);
  const head = { type: "void", length: end - from - RECORD_HEAD_BYTES, groupStart: from } as const;
  await writeAt(file, from, encodeRecordHead({ ...head, checksum: 0, firstChecksum: 0 }, { segment, offset: from }));
}

/** A header with one wrong bit is put right; false where nothing is wrong, or more. */
export async function mendHeader(
  file: string,
  number: number,
  { dryRun }: { readonly dryRun: boolean },
): Promise<boolean> {
  const bytes = await readHeader(file);
  if (decodeSegmentHeader(bytes, number) !== undefined) return false;
  const mended = mendSegmentHeader(bytes, number);
  if (mended === undefined) return false;
  if (!dryRun) await writeAt(file, 0, mended);
  return true;
}

/** Puts a header in the place of one that is damaged; where the log has lost segments before it, that is not seen any more. */
export async function putHeader(directory: string, file: string, header: SegmentHeader): Promise<void> {
  await noteIncomplete(directory);
  await keepBytes(directory, { file, from: 0, end: SEGMENT_HEADER_BYTES });
  await writeAt(file, 0, encodeSegmentHeader(header));
}

/** Less where the file ends before. */
async function readHeader(file: string): Promise<Buffer> {
  const handle = await open(file, "r");
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SEGMENT_HEADER_BYTES), 0, SEGMENT_HEADER_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** Durable when it resolves. */
async function writeAt(file: string, offset: number, bytes: Buffer): Promise<void> {
  const handle = await open(file, "r+");
  try {
    await handle.write(bytes, 0, bytes.length, offset);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
