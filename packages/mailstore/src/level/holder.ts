// Who has a data directory open. LevelDB's lock decides; this file only lets the error name the holder.
import { readFile, rm, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";

const FILE = "holder.json";

/** The directory is open in another process, or in this one. */
export class StoreLocked extends Error {
  readonly code = "STORE_LOCKED";

  constructor(directory: string, holder: string, options?: ErrorOptions) {
    super(`the data directory ${directory} is in use by ${holder}`, options);
    this.name = "StoreLocked";
  }
}

/** Where it cannot be written, as on a full disk, the store is opened all the same. */
export async function writeHolder(directory: string): Promise<void> {
  const holder = { pid: process.pid, host: hostname(), startedAt: new Date().toISOString() };
  // What is left of it may name another.
  await writeFile(join(directory, FILE), JSON.stringify(holder), { mode: 0o600 }).catch(() => removeHolder(directory));
}

export async function removeHolder(directory: string): Promise<void> {
  await rm(join(directory, FILE), { force: true }).catch(() => undefined);
}

/** The holder in words. */
export async function describeHolder(directory: string): Promise<string> {
  try {
    const text = await readFile(join(directory, FILE), "utf8");
    const { pid, host, startedAt } = JSON.parse(text) as Record<string, unknown>;
    return `process ${String(pid)} on ${String(host)} since ${String(startedAt)}`;
  } catch {
    return "another process";
  }
}
