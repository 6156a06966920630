// A second copy of the index, kept from when compaction first removes a part of the log: with the log behind its
// checkpoint it becomes the index again.
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { syncDirectory } from "../disk-files.ts";
import type { StoreDamage } from "../store-damage.ts";
import { copyIndex } from "./copy-index.ts";
import { ignoreMissing, readVersion } from "./leveldb-version.ts";
import { verifyIndexFiles } from "./verify-index-files.ts";

/** Copies the index, which may be open; then the copies before go. What the log loses later is in it. */
export async function keepIndex(directory: string): Promise<void> {
  const folder = join(directory, "kept");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await syncDirectory(directory);
  const before = await keptIndexes(directory);
  const part = join(folder, "part");
  await copyIndex(join(directory, "index"), part, before[0]);
  const number = 1 + Number(before[0]?.slice(-10) ?? 0);
  await rename(part, join(folder, `index-${String(number).padStart(10, "0")}`));
  await syncDirectory(folder);
  for (const old of before) await rm(old, { recursive: true, force: true });
}

/** Gives up what is kept: its space, or the log behind it, is gone. */
export function dropKeptIndexes(directory: string): Promise<void> {
  return rm(join(directory, "kept"), { recursive: true, force: true });
}

/** The newest first. */
export async function keptIndexes(directory: string): Promise<string[]> {
  const folder = join(directory, "kept");
  const names = (await readdir(folder).catch(ignoreMissing)) ?? [];
  return names
    .filter((name) => name.startsWith("index-"))
    .sort()
    .reverse()
    .map((name) => join(folder, name));
}

export async function soundKeptIndex(directory: string): Promise<string | undefined> {
  for (const kept of await keptIndexes(directory))
    if ((await isNone(verifyIndexFiles(kept))) && (await readVersion(kept)) !== undefined) return kept;
  return undefined;
}

/** Whether there is no damage; none is looked for behind the first. */
export async function isNone(damages: AsyncIterable<StoreDamage>): Promise<boolean> {
  for await (const _ of damages) return false;
  return true;
}
