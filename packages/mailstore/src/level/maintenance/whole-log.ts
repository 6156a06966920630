// Whether the log still has everything that was ever written: then the index can be made of it anew.
import { DiskFiles } from "../disk-files.ts";
import { LEVEL_LIMITS } from "../limits.ts";
import type { SegmentHeader } from "../record.ts";
import { Segments } from "../segments.ts";
import { ignoreUnreadable } from "./readable-file.ts";
import { walkSegment } from "./segment-walk.ts";

/** A file among the segments: a repair has left a hole in the log. */
export const INCOMPLETE_FILE = "incomplete";

/** The end of the valid records of each log segment that another one names as the one before it. */
export async function statedEnds(segments: Segments): Promise<Map<number, number>> {
  const ends = new Map<number, number>();
  for (const number of segments.numbers("log")) {
    const header = await segments.header(number).catch(ignoreUnreadable);
    if (header !== undefined) ends.set(header.previous, header.previousEnd);
  }
  return ends;
}

/** Whether a repair has left a hole in the log of a directory's segments. */
export async function isLogIncomplete(directory: string): Promise<boolean> {
  return (await new DiskFiles(directory).list()).includes(INCOMPLETE_FILE);
}

/** Of a directory's segments. */
export async function isLogWhole(directory: string): Promise<boolean> {
  if (await isLogIncomplete(directory)) return false;
  const segments = await Segments.list(new DiskFiles(directory), LEVEL_LIMITS);
  try {
    return await areAllWhole(segments);
  } finally {
    await segments.close();
  }
}

async function areAllWhole(segments: Segments): Promise<boolean> {
  const headers: SegmentHeader[] = [];
  for (const number of segments.numbers("log")) {
    const header = await segments.header(number);
    if (header !== undefined) headers.push(header);
    else if (!(await segments.isUnbegun(number))) return false;
  }
  const numbers = new Set([0, ...headers.map(({ number }) => number)]);
  if (headers.length === 0 || headers.some(({ previous }) => !numbers.has(previous))) return false;
  const ends = await statedEnds(segments);
  for (const { number } of headers) {
    const lease = await segments.acquire(number);
    if (lease === undefined) return false;
    try {
      for await (const step of walkSegment(lease, { until: ends.get(number) })) {
        if (step.type === "damage" && step.head?.type !== "blob") return false;
      }
    } finally {
      lease.release();
    }
  }
  return true;
}
