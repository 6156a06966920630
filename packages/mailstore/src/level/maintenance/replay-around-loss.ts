// Brings an index up to a log that has lost records. A plain replay would be a step back for what the index alone has of
// them; without one, the index would lack what a power cut took out of it.
import { decodeOperations, encodeOperations } from "../batch-payload.ts";
import { readCheckpoint } from "../checkpoints.ts";
import { isNewerHead } from "../heads.ts";
import type { KeyDatabase, Operation } from "../key-index.ts";
import { floorKey, parseLogKey } from "../keys.ts";
import type { LogPosition } from "../log-writer.ts";
import { decodeCursor } from "../mailbox-log.ts";
import type { SegmentLease, Segments } from "../segments.ts";
import { walkSegment } from "./segment-walk.ts";
import { statedEnds } from "./whole-log.ts";

/** Bytes of a segment that cannot be read. */
export interface LostStretch extends LogPosition {
  readonly end: number;
}

interface Stated {
  readonly value: Buffer | null;
  readonly at: LogPosition;
}

/** What the log from the checkpoint up to `end` says last of each key, and where. */
async function lastStated(database: KeyDatabase, segments: Segments, end: LogPosition): Promise<Map<string, Stated>> {
  const from = (await readCheckpoint(database))?.end ?? { segment: 0, offset: 0 };
  const ends = await statedEnds(segments);
  const stated = new Map<string, Stated>();
  for (const segment of segments.numbers("log")) {
    if (segment < from.segment || segment > end.segment || (await segments.header(segment)) === undefined) continue;
    const lease = (await segments.acquire(segment)) as SegmentLease;
    try {
      const proven = segment === end.segment ? end.offset : undefined;
      for await (const step of walkSegment(lease, { until: ends.get(segment), proven })) {
        const at = { segment, offset: step.offset };
        if (step.type !== "batch" || isBefore(at, from) || !isBefore(at, end)) continue;
        for (const { key, value } of decodeOperations(step.payload))
          stated.set(key.toString("latin1"), { value: value && Buffer.from(value), at });
      }
    } finally {
      lease.release();
    }
  }
  return stated;
}

/** What is to be written to the index, which holds the log up to `end`, but for what may have been lost of it. */
export async function operationsAround(
  database: KeyDatabase,
  segments: Segments,
  { end, lost }: { readonly end: LogPosition; readonly lost: readonly LostStretch[] },
): Promise<Operation[]> {
  let missing: (Stated & { readonly key: Buffer; readonly own: Buffer })[] = [];
  for (const [name, stated] of await lastStated(database, segments, end)) {
    const { value } = stated;
    const key = Buffer.from(name, "latin1");
    const held = await database.get(key);
    if (value === null ? held === undefined : held?.equals(value) === true) continue;
    if (value && held && isNewerHead(key, held, value)) continue;
    const record = parseLogKey(key);
    const floor = record && decodeCursor(await database.get(floorKey(record.account)));
    if (record !== undefined && record.cursor <= (floor ?? 0)) continue;
    missing.push({ ...stated, key, own: encodeOperations([{ key, value: held ?? null }]) });
  }
  for (const stretch of lost) {
    const bytes = await lostBytes(segments, stretch);
    // One bit is wrong, as a rule: what the index has of it stands there.
    missing = missing.filter(({ at, own }) => !(isBefore(at, stretch) && bytes.includes(own)));
  }
  return missing.map(({ key, value }) => ({ key, value }));
}

/** None of a body's segment: no transaction stands there, and it may have gigabytes. */
async function lostBytes(segments: Segments, { segment, offset, end }: LostStretch): Promise<Buffer> {
  const lease = segments.numbers("log").includes(segment) ? await segments.acquire(segment) : undefined;
  try {
    return (await lease?.file.read(offset, end - offset)) ?? Buffer.alloc(0);
  } finally {
    lease?.release();
  }
}

function isBefore(a: LogPosition, b: LogPosition): boolean {
  return a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset);
}
