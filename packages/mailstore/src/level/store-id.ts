// By what a store is told from another: a backup goes on with that of the same store alone. A file beside the store, which
// backups take along; a store that is older than that gets one when it is opened.
import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { syncDirectory } from "./disk-files.ts";
import { isThere } from "./no-store.ts";

const FILE = "store-id";
const ID = /^[0-9a-f-]{36}$/;

/** Undefined where there is none, or only what a crash left of it. */
export async function readStoreId(directory: string): Promise<string | undefined> {
  const path = join(directory, FILE);
  const text = (await isThere(path)) ? await readFile(path, "latin1") : "";
  return ID.test(text) ? text : undefined;
}

/** Gives a store an id that has none; the caller has the directory to itself. */
export async function ensureStoreId(directory: string): Promise<void> {
  if ((await readStoreId(directory)) !== undefined) return;
  await writeFile(join(directory, FILE), randomUUID(), { mode: 0o600, flush: true });
  await syncDirectory(directory);
}
