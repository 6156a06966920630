// Makes directories that nobody but the owner may enter. Node's own recursion never ends where a directory that is there
// says of a new one that something is missing, as /proc does.
import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

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
