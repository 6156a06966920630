// Makes directories that nobody but the owner may enter. Node's own recursion never ends where a directory that is there
// says of a new one that something is missing, as /proc does.
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { syncDirectory } from "./disk-files.ts";

/** Makes a directory and those above it, and returns the highest that it made. */
export async function makeDirectory(path: string): Promise<string | undefined> {
  try {
    return await makeOne(path);
  } catch (error) {
    const parent = dirname(path);
    if (codeOf(error) !== "ENOENT" || parent === path) throw error;
    const above = await makeDirectory(parent);
    const own = await makeOne(path);
    return above ?? own;
  }
}

/** Makes a directory whose name a power cut cannot take, nor those of the directories above that were made for it. */
export async function makeLastingDirectory(path: string): Promise<void> {
  const first = await makeDirectory(path);
  // One that is there may have been made by a process that ended before it was synced.
  const last = dirname(first ?? path);
  for (let at = dirname(path); ; at = dirname(at)) {
    await syncDirectory(at);
    if (at === last) return;
  }
}

async function makeOne(path: string): Promise<string | undefined> {
  try {
    await mkdir(path, { mode: 0o700 });
    return path;
  } catch (error) {
    if (codeOf(error) === "EEXIST" && (await stat(path)).isDirectory()) return undefined;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
