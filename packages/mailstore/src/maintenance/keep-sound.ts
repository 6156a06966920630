// A log segment that was being written is copied again by the next backup. Where it is damaged since, what the older copy has
// of it stays: a log only grows, but for a store that was restored from an older backup and has gone on otherwise.
import { isDeepStrictEqual } from "node:util";
import { DiskFiles } from "../level/disk-files.ts";
import { LogScanner } from "../level/log-scanner.ts";
import { walkSegment, type KnownEnd } from "../level/maintenance/segment-walk.ts";
import {
  decodeSegmentHeader,
  recordBytes,
  SEGMENT_HEADER_BYTES,
  type RecordHead,
  type SegmentHeader,
} from "../level/record.ts";
import type { SegmentFile } from "../level/segment-files.ts";
import type { SegmentLease } from "../level/segments.ts";

/** Puts what is sound in the older copy in the place of what is damaged in the newer one, if they are of one segment. */
export async function keepSound(directory: string, number: number, { known, ...names }: Copies): Promise<void> {
  const files = new DiskFiles(directory);
  const [older, newer] = [await files.open(names.older), await files.openToWrite(names.newer)];
  try {
    const header = await headerOf(older, number);
    const own = await headerOf(newer, number);
    if (header === undefined || (own !== undefined && own.salt !== header.salt)) return;
    const [source, target] = [leaseOf(header, older), leaseOf(header, newer)];
    if (own === undefined) {
      if (!(await hasRecords(target))) return;
      await newer.write(0, [await older.read(0, SEGMENT_HEADER_BYTES)]);
    }
    const olderLog = new LogScanner(source);
    const newerLog = new LogScanner(target);
    for await (const step of walkSegment(target, known)) {
      if (step.type === "end") break;
      // Of a record that has lost its head, the next one tells whether both are of one log.
      const at = step.type === "damage" && step.head === undefined ? step.end : step.offset;
      if (areOthers(await olderLog.head(at), step.head ?? (await newerLog.head(at)))) break;
      if (step.type === "damage") await copyRecords(source, target, { from: step.offset, to: step.end });
    }
    await newer.sync();
  } finally {
    await older.close();
    await newer.close();
  }
}

/** Whether two records in one place are not the same. A repair may have put a void over one. */
function areOthers(older: RecordHead | undefined, newer: RecordHead | undefined): boolean {
  if (older === undefined || newer === undefined || newer.type === "void") return false;
  return !isDeepStrictEqual(older, newer);
}

/** By their names. */
export interface Copies {
  readonly older: string;
  readonly newer: string;
  /** Of the segment. What the older one has behind another end need not be of it. */
  readonly known: KnownEnd;
}

/** It has lost its header, and is known by any of its records. */
async function hasRecords(lease: SegmentLease): Promise<boolean> {
  for await (const _ of new LogScanner(lease).heads(SEGMENT_HEADER_BYTES)) return true;
  return false;
}

/** As many of the records from a place on as are sound. */
async function copyRecords(
  source: SegmentLease,
  target: SegmentLease,
  { from, to }: { readonly from: number; readonly to: number },
): Promise<void> {
  const scanner = new LogScanner(source);
  for (let at = from; at < to;) {
    const head = await scanner.head(at);
    if (head === undefined || (await scanner.payload(at, head)) === undefined) return;
    const bytes = recordBytes(head.length);
    await target.file.write(at, [await source.file.read(at, bytes)]);
    at += bytes;
  }
}

async function headerOf(file: SegmentFile, number: number): Promise<SegmentHeader | undefined> {
  return decodeSegmentHeader(await file.read(0, SEGMENT_HEADER_BYTES), number);
}

/** Of a file that is no segment of a store. */
function leaseOf(header: SegmentHeader, file: SegmentFile): SegmentLease {
  return { header, file, path: "", release: () => undefined };
}
