// Copies the segments while a server writes them: closed ones once, of the open one what is there.
import { open, readdir, rename, stat } from "node:fs/promises";
import { join } from "node:path";
import { DiskFiles } from "../level/disk-files.ts";
import { LEVEL_LIMITS } from "../level/limits.ts";
import { recordsIn } from "../level/log-records.ts";
import { copySynced } from "../level/maintenance/copy-index.ts";
import { ignoreMissing } from "../level/maintenance/leveldb-version.ts";
import { walkSegment } from "../level/maintenance/segment-walk.ts";
import { isThere } from "../level/no-store.ts";
import {
  decodeRecordHead,
  decodeSegmentHeader,
  placeOf,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
} from "../level/record.ts";
import { isSegmentName, Segments } from "../level/segments.ts";
import { keepSound } from "./keep-sound.ts";

/** A segment that will never change again, by its name. */
export type SealedSegments = Record<string, { readonly bytes: number; readonly salt: number }>;

export interface SegmentsCopied {
  readonly sealed: SealedSegments;
  /** The one that was being written, and where it ended. */
  readonly open: { readonly name: string; readonly bytes: number } | undefined;
  /** All that belong to the copy. */
  readonly names: ReadonlySet<string>;
  readonly copiedBytes: number;
}

/**
 * Those of an earlier backup that are the same in the store: what comes before the newest log segment which both have, and
 * bodies. Behind it a store that was restored from an older backup may have gone on otherwise, by the same names.
 */
export async function sharedSegments(from: string, to: string, sealed: SealedSegments): Promise<SealedSegments> {
  const saltIn = async (directory: string, name: string): Promise<number | undefined> =>
    (await beginning(join(directory, name)))?.header?.salt;
  let newest = "";
  for (const name of (await segmentNames(from)).filter((each) => each.endsWith(".seg"))) {
    const salt = await saltIn(from, name);
    if (salt !== undefined && salt === (await saltIn(to, name))) newest = name;
  }
  const shared: Record<string, SealedSegments[string]> = {};
  for (const [name, known] of Object.entries(sealed)) {
    const isBody = name.endsWith(".body");
    if (name < newest || (isBody && (await saltIn(from, name)) === known.salt)) shared[name] = known;
  }
  return shared;
}

/**
 * Copies the segments that were listed before the index was copied, and what came since. Undefined where one was removed
 * meanwhile that the copy of the index may need: then both are copied again, but for the segments that are in `known` by now.
 */
export async function copySegments(
  from: string,
  to: string,
  { listed, known }: { readonly listed: readonly string[]; readonly known: SealedSegments },
): Promise<SegmentsCopied | undefined> {
  const copy = new SegmentsCopy(from, to, known);
  const newest = newestLog(listed);
  for (const name of listed) if (name !== newest && !(await copy.take(name)) && name.endsWith(".seg")) return undefined;
  // What came meanwhile, so that little is left to come while the open segment is copied.
  const second = (await segmentNames(from)).filter((name) => !listed.includes(name));
  const open = newestLog(second) ?? newest;
  if (newest !== undefined && newest !== open && !(await copy.take(newest))) return undefined;
  for (const name of second) if (name !== open && !(await copy.take(name))) return undefined;
  const named = open === undefined ? [] : await copy.takeOpen(open);
  if (named === undefined) return undefined;
  // Those that came since, and those that were still being received: the open segment may name them.
  const third = (await segmentNames(from)).filter((name) => name.endsWith(".body") && copy.sealed[name] === undefined);
  for (const name of third) if (!(await copy.take(name))) return undefined;
  const since = Math.max(0, ...[...listed, ...second].map(numberOf));
  const numbers = new Set([...copy.names].map(numberOf));
  return [...named].some((number) => number > since && !numbers.has(number)) ? undefined : copy;
}

class SegmentsCopy implements SegmentsCopied {
  readonly sealed: SealedSegments = {};
  open: SegmentsCopied["open"];
  readonly names: Set<string> = new Set();
  copiedBytes = 0;
  readonly #from: string;
  readonly #to: string;
  readonly #known: SealedSegments;

  constructor(from: string, to: string, known: SealedSegments) {
    this.#from = from;
    this.#to = to;
    this.#known = known;
  }

  /** False where it is no longer there. A freed file may be used for another segment: then its name is gone. */
  async take(name: string, { isOpen = false }: { readonly isOpen?: boolean } = {}): Promise<boolean> {
    const [from, to] = [join(this.#from, name), join(this.#to, name)];
    const before = await beginning(from);
    if (before === undefined) return false;
    const there = isOpen ? undefined : await this.#copyOf(name);
    if (there !== undefined) return this.#seal(name, there);
    const isCopied = await copySynced(from, `${to}.part`).then(() => true, ignoreMissing);
    const after = await beginning(from);
    if (isCopied === undefined || after?.header?.salt !== before.header?.salt) return false;
    if (await isThere(to)) {
      const until = isOpen ? undefined : await this.#endOf(name);
      await keepSound(this.#to, numberOf(name), { older: name, newer: `${name}.part`, until });
    }
    await rename(`${to}.part`, to);
    this.names.add(name);
    const copied = await beginning(to);
    this.copiedBytes += copied?.bytes ?? 0;
    // A body still being received gets its head last.
    if (!isOpen && copied !== undefined && (copied.isWhole || name.endsWith(".seg")))
      this.#seal(name, { bytes: copied.bytes, salt: copied.header?.salt });
    return true;
  }

  /**
   * Takes the segment that is being written; gives the numbers of those that it names bodies in. It grows while it is read:
   * a group whose place was read too early is a hole before the one behind it, and there the copy ends. What is damaged is
   * so in the segment itself.
   */
  async takeOpen(name: string): Promise<ReadonlySet<number> | undefined> {
    if (!(await this.take(name, { isOpen: true }))) return undefined;
    const copy = await readLog(this.#to, name);
    if (copy === undefined) return new Set();
    const { end, damages, named } = copy;
    const lasting = damages.length === 0 ? [] : (await readLog(this.#from, name))?.damages;
    if (lasting === undefined) return undefined;
    this.open = { name, bytes: damages.find((at) => !lasting.includes(at)) ?? end };
    return named;
  }

  #seal(name: string, { bytes, salt }: { readonly bytes: number; readonly salt: number | undefined }): true {
    this.names.add(name);
    if (salt !== undefined) this.sealed[name] = this.#known[name] = { bytes, salt };
    return true;
  }

  /** What is known of it, where the copy is there: it may be better than the segment, which may have been damaged since. */
  async #copyOf(name: string): Promise<SealedSegments[string] | undefined> {
    const known = this.#known[name];
    const copy = known && (await stat(join(this.#to, name)).catch(ignoreMissing));
    return copy?.size === known?.bytes ? known : undefined;
  }

  /** Where the valid records of a log segment end, as the next one says. */
  async #endOf(name: string): Promise<number | undefined> {
    const next = (await segmentNames(this.#from)).find((other) => other.endsWith(".seg") && other > name);
    const header = next === undefined ? undefined : (await beginning(join(this.#from, next)))?.header;
    return header?.previous === numberOf(name) ? header.previousEnd : undefined;
  }
}

interface Beginning {
  readonly bytes: number;
  /** Undefined where it is not written yet. */
  readonly header: SegmentHeader | undefined;
  /** Whether the first record's head verifies: a body segment has no other. */
  readonly isWhole: boolean;
}

async function beginning(path: string): Promise<Beginning | undefined> {
  const file = await open(path, "r").catch(ignoreMissing);
  if (file === undefined) return undefined;
  try {
    const buffer = Buffer.alloc(128);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const bytes = buffer.subarray(0, bytesRead);
    const segment = decodeSegmentHeader(bytes, numberOf(path.slice(path.lastIndexOf("/") + 1)));
    const offset = SEGMENT_HEADER_BYTES;
    const head = segment && decodeRecordHead(bytes.subarray(offset), { segment, offset });
    return { bytes: (await file.stat()).size, header: segment, isWhole: head !== undefined };
  } finally {
    await file.close();
  }
}

interface LogRead {
  end: number;
  /** Where it is damaged. */
  readonly damages: number[];
  /** The segments of the bodies that its transactions name. */
  readonly named: Set<number>;
}

/** Undefined where it has no header, or is not there. */
async function readLog(directory: string, name: string): Promise<LogRead | undefined> {
  const read: LogRead = { end: 0, damages: [], named: new Set() };
  const segments = await Segments.list(new DiskFiles(directory), LEVEL_LIMITS);
  try {
    const number = numberOf(name);
    const lease = (await segments.header(number)) && (await segments.acquire(number));
    if (lease === undefined) return undefined;
    for await (const step of walkSegment(lease)) {
      read.end = step.offset;
      if (step.type === "damage") read.damages.push(step.offset);
      if (step.type !== "batch") continue;
      for (const { blobs } of recordsIn(step.payload)) for (const blob of blobs) read.named.add(placeOf(blob).segment);
    }
    lease.release();
    return read;
  } finally {
    await segments.close();
  }
}

/** Ascending. */
export async function segmentNames(directory: string): Promise<string[]> {
  return (await readdir(directory)).filter(isSegmentName).sort();
}

function newestLog(names: readonly string[]): string | undefined {
  return names.findLast((name) => name.endsWith(".seg"));
}

function numberOf(name: string): number {
  return Number.parseInt(name, 10);
}
