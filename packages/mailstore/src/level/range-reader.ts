// Ranges of many bodies at once. Bodies that came one after the other lie side by side: one read takes in many of them.
import type { BlobRange, RoomToRead } from "../driver.ts";
import { TaskSlots } from "../task-slots.ts";
import type { BodyChecks } from "./body-checks.ts";
import { decodeRecordHead, FIRST_BLOCK_BYTES, placeOf, RECORD_HEAD_BYTES } from "./record.ts";
import type { SegmentLease, Segments } from "./segments.ts";

export interface RangeReaderOptions {
  readonly checks: BodyChecks;
  /** Bytes of one read, unless a single range is larger. A body is not read whole where it is longer. */
  readonly readBytesMax: number;
  /** Bytes that nobody asked for between two ranges which are read together. */
  readonly readGapBytesMax: number;
  /** Callers whose ranges are read at a time. */
  readonly rangeReadsAtOnce: number;
}

/** What is read of a segment for one range: a record from its head on. */
export interface Stretch {
  readonly segment: number;
  readonly start: number;
  readonly end: number;
  /** Which of the ranges it is for. */
  readonly at: number;
}

interface Reading {
  readonly ranges: readonly BlobRange[];
  readonly room: RoomToRead | undefined;
  /** What could be read and checked. */
  readonly bytes: (Buffer | undefined)[];
}

type MergeLimits = Pick<RangeReaderOptions, "readBytesMax" | "readGapBytesMax">;

/** Stretches that are read together, ascending. */
export function mergeStretches(stretches: readonly Stretch[], limits: MergeLimits): Stretch[][] {
  const reads: Stretch[][] = [];
  let read: Stretch[] | undefined;
  let end = 0;
  for (const stretch of stretches.toSorted((a, b) => a.segment - b.segment || a.start - b.start)) {
    const [first] = read ?? [];
    const isNear =
      first?.segment === stretch.segment &&
      stretch.start - end <= limits.readGapBytesMax &&
      stretch.end - first.start <= limits.readBytesMax;
    end = isNear ? Math.max(end, stretch.end) : stretch.end;
    if (isNear) read?.push(stretch);
    else reads.push((read = [stretch]));
  }
  return reads;
}

export class RangeReader {
  readonly #segments: Segments;
  readonly #options: RangeReaderOptions;
  readonly #slots: TaskSlots;

  constructor(segments: Segments, options: RangeReaderOptions) {
    this.#segments = segments;
    this.#options = options;
    this.#slots = new TaskSlots(options.rangeReadsAtOnce);
  }

  /**
   * The bytes of each range, checked. Undefined where they cannot be had in this way: the body was moved, is long and
   * must be checked whole, or something is damaged. Whoever reads that body alone finds out. They lie in `room` as far as
   * that has some.
   */
  read(ranges: readonly BlobRange[], room?: RoomToRead): Promise<readonly (Buffer | undefined)[]> {
    return this.#slots.run(() => this.#read({ ranges, room, bytes: ranges.map(() => undefined) }));
  }

  async #read(reading: Reading): Promise<readonly (Buffer | undefined)[]> {
    const { ranges, bytes } = reading;
    const { readGapBytesMax } = this.#options;
    const wanted = ranges.flatMap(({ blob, start, end }, at): Stretch[] => {
      if (start > readGapBytesMax) return [];
      const { segment, offset } = placeOf(blob);
      // With its first block a range can mostly be checked.
      return [{ segment, start: offset, end: offset + RECORD_HEAD_BYTES + Math.max(end, FIRST_BLOCK_BYTES), at }];
    });
    const whole = await this.#readAll(wanted, reading);
    await this.#readAll(whole, reading);
    for (const { segment, start, at } of whole) {
      if (bytes[at] !== undefined) this.#options.checks.note({ segment, offset: start });
    }
    return bytes;
  }

  /** Fills in what could be checked; returns the stretches of those that must be read whole for it. */
  async #readAll(stretches: readonly Stretch[], { ranges, room, bytes }: Reading): Promise<readonly Stretch[]> {
    const unchecked: Stretch[] = [];
    const reads = mergeStretches(stretches, this.#options);
    const leases = await this.#acquire(reads.map(([first]) => (first as Stretch).segment));
    const readOne = async (together: readonly Stretch[]): Promise<void> => {
      const [{ segment, start }] = together as [Stretch];
      const lease = leases.get(segment);
      if (lease === undefined) return;
      const end = together.reduce((last, stretch) => Math.max(last, stretch.end), start);
      const all = await lease.file.read(start, end - start, room?.(end - start));
      for (const stretch of together) {
        const record = all.subarray(stretch.start - start, stretch.end - start);
        const found = this.#rangeOf(record, ranges[stretch.at] as BlobRange, { lease, stretch });
        if (found === undefined) continue;
        if ("segment" in found) unchecked.push(found);
        else bytes[stretch.at] = found;
      }
    };
    // What fails is left undefined: reading it alone tells why.
    await Promise.all(reads.map((together) => readOne(together).catch(() => undefined)));
    for (const lease of leases.values()) lease.release();
    return unchecked;
  }

  /** One lease of each segment that can be had. */
  async #acquire(segments: readonly number[]): Promise<ReadonlyMap<number, SegmentLease>> {
    const leases = new Map<number, SegmentLease>();
    for (const segment of new Set(segments)) {
      const lease = await this.#segments.acquire(segment).catch(() => undefined);
      if (lease !== undefined) leases.set(segment, lease);
    }
    return leases;
  }

  #rangeOf(
    record: Buffer,
    { start, end }: BlobRange,
    { lease, stretch }: { readonly lease: SegmentLease; readonly stretch: Stretch },
  ): Buffer | Stretch | undefined {
    const place = { segment: stretch.segment, offset: stretch.start };
    const head = decodeRecordHead(record, { segment: lease.header, offset: stretch.start });
    if (head?.type !== "blob" || end > head.length) return undefined;
    const known = record.subarray(RECORD_HEAD_BYTES, RECORD_HEAD_BYTES + head.length);
    if (known.length < Math.min(end, head.length)) return undefined;
    if (this.#options.checks.isSound(head, place, { known, end })) return known.subarray(start, end);
    const isWhole = known.length === head.length;
    if (isWhole || head.length > this.#options.readBytesMax) return undefined;
    return { ...stretch, end: stretch.start + RECORD_HEAD_BYTES + head.length };
  }
}
