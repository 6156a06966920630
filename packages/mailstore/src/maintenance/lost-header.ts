// The header of a segment that has lost it, where its first record is whole: that stands where nothing but us writes.
import { basename, join } from "node:path";
import { DiskFiles } from "../level/disk-files.ts";
import { readProvenEnd } from "../level/maintenance/index-alone.ts";
import { isNone } from "../level/maintenance/kept-index.ts";
import { walkSegment } from "../level/maintenance/segment-walk.ts";
import { damagesOfIndex } from "../level/maintenance/set-aside.ts";
import {
  decodeSegmentHeader,
  RECORD_HEAD_BYTES,
  recordBytes,
  saltOf,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  type SegmentKind,
} from "../level/record.ts";
import type { Segments } from "../level/segments.ts";

/** Undefined where there is a header, or it cannot be known what it said. */
export async function lostHeader(
  segments: Segments,
  number: number,
  directory: string,
): Promise<SegmentHeader | undefined> {
  if ((await segments.header(number)) !== undefined) return undefined;
  const kind: SegmentKind = segments.numbers("log").includes(number) ? "log" : "body";
  if (kind === "log" && !(await isBegun(segments, number, directory))) return undefined;
  const path = segments.path(number);
  const file = await new DiskFiles(join(directory, "segments")).open(basename(path));
  try {
    const offset = SEGMENT_HEADER_BYTES;
    const head = await file.read(offset, RECORD_HEAD_BYTES);
    if (head.length < RECORD_HEAD_BYTES) return undefined;
    // It was on its way from being that one.
    if (isOfAnother(await file.read(0, SEGMENT_HEADER_BYTES))) return undefined;
    const before = kind === "log" ? await logBefore(segments, number) : { previous: 0, previousEnd: 0 };
    const header = { kind, number, salt: saltOf(head, { number, offset }), ...before };
    const { value: first } = await walkSegment({ header, file, path }).next();
    return first?.type === "body" || first?.type === "batch" ? header : undefined;
  } finally {
    await file.close();
  }
}

function isOfAnother(header: Buffer): boolean {
  return decodeSegmentHeader(header, header.readUInt32LE(12)) !== undefined;
}

/** Whether records were written under its number: else those in a file that was used before are another segment's. */
async function isBegun(segments: Segments, number: number, directory: string): Promise<boolean> {
  if (segments.numbers("log").some((other) => other > number)) return true;
  if (!(await isNone(damagesOfIndex(directory)))) return false;
  const end = await readProvenEnd(directory);
  return end?.segment === number && end.offset > SEGMENT_HEADER_BYTES;
}

/** The log segment before it, and where the last transaction in that ends. */
async function logBefore(segments: Segments, number: number): Promise<{ previous: number; previousEnd: number }> {
  const previous = segments.numbers("log").findLast((other) => other < number) ?? 0;
  const lease = previous === 0 ? undefined : await segments.acquire(previous).catch(() => undefined);
  if (lease === undefined) return { previous: number - 1, previousEnd: 0 };
  let previousEnd = SEGMENT_HEADER_BYTES;
  try {
    for await (const step of walkSegment(lease)) {
      if (step.type === "batch") previousEnd = step.offset + recordBytes(step.head.length);
    }
  } finally {
    lease.release();
  }
  return { previous, previousEnd };
}
