// Reads every segment to its end: each record's checksum, and what the log says against what the index holds.
import { crc32 } from "node:zlib";
import type { AccountId, BlobId } from "../ids.ts";
import { decodeOperations } from "../level/batch-payload.ts";
import type { KeyIndex, Operation } from "../level/key-index.ts";
import type { DriverInside } from "../level/maintenance/index-request.ts";
import { floorKey, isRecordKey, parseLogKey } from "../level/keys.ts";
import type { LogPosition } from "../level/log-writer.ts";
import { decodeCursor } from "../level/mailbox-log.ts";
import { blobIdAt, decodeSegmentHeader, SEGMENT_HEADER_BYTES, type SegmentHeader } from "../level/record.ts";
import type { SegmentLease, Segments } from "../level/segments.ts";
import { ignoreUnreadable, ReadableFile } from "../level/maintenance/readable-file.ts";
import { walkSegment, type WalkStep } from "../level/maintenance/segment-walk.ts";
import { statedEnds } from "../level/maintenance/whole-log.ts";
import { StoreDamage } from "../level/store-damage.ts";
import { BodyPlaces } from "./body-places.ts";

export type DamagedRecord = Extract<WalkStep, { type: "damage" }>;

export interface SegmentsRead {
  readonly places: BodyPlaces;
  /** Damaged bodies, by where they lie. */
  readonly damagedBodies: ReadonlyMap<BlobId, DamagedRecord>;
  /** Damaged transactions, and records of which not even that is known; by segment. */
  readonly damagedRecords: readonly { readonly segment: number; readonly record: DamagedRecord }[];
  readonly otherDamages: readonly StoreDamage[];
  /** Heads and directory entries that the index holds otherwise than the log left them. */
  readonly differing: readonly Buffer[];
  readonly segments: number;
  readonly transactions: number;
}

export interface SegmentsOptions {
  readonly segments: Segments;
  /** Undefined where the store cannot be opened: then its index is not compared. */
  readonly inside: DriverInside | undefined;
  /** Where the log ends; undefined where that is not known. */
  readonly end: LogPosition | undefined;
  /** It reaches at least to here. */
  readonly proven: LogPosition | undefined;
  /** Told of each segment that is to be read. */
  readonly onSegment?: (done: number, all: number) => void;
}

export async function readSegments(options: SegmentsOptions): Promise<SegmentsRead> {
  const { segments, inside, end, proven } = options;
  const found = new Found(inside?.index);
  const ends = await statedEnds(segments);
  if (end !== undefined && !ends.has(end.segment)) ends.set(end.segment, end.offset);
  const numbers = [...segments.numbers("log"), ...segments.numbers("body")];
  for (const [i, number] of numbers.entries()) {
    options.onSegment?.(i, numbers.length);
    const lease = await leaseOf(segments, number).catch(ignoreUnreadable);
    if (lease === undefined) {
      const isLeftover = !ends.has(number) && (await segments.isUnbegun(number).catch(ignoreUnreadable)) === true;
      if (!isLeftover)
        found.otherDamages.push(new StoreDamage("the segment has no valid header", segments.path(number), 0));
      continue;
    }
    try {
      const header = await lease.file.read(0, SEGMENT_HEADER_BYTES);
      if (decodeSegmentHeader(header, number) === undefined) {
        found.otherDamages.push(new StoreDamage("a bit of the segment's header is wrong", lease.path, 0));
      }
      if (lease.header.kind === "log") found.begin(lease.header);
      const known = { until: ends.get(number), proven: proven?.segment === number ? proven.offset : undefined };
      const file = new ReadableFile(lease.file);
      for await (const step of walkSegment({ ...lease, file }, known)) await found.take(number, asRead(step, file));
    } finally {
      lease.release();
    }
  }
  await found.compareRest();
  const { places, damagedBodies, damagedRecords, otherDamages, differing, transactions } = found;
  return { places, damagedBodies, damagedRecords, otherDamages, differing, transactions, segments: numbers.length };
}

async function leaseOf(segments: Segments, number: number): Promise<SegmentLease | undefined> {
  return (await segments.header(number)) === undefined ? undefined : segments.acquire(number);
}

/** What is damaged because the disk cannot read it is said to be so. */
function asRead(step: WalkStep, file: ReadableFile): WalkStep {
  if (step.type !== "damage" || !file.lacks(step.offset, step.end)) return step;
  const { what, file: path, offset } = step.damage;
  return { ...step, damage: new StoreDamage(`${what}: the disk cannot read it`, path, offset) };
}

class Found {
  readonly #index: KeyIndex | undefined;
  readonly #floors = new Map<AccountId, number>();
  /** Heads and directory entries as the log leaves them: checksums, by key; undefined where removed. */
  readonly #last = new Map<string, number | undefined>();
  #segment = 0;
  #waiting: Operation[] = [];
  readonly places: BodyPlaces = new BodyPlaces();
  readonly damagedBodies: Map<BlobId, DamagedRecord> = new Map();
  readonly damagedRecords: { segment: number; record: DamagedRecord }[] = [];
  readonly otherDamages: StoreDamage[] = [];
  readonly differing: Buffer[] = [];
  transactions = 0;

  constructor(index: KeyIndex | undefined) {
    this.#index = index;
  }

  /** A segment of the log. Where the one before it was reclaimed, what that said last of a key is not known. */
  begin({ number, previous }: SegmentHeader): void {
    if (previous !== this.#segment) this.#last.clear();
    this.#segment = number;
  }

  async take(segment: number, step: WalkStep): Promise<void> {
    if (step.type === "body") this.places.add(segment, step.offset, step.head.length);
    else if (step.type === "damage") {
      if (step.head?.type === "blob") this.damagedBodies.set(blobIdAt(segment, step.offset), step);
      else this.damagedRecords.push({ segment, record: step });
    } else if (step.type === "batch") {
      for (const operation of decodeOperations(step.payload)) this.#note(operation);
      if (this.#waiting.length > 1_000) await this.#compare();
    }
  }

  /** What can be said only when all is read. After a loss in the log, nothing can. */
  async compareRest(): Promise<void> {
    await this.#compare();
    if (this.#index === undefined || this.damagedRecords.length > 0) return;
    const names = [...this.#last.keys()];
    for (let at = 0; at < names.length; at += 1_000) {
      const some = names.slice(at, at + 1_000);
      const values = await this.#index.getMany(some.map((name) => Buffer.from(name, "latin1")));
      some.forEach((name, i) => {
        const value = values[i];
        if ((value === undefined ? undefined : crc32(value)) === this.#last.get(name)) return;
        this.#differs(name);
        this.differing.push(Buffer.from(name, "latin1"));
      });
    }
  }

  #note({ key, value }: Operation): void {
    if (this.#index === undefined) return;
    if (parseLogKey(key) !== undefined) {
      this.transactions += isRecordKey(key) ? 1 : 0;
      if (value !== null) this.#waiting.push({ key, value });
    } else if (key[0] === 0x01 || key[0] === 0x09) {
      this.#last.set(key.toString("latin1"), value === null ? undefined : crc32(value));
    }
  }

  async #compare(): Promise<void> {
    const operations = this.#waiting;
    this.#waiting = [];
    if (this.#index === undefined) return;
    const values = await this.#index.getMany(operations.map(({ key }) => key));
    for (const [i, { key, value }] of operations.entries()) {
      const at = parseLogKey(key);
      if (at === undefined || value === null || values[i]?.equals(value) === true) continue;
      let floor = this.#floors.get(at.account);
      if (floor === undefined) {
        floor = decodeCursor(await this.#index.get(floorKey(at.account)));
        this.#floors.set(at.account, floor);
      }
      if (at.cursor > floor) this.#differs(key.toString("latin1"));
    }
  }

  #differs(name: string): void {
    const key = Buffer.from(name, "latin1").toString("hex");
    this.otherDamages.push(new StoreDamage(`the index does not hold what the log says of key ${key}`, "index", 0));
  }
}
