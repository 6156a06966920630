// What LevelDB's manifest says that a database consists of.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { StoreDamage } from "../store-damage.ts";
import { readLeveldbLog } from "./leveldb-log.ts";
import { LeveldbReader } from "./leveldb-reader.ts";

export interface LeveldbVersion {
  /** The file's name. */
  readonly manifest: string;
  /** The bytes of the manifest that say this. */
  readonly manifestBytes: number;
  /** Writes before the log of this number are in tables. */
  readonly logNumber: number;
  /** Sizes of the tables by number. */
  readonly tables: ReadonlyMap<number, number>;
}

/** Reads it as it is at this moment; undefined where there is no database. Throws a StoreDamage where it cannot be read. */
export async function readVersion(directory: string): Promise<LeveldbVersion | undefined> {
  const current = await readFile(join(directory, "CURRENT"), "latin1").catch(ignoreMissing);
  if (current === undefined) return undefined;
  const [, name] = /^(MANIFEST-\d+)\n$/.exec(current) ?? [];
  if (name === undefined) throw new StoreDamage("it names no manifest", join(directory, "CURRENT"), 0);
  const path = join(directory, name);
  const file = await readFile(path).catch(ignoreMissing);
  if (file === undefined) throw new StoreDamage(`there is no ${name} as it says`, join(directory, "CURRENT"), 0);
  const { records, damages } = readLeveldbLog(file);
  if (damages[0] !== undefined) throw new StoreDamage("the manifest fails its checksum", path, damages[0]);
  const version = { logNumber: -1, tables: new Map<number, number>() };
  for (const { offset, bytes } of records) {
    try {
      applyEdit(version, new LeveldbReader(bytes));
    } catch (error) {
      throw new StoreDamage("the manifest cannot be read", path, offset, { cause: error });
    }
  }
  if (version.logNumber < 0) throw new StoreDamage("the manifest ends too soon", path, file.length);
  return { manifest: name, manifestBytes: file.length, ...version };
}

function applyEdit(version: { logNumber: number; tables: Map<number, number> }, reader: LeveldbReader): void {
  while (!reader.done) {
    const tag = reader.integer();
    if (tag === 1) reader.bytes();
    else if (tag === 2) version.logNumber = reader.integer();
    else if (tag === 3 || tag === 4 || tag === 9) reader.integer();
    else if (tag === 5) {
      reader.integer();
      reader.bytes();
    } else if (tag === 6) {
      reader.integer();
      version.tables.delete(reader.integer());
    } else if (tag === 7) {
      reader.integer();
      version.tables.set(reader.integer(), reader.integer());
      reader.bytes();
      reader.bytes();
    } else throw new RangeError(`an unknown tag ${tag}`);
  }
}

/** The number that a file's name begins with, where its kind is one of these. */
export function numberOfFile(name: string, ...kinds: readonly ("ldb" | "sst" | "log")[]): number | undefined {
  const [, number, kind] = /^(\d+)\.(\w+)$/.exec(name) ?? [];
  return kinds.some((other) => other === kind) ? Number(number) : undefined;
}

/** The logs from that number on, ascending: from a million on their names are longer than those before. */
export function logsFrom(first: number, names: readonly string[]): string[] {
  const numberOf = (name: string): number => numberOfFile(name, "log") ?? -1;
  return names.filter((name) => numberOf(name) >= first).sort((a, b) => numberOf(a) - numberOf(b));
}

export function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
