// The segment files of a store: their numbers, and the open ones, each kept open as long as somebody reads it.
import { randomInt } from "node:crypto";
import type { LevelLimits } from "./limits.ts";
import {
  decodeSegmentHeader,
  encodeSegmentHeader,
  mendSegmentHeader,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  type SegmentKind,
} from "./record.ts";
import type { SegmentFile, SegmentFiles } from "./segment-files.ts";
import { StoreDamage } from "./store-damage.ts";

/** A segment in somebody's use, readable until released even where it is removed meanwhile. */
export interface SegmentLease {
  readonly header: SegmentHeader;
  readonly file: SegmentFile;
  /** For messages. */
  readonly path: string;
  release(): void;
}

type Opened = Omit<SegmentLease, "release">;

interface OpenSegment {
  readonly opening: Promise<Opened>;
  users: number;
  /** By the count of all uses. */
  lastUse: number;
}

const SUFFIXES: Record<SegmentKind, string> = { log: ".seg", body: ".body" };
const SPARE_SUFFIX = ".spare";
const SEGMENT_NAME = /^\d{10}\.(?:seg|body)$/;
const SPARE_NAME = /^\d{10}\.spare$/;

export class Segments {
  readonly #files: SegmentFiles;
  readonly #limits: LevelLimits;
  readonly #kinds = new Map<number, SegmentKind>();
  /** In no order: each move fills a map's table a bit more, and each new table lies in V8's old space until that is collected. */
  readonly #open = new Map<number, OpenSegment>();
  #uses = 0;
  readonly #spares: string[] = [];
  /** Body segments that no transaction names yet. */
  readonly staged: Set<number> = new Set();
  /** The next segment's number; numbers are never used twice. */
  nextNumber = 1;

  private constructor(files: SegmentFiles, limits: LevelLimits) {
    this.#files = files;
    this.#limits = limits;
  }

  static async list(files: SegmentFiles, limits: LevelLimits): Promise<Segments> {
    const segments = new Segments(files, limits);
    for (const name of await files.list()) segments.#note(name);
    return segments;
  }

  has(number: number): boolean {
    return this.#kinds.has(number);
  }

  /** The numbers of all segments of a kind, ascending. */
  numbers(kind: SegmentKind): number[] {
    const numbers = [...this.#kinds].filter(([, other]) => other === kind).map(([number]) => number);
    return numbers.sort((a, b) => a - b);
  }

  /** Undefined where there is no such segment. */
  async acquire(number: number): Promise<SegmentLease | undefined> {
    const kind = this.#kinds.get(number);
    if (kind === undefined) return undefined;
    const open = this.#open.get(number) ?? this.#add(number, this.#openFile(number, kind, "open"));
    open.users++;
    open.lastUse = ++this.#uses;
    try {
      return this.#lease(open, await open.opening);
    } catch (error) {
      if (this.#open.get(number) === open) this.#open.delete(number);
      // Removed while it was being opened.
      if (!this.#kinds.has(number)) return undefined;
      throw error;
    }
  }

  /** To be written on; undefined where there is no such segment. */
  async resume(number: number): Promise<SegmentLease | undefined> {
    const kind = this.#kinds.get(number);
    if (kind === undefined) return undefined;
    const before = this.#open.get(number);
    const opened = await this.#openFile(number, kind, "openToWrite");
    if (before?.users === 0) await closeQuietly(before);
    return this.#lease(this.#add(number, Promise.resolve(opened), 1), opened);
  }

  /** The header of a segment, or undefined where the file has none that is valid for its number. */
  async header(number: number): Promise<SegmentHeader | undefined> {
    try {
      const lease = await this.acquire(number);
      lease?.release();
      return lease?.header;
    } catch (error) {
      if (error instanceof StoreDamage) return undefined;
      throw error;
    }
  }

  /** Whether the file was on its way to become a segment, new or recycled, and holds nothing under its number. */
  async isUnbegun(number: number): Promise<boolean> {
    const kind = this.#kinds.get(number) ?? "log";
    const bytes = await this.#use(nameOf(number, kind), (file) => file.read(0, SEGMENT_HEADER_BYTES));
    const other =
      bytes.length === SEGMENT_HEADER_BYTES ? decodeSegmentHeader(bytes, bytes.readUInt32LE(12)) : undefined;
    return (
      bytes.length < SEGMENT_HEADER_BYTES || bytes.every((byte) => byte === 0) || (other?.number ?? number) !== number
    );
  }

  /** A new segment, its name durable; the header of a body's is so with the first sync of the file. */
  async create(kind: SegmentKind, previous: { readonly number: number; readonly end: number }): Promise<SegmentLease> {
    const number = this.nextNumber++;
    // Before the file is there: a checkpoint taken meanwhile must know of it.
    if (kind === "body") this.staged.add(number);
    const name = nameOf(number, kind);
    const header = { kind, number, salt: randomInt(2 ** 32), previous: previous.number, previousEnd: previous.end };
    let file: SegmentFile | undefined;
    try {
      file = await this.#newFile(name, kind);
      // Before the header: a recycled file must not be found under its old name with a new header.
      await this.#files.syncNames();
      await file.write(0, [encodeSegmentHeader(header)]);
      // The log goes on behind it even where the sync of its first group fails: then nothing else would bring it there.
      if (kind === "log") await file.sync();
    } catch (error) {
      await file?.close().catch(() => undefined);
      // What cannot be removed now is no segment, and a later open or compaction removes it.
      const removed = file === undefined ? Promise.resolve() : this.#files.remove(name);
      await removed.then(
        () => this.staged.delete(number),
        () => undefined,
      );
      throw error;
    }
    this.#kinds.set(number, kind);
    const opened = { header, file, path: this.#path(name) };
    return this.#lease(this.#add(number, Promise.resolve(opened), 1), opened);
  }

  /** Removes a segment and returns its size; where nobody reads it, a log segment may be kept as a spare one. */
  async remove(number: number): Promise<number> {
    const kind = this.#kinds.get(number);
    if (kind === undefined) return 0;
    const name = nameOf(number, kind);
    const open = this.#open.get(number);
    const isRead = open !== undefined && open.users > 0;
    this.#kinds.delete(number);
    this.#open.delete(number);
    if (open !== undefined && !isRead) await closeQuietly(open);
    try {
      const bytes = await this.#use(name, (file) => file.size());
      if (isRead || kind !== "log" || this.#spares.length >= this.#limits.spareSegmentsMax) {
        await this.#files.remove(name);
        this.staged.delete(number);
      } else {
        const spare = name.replace(SUFFIXES.log, SPARE_SUFFIX);
        await this.#files.rename(name, spare);
        this.#spares.push(spare);
      }
      return bytes;
    } catch (error) {
      // It is still there, for the next compaction.
      this.#kinds.set(number, kind);
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(closeQuietly));
    this.#open.clear();
  }

  #note(name: string): void {
    const isSpare = SPARE_NAME.test(name);
    if (!isSpare && !isSegmentName(name)) return;
    const number = Number.parseInt(name, 10);
    this.nextNumber = Math.max(this.nextNumber, number + 1);
    if (isSpare) this.#spares.push(name);
    else this.#kinds.set(number, name.endsWith(SUFFIXES.body) ? "body" : "log");
  }

  /** Where a segment is, for messages. */
  path(number: number): string {
    return this.#path(nameOf(number, this.#kinds.get(number) ?? "log"));
  }

  #path(name: string): string {
    return `${this.#files.location}/${name}`;
  }

  async #openFile(number: number, kind: SegmentKind, how: "open" | "openToWrite"): Promise<Opened> {
    const name = nameOf(number, kind);
    const path = this.#path(name);
    const file = await this.#files[how](name);
    try {
      const bytes = await file.read(0, SEGMENT_HEADER_BYTES);
      // Without it nothing in the segment could be read, and one wrong bit is certain to be found.
      const mended = decodeSegmentHeader(bytes, number) === undefined ? mendSegmentHeader(bytes, number) : bytes;
      const header = mended && decodeSegmentHeader(mended, number);
      if (header !== undefined) return { header, file, path };
      throw new StoreDamage("the segment has no valid header", path, 0);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async #use<T>(name: string, task: (file: SegmentFile) => Promise<T>): Promise<T> {
    const file = await this.#files.open(name);
    try {
      return await task(file);
    } finally {
      await file.close();
    }
  }

  async #newFile(name: string, kind: SegmentKind): Promise<SegmentFile> {
    const spare = kind === "log" ? this.#spares.pop() : undefined;
    if (spare === undefined) return this.#files.create(name);
    await this.#files.rename(spare, name);
    return this.#files.openToWrite(name);
  }

  #lease(open: OpenSegment, segment: Opened): SegmentLease {
    let released = false;
    const release = (): void => {
      if (released) return;
      released = true;
      open.users--;
      const known = this.#open.get(segment.header.number) === open;
      if (!known && open.users === 0) void closeQuietly(open);
      this.#closeUnused();
    };
    return { ...segment, release };
  }

  #add(number: number, opening: Promise<Opened>, users = 0): OpenSegment {
    const open = { opening, users, lastUse: ++this.#uses };
    this.#open.set(number, open);
    return open;
  }

  /** Those used longest ago first. */
  #closeUnused(): void {
    const tooMany = this.#open.size - this.#limits.openSegmentsMax;
    if (tooMany <= 0) return;
    const unused = [...this.#open].filter(([, { users }]) => users === 0).sort(([, a], [, b]) => a.lastUse - b.lastUse);
    for (const [number, open] of unused.slice(0, tooMany)) {
      this.#open.delete(number);
      void closeQuietly(open);
    }
  }
}

/** A file of another name was put there by somebody, and is left alone. */
export function isSegmentName(name: string): boolean {
  return SEGMENT_NAME.test(name);
}

function nameOf(number: number, kind: SegmentKind): string {
  return String(number).padStart(10, "0") + SUFFIXES[kind];
}

/** Nothing is lost where closing fails: what had to be durable was synced before. */
async function closeQuietly(open: OpenSegment): Promise<void> {
  await open.opening.then(({ file }) => file.close()).catch(() => undefined);
}
