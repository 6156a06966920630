// Whether the log still has everything that was ever written: then the index can be made of it anew.
import type { Segments } from "../segments.ts";
import { walkSegment } from "./segment-walk.ts";
import type { SegmentHeader } from "../record.ts";

/** A file among the segments: a repair has left a hole in the log. */
export const INCOMPLETE_FILE = "incomplete";

/** The end of the valid records of each log segment that another one names as the one before it. */
export async function statedEnds(segments: Segments): Promise<Map<number, number>> {
  const ends = new Map<number, number>();
  for (const number of segments.numbers("log")) {
    const header = await segments.header(number);
    if (header !== undefined) ends.set(header.previous, header.previousEnd);
  }
  return ends;
}

export async function isLogWhole(segments: Segments, names: readonly string[]): Promise<boolean> {
  if (names.includes(INCOMPLETE_FILE)) return false;
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
      for await (const step of walkSegment(lease, ends.get(number))) {
        if (step.type === "damage" && step.head?.type !== "blob") return false;
      }
    } finally {
      lease.release();
    }
  }
  return true;
}
