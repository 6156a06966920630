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

export async function writeHolder(directory: string): Promise<void> {
  const holder = { pid: process.pid, host: hostname(), startedAt: new Date().toISOString() };
  await writeFile(join(directory, FILE), JSON.stringify(holder), { mode: 0o600 });
}

export function removeHolder(directory: string): Promise<void> {
  return rm(join(directory, FILE), { force: true });
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
