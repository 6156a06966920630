// Copies the segments while a server writes them: closed ones once, of the open one what is there.
import { open, readdir, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DiskFiles } from "../level/disk-files.ts";
import { LEVEL_LIMITS } from "../level/limits.ts";
import { recordsIn } from "../level/log-records.ts";
import type { LogPosition } from "../level/log-writer.ts";
import { copySynced } from "../level/maintenance/copy-index.ts";
import { ignoreMissing } from "../level/maintenance/leveldb-version.ts";
import { walkSegment, type KnownEnd, type WalkStep } from "../level/maintenance/segment-walk.ts";
import { makeDirectory } from "../level/make-directory.ts";
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

/** A segment that will never change again, but for a repair. */
export interface SealedSegment {
  readonly bytes: number;
  readonly salt: number;
  /** Where it was damaged when it was copied. */
  readonly damages?: readonly number[];
}

/** By their names, as everything here is that says nothing else. */
export type SealedSegments = Record<string, SealedSegment>;

/** With the files in which a backup has them. */
export type KnownSegments = Record<string, SealedSegment & { readonly file: string }>;

/** Beside the segments: what has not the place of its name, which the backup before needs as long as the next is not whole. */
export const OTHER_FOLDER = "other";

/** The files of a backup by the segments that they are. */
export function filesBySegment(files: readonly string[]): Map<string, string> {
  return new Map(files.map((file) => [basename(file), file]));
}

export interface SegmentsCopied {
  readonly sealed: SealedSegments;
  /** The one that was being written, and where it ended. */
  readonly open: { readonly name: string; readonly bytes: number } | undefined;
  /** All that belong to the copy: their files, by their names. */
  readonly files: ReadonlyMap<string, string>;
  readonly copiedBytes: number;
}

/**
 * Those of an earlier backup that are the same in the store: what comes before the newest log segment which both have, and
 * bodies. Behind it a store that was restored from an older backup may have gone on otherwise, by the same names.
 */
export async function sharedSegments(
  from: string,
  to: string,
  { sealed, files }: { readonly sealed: SealedSegments; readonly files: ReadonlyMap<string, string> },
): Promise<KnownSegments> {
  const saltOf = async (path: string): Promise<number | undefined> => (await beginning(path))?.header?.salt;
  let newest = "";
  for (const name of (await segmentNames(from)).filter((each) => each.endsWith(".seg"))) {
    const file = files.get(name);
    const salt = file && (await saltOf(join(to, file)));
    if (salt !== undefined && salt === (await saltOf(join(from, name)))) newest = name;
  }
  const shared: KnownSegments = {};
  for (const [name, known] of Object.entries(sealed)) {
    const file = files.get(name);
    const isSame = name.endsWith(".body") && (await saltOf(join(from, name))) === known.salt;
    if (file !== undefined && (name < newest || isSame)) shared[name] = { ...known, file };
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
  { listed, ...there }: AlreadyThere & { readonly listed: readonly string[] },
): Promise<SegmentsCopied | undefined> {
  const copy = new SegmentsCopy(from, to, there);
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
  const numbers = new Set([...copy.files.keys()].map(numberOf));
  return [...named].some((number) => number > since && !numbers.has(number)) ? undefined : copy;
}

interface AlreadyThere {
  /** What need not be copied. */
  readonly known: KnownSegments;
  /** The files of the backup before, which stay as they are. */
  readonly before: ReadonlyMap<string, string>;
  /** The segment that was being written then. */
  readonly openBefore?: SegmentsCopied["open"];
  /** How far the log reaches at least, by the word of the index that was copied. */
  readonly provenEnd: () => Promise<LogPosition | undefined>;
}

class SegmentsCopy implements SegmentsCopied {
  readonly sealed: SealedSegments = {};
  open: SegmentsCopied["open"];
  readonly files: Map<string, string> = new Map();
  copiedBytes = 0;
  readonly #from: string;
  readonly #to: string;
  readonly #there: AlreadyThere;

  constructor(from: string, to: string, there: AlreadyThere) {
    this.#from = from;
    this.#to = to;
    this.#there = there;
  }

  /** False where it is no longer there. A freed file may be used for another segment: then its name is gone. */
  async take(name: string, open?: KnownEnd): Promise<boolean> {
    const from = join(this.#from, name);
    const start = await beginning(from);
    if (start === undefined) return false;
    const known = open ?? { until: await this.#endOf(name) };
    const there = open === undefined ? await this.#copyOf(name, known) : undefined;
    if (there !== undefined) return this.#seal(name, there);
    const before = this.#there.before.get(name);
    const file = before === name ? join(OTHER_FOLDER, name) : name;
    const to = join(this.#to, file);
    await makeDirectory(dirname(to));
    const isCopied = await copySynced(from, to).then(() => true, ignoreMissing);
    if (isCopied === undefined || (await beginning(from))?.header?.salt !== start.header?.salt) return false;
    if (before !== undefined && (await isThere(join(this.#to, before))))
      await keepSound(this.#to, numberOf(name), { older: before, newer: file, known });
    this.files.set(name, file);
    const copied = await beginning(to);
    this.copiedBytes += copied?.bytes ?? 0;
    const isLog = name.endsWith(".seg");
    // A body still being received gets its head last.
    if (open !== undefined || copied?.header === undefined || !(copied.isWhole || isLog)) return true;
    const damages = isLog ? await damagesIn(to, known) : [];
    return this.#seal(name, { bytes: copied.bytes, salt: copied.header.salt, file, damages });
  }

  /**
   * Takes the segment that is being written; gives the numbers of those that it names bodies in. It grows while it is read:
   * a group whose place was read too early is a hole before the one behind it, and there the copy ends. What is damaged is
   * so in the segment itself.
   */
  async takeOpen(name: string): Promise<ReadonlySet<number> | undefined> {
    const known = { proven: await this.#provenEndOf(name) };
    if (!(await this.take(name, known))) return undefined;
    const named = new Set<number>();
    const damages: number[] = [];
    let end: number | undefined;
    for await (const step of walkFile(join(this.#to, this.files.get(name) as string), known)) {
      end = step.offset;
      if (step.type === "damage") damages.push(step.offset);
      if (step.type !== "batch") continue;
      for (const { blobs } of recordsIn(step.payload)) for (const blob of blobs) named.add(placeOf(blob).segment);
    }
    const lasting = damages.length === 0 ? [] : await damagesIn(join(this.#from, name), known);
    // Without a header nothing is known of it.
    if (end !== undefined) this.open = { name, bytes: damages.find((at) => !lasting.includes(at)) ?? end };
    return named;
  }

  #seal(name: string, known: KnownSegments[string]): true {
    const { file, ...sealed } = known;
    this.files.set(name, file);
    this.sealed[name] = sealed;
    this.#there.known[name] = known;
    return true;
  }

  /**
   * What is known of it, where the copy is there: it may be better than the segment, which may have been damaged since.
   * Where it is worse, the segment was mended.
   */
  async #copyOf(name: string, end: KnownEnd): Promise<KnownSegments[string] | undefined> {
    const known = this.#there.known[name];
    const copy = known && (await stat(join(this.#to, known.file)).catch(ignoreMissing));
    if (known === undefined || copy?.size !== known.bytes) return undefined;
    if (known.damages === undefined || known.damages.length === 0) return known;
    const damages = await damagesIn(join(this.#from, name), end);
    return known.damages.every((at) => damages.includes(at)) ? known : undefined;
  }

  /** Of the segment that is being written, where its end has been cut off: a log only grows, but for a store that was restored. */
  async #provenEndOf(name: string): Promise<number | undefined> {
    const { openBefore, provenEnd } = this.#there;
    if (openBefore?.name !== name) return undefined;
    const { size = 0 } = (await stat(join(this.#from, name)).catch(ignoreMissing)) ?? {};
    const end = size < openBefore.bytes ? await provenEnd() : undefined;
    return end?.segment === numberOf(name) ? end.offset : undefined;
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
    const segment = decodeSegmentHeader(bytes, numberOf(basename(path)));
    const offset = SEGMENT_HEADER_BYTES;
    const head = segment && decodeRecordHead(bytes.subarray(offset), { segment, offset });
    return { bytes: (await file.stat()).size, header: segment, isWhole: head !== undefined };
  } finally {
    await file.close();
  }
}

/** Nothing where it has no header, or is not there. */
async function* walkFile(path: string, known?: KnownEnd): AsyncGenerator<WalkStep> {
  const segments = await Segments.list(new DiskFiles(dirname(path)), LEVEL_LIMITS);
  try {
    const number = numberOf(basename(path));
    const lease = (await segments.header(number)) && (await segments.acquire(number));
    if (lease === undefined) return;
    yield* walkSegment(lease, known);
    lease.release();
  } finally {
    await segments.close();
  }
}

/** The places in a log segment that are damaged. */
async function damagesIn(path: string, known?: KnownEnd): Promise<number[]> {
  const damages: number[] = [];
  for await (const step of walkFile(path, known)) if (step.type === "damage") damages.push(step.offset);
  return damages;
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
