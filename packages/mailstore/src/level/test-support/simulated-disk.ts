// A disk for tests: it fails when told to, and at a power cut keeps what was synced and any part of what was not.
import { MemoryLevel } from "memory-level";
import type { IndexStorage, KeyDatabase } from "../key-index.ts";
import type { KeyRange } from "../keys.ts";
import type { SegmentFile, SegmentFiles } from "../segment-files.ts";
import type { Random } from "../../test-support/random-from.ts";

/** The smallest unit that is written whole. */
const SECTOR_BYTES = 512;

interface PendingWrite {
  readonly position: number;
  readonly bytes: Buffer;
  /** A sync of it failed: the system takes it for written, and no later sync makes up for that. */
  isGivenUp: boolean;
}

/** One file: what is on stable storage, and the writes that are not there yet. */
class Inode {
  durable: Buffer = Buffer.alloc(0);
  pending: PendingWrite[] = [];
  live: Buffer = Buffer.alloc(0);

  write(position: number, bytes: Buffer): void {
    this.live = written(this.live, position, bytes);
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(SECTOR_BYTES - ((position + at) % SECTOR_BYTES), bytes.length - at);
      this.pending.push({ position: position + at, bytes: bytes.subarray(at, at + length), isGivenUp: false });
      at += length;
    }
  }

  /** A sync makes durable what was written when it began: each sector as a whole, as it was read then. */
  async sync(operation: Promise<void>): Promise<void> {
    const { live } = this;
    const before = new Set(this.pending);
    const covered = this.pending.filter(({ isGivenUp }) => !isGivenUp);
    await operation.catch((error: unknown) => {
      for (const write of covered) write.isGivenUp = true;
      throw error;
    });
    const sectors = new Set(covered.map(sectorOf));
    for (const sector of sectors) {
      const position = sector * SECTOR_BYTES;
      this.durable = written(this.durable, position, live.subarray(position, position + SECTOR_BYTES));
    }
    this.pending = this.pending.filter((write) => !before.has(write) || !sectors.has(sectorOf(write)));
  }

  /** Any of the unsynced sectors; the file may be as long as if it had them all. */
  afterCut(random: Random): Buffer {
    const all = random(3);
    const kept = this.pending.filter(() => all === 0 || (all === 1 && random(2) === 0));
    const bytes = kept.reduce((left, write) => written(left, write.position, write.bytes), this.durable);
    const missing = this.live.length - bytes.length;
    return random(2) === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(random(missing + 1))]);
  }
}

function sectorOf({ position }: PendingWrite): number {
  return Math.floor(position / SECTOR_BYTES);
}

function written(bytes: Buffer, position: number, piece: Buffer): Buffer {
  const grown = Buffer.alloc(Math.max(bytes.length, position + piece.length));
  bytes.copy(grown);
  piece.copy(grown, position);
  return grown;
}

/** What is left of a disk: files by name, and the database's entries. */
export interface DiskImage {
  readonly files: ReadonlyMap<string, Buffer>;
  readonly entries: readonly (readonly [Buffer, Buffer])[];
}

export class SimulatedDisk implements SegmentFiles {
  readonly location = "simulated";
  readonly database: SimulatedDatabase;
  #durableNames = new Map<string, Inode>();
  #names = new Map<string, Inode>();
  #pendingNames: ((names: Map<string, Inode>) => void)[] = [];
  /** Called before each operation with its name, and waited for; what it throws, the operation throws. */
  beforeOperation: (name: string) => void | Promise<void> = () => undefined;
  #isCut = false;
  /** Files that were opened or created and not closed. */
  filesOpen = 0;

  private constructor() {
    this.database = new SimulatedDatabase((name) => this.#operation(name));
  }

  static async from(image?: DiskImage): Promise<SimulatedDisk> {
    const disk = new SimulatedDisk();
    for (const [name, bytes] of image?.files ?? []) {
      const inode = new Inode();
      inode.durable = inode.live = bytes;
      disk.#durableNames.set(name, inode);
    }
    disk.#names = new Map(disk.#durableNames);
    await disk.database.fill(image?.entries ?? []);
    return disk;
  }

  get index(): IndexStorage {
    const { location, database } = this;
    const tryOpen = (): Promise<void> => this.#operation("open database");
    const nothing = (): Promise<void> => Promise.resolve();
    return { location, database, flush: () => database.flush(), keep: nothing, dropKept: nothing, tryOpen };
  }

  /** What there is now, as after a process is killed. */
  async image(): Promise<DiskImage> {
    const files = new Map(Array.from(this.#names, ([name, { live }]) => [name, live]));
    return { files, entries: this.database.entries() };
  }

  /** Ends every operation, for good, and returns what a power cut at this moment leaves. */
  cut(random: Random): DiskImage {
    const names = new Map(this.#durableNames);
    const all = random(3);
    for (const change of this.#pendingNames) if (all === 0 || (all === 1 && random(2) === 0)) change(names);
    this.#isCut = true;
    return {
      files: new Map(Array.from(names, ([name, inode]) => [name, inode.afterCut(random)])),
      entries: this.database.afterCut(random),
    };
  }

  /** Ends every operation, for good: the disk for the next process, which a power cut may still hit. */
  async kill(): Promise<SimulatedDisk> {
    this.#isCut = true;
    const disk = new SimulatedDisk();
    disk.#durableNames = this.#durableNames;
    disk.#names = this.#names;
    disk.#pendingNames = this.#pendingNames;
    await disk.database.takeOver(this.database);
    return disk;
  }

  async list(): Promise<readonly string[]> {
    return [...this.#names.keys()];
  }

  async create(name: string): Promise<SegmentFile> {
    await this.#operation("create");
    if (this.#names.has(name)) throw new Error(`the file exists: ${name}`);
    const inode = new Inode();
    this.#rename((names) => names.set(name, inode));
    return this.#file(inode);
  }

  openToWrite(name: string): Promise<SegmentFile> {
    return this.open(name);
  }

  async open(name: string): Promise<SegmentFile> {
    await this.#operation("open");
    const inode = this.#names.get(name);
    if (inode === undefined) throw new Error(`no such file: ${name}`);
    return this.#file(inode);
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#operation("rename");
    const inode = this.#names.get(from);
    if (inode === undefined) throw new Error(`no such file: ${from}`);
    this.#rename((names) => names.delete(from) && names.set(to, inode));
  }

  async remove(name: string): Promise<void> {
    await this.#operation("remove");
    this.#rename((names) => names.delete(name));
  }

  async syncNames(): Promise<void> {
    const synced = new Set(this.#pendingNames);
    await this.#operation("syncNames");
    for (const change of this.#pendingNames) if (synced.has(change)) change(this.#durableNames);
    this.#pendingNames = this.#pendingNames.filter((change) => !synced.has(change));
  }

  #rename(change: (names: Map<string, Inode>) => void): void {
    change(this.#names);
    this.#pendingNames.push(change);
  }

  #file(inode: Inode): SegmentFile {
    this.filesOpen++;
    return {
      size: async () => inode.live.length,
      read: async (position, length, room = Buffer.alloc(length)) => {
        await this.#operation("read");
        return room.subarray(0, inode.live.subarray(position, position + length).copy(room));
      },
      write: async (position, pieces) => {
        const bytes = Buffer.concat(pieces);
        // A write that fails may have got half-way.
        await this.#operation("write").catch((error: unknown) => {
          inode.write(position, bytes.subarray(0, Math.floor(bytes.length / 2)));
          throw error;
        });
        inode.write(position, bytes);
      },
      sync: () => inode.sync(this.#operation("sync")),
      close: async () => void this.filesOpen--,
    };
  }

  /** Takes a turn of the event loop, fails where the test says so, and never ends once the power is cut. */
  async #operation(name: string): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    if (!this.#isCut) await this.beforeOperation(name);
    if (this.#isCut) await new Promise(() => undefined);
  }
}

interface JournalEntry {
  readonly operations: readonly (readonly [key: Buffer, value: Buffer | null])[];
  durable: boolean;
  /** Written to a log behind a place that cannot be read: lost when it is opened again, even if it was synced. */
  isUnreadable: boolean;
}

/**
 * LevelDB as a power cut sees it: batches are whole or lost, in any order unless they were synced or flushed; and as it
 * is after a failed write, when it goes on as if nothing had happened.
 */
export class SimulatedDatabase implements KeyDatabase {
  readonly #operation: (name: string) => Promise<void>;
  readonly #live = new MemoryLevel<Buffer, Buffer>({ keyEncoding: "buffer", valueEncoding: "buffer" });
  #base: DiskImage["entries"] = [];
  #journal: JournalEntry[] = [];
  #isTorn = false;

  constructor(operation: (name: string) => Promise<void>) {
    this.#operation = operation;
  }

  async fill(entries: DiskImage["entries"]): Promise<void> {
    this.#base = entries;
    await this.#live.batch(entries.map(([key, value]) => ({ type: "put", key, value })));
  }

  /** Goes on with what another one held, durable or not. */
  async takeOver(other: SimulatedDatabase): Promise<void> {
    await this.fill(other.entries());
    this.#base = other.#base;
    this.#journal = other.#journal;
  }

  /** What a killed process leaves. */
  entries(): DiskImage["entries"] {
    return this.#kept(this.#journal);
  }

  /** What a power cut leaves. */
  afterCut(random: Random): DiskImage["entries"] {
    const mode = random(3);
    const prefix = random(this.#journal.length + 1);
    const survives = (i: number): boolean => (mode === 0 && i < prefix) || (mode === 1 && random(2) === 0);
    return this.#kept(this.#journal.filter(({ durable }, i) => durable || survives(i)));
  }

  async flush(): Promise<void> {
    const flushed = [...this.#journal];
    await this.#operation("flush");
    for (const entry of flushed) Object.assign(entry, { durable: true, isUnreadable: false });
    this.#isTorn = false;
  }

  async open(): Promise<void> {
    await this.#operation("open database");
    this.#journal = this.#journal.filter(({ isUnreadable }) => !isUnreadable);
    this.#isTorn = false;
    const entries = this.entries();
    await this.#live.clear();
    await this.#live.batch(entries.map(([key, value]) => ({ type: "put", key, value })));
  }

  async close(): Promise<void> {
    await this.#operation("close database");
  }

  get(key: Buffer): Promise<Buffer | undefined> {
    return this.#live.get(key);
  }

  getMany(keys: Buffer[]): Promise<(Buffer | undefined)[]> {
    return this.#live.getMany(keys);
  }

  iterator(range: KeyRange & { readonly limit?: number }): ReturnType<KeyDatabase["iterator"]> {
    return this.#live.iterator(range);
  }

  keys(range: KeyRange & { readonly limit?: number }): ReturnType<KeyDatabase["keys"]> {
    return this.#live.keys(range);
  }

  async clear(range: KeyRange): Promise<void> {
    const keys = await this.#live.keys(range).all();
    await this.#write(keys.map((key) => [key, null]));
  }

  batch(): ReturnType<KeyDatabase["batch"]> {
    const operations: [Buffer, Buffer | null][] = [];
    return {
      put: (key, value) => operations.push([key, value]),
      del: (key) => operations.push([key, null]),
      write: async ({ sync }) => {
        const entry = await this.#write(operations);
        if (!sync) return;
        await this.#operation("sync database");
        entry.durable = true;
      },
    };
  }

  async #write(operations: JournalEntry["operations"]): Promise<JournalEntry> {
    await this.#operation("write database").catch((error: unknown) => {
      this.#isTorn = true;
      throw error;
    });
    const entry = { operations, durable: false, isUnreadable: this.#isTorn };
    this.#journal.push(entry);
    await this.#live.batch(
      operations.map(([key, value]) => (value === null ? { type: "del", key } : { type: "put", key, value })),
    );
    return entry;
  }

  #kept(journal: readonly JournalEntry[]): DiskImage["entries"] {
    const entries = new Map(this.#base.map(([key, value]) => [key.toString("latin1"), value]));
    for (const { operations } of journal.filter(({ isUnreadable }) => !isUnreadable)) {
      for (const [key, value] of operations) {
        if (value === null) entries.delete(key.toString("latin1"));
        else entries.set(key.toString("latin1"), value);
      }
    }
    return Array.from(entries, ([key, value]) => [Buffer.from(key, "latin1"), value] as const);
  }
}
