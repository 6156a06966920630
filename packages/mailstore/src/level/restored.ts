// That a store is what a backup had, and may have given out more than that knows. A file says so until the store is opened,
// from then on an entry of its directory, which differs from one restore to the next.
import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RESTORED_KEY, type Directory } from "../driver.ts";
import { syncDirectory } from "./disk-files.ts";
import { isThere } from "./no-store.ts";

const FILE = "restored";
const ID_BYTES = 6;

export function noteRestored(directory: string): Promise<void> {
  return writeFile(join(directory, FILE), "", { mode: 0o600, flush: true });
}

/** Makes an entry of the file. Cut short, it makes another one the next time: of the first nobody has heard. */
export async function takeInRestored(directory: string, entries: Directory): Promise<void> {
  const path = join(directory, FILE);
  if (!(await isThere(path))) return;
  await entries.put([{ key: RESTORED_KEY, value: Buffer.from(randomBytes(ID_BYTES).toString("base64url")) }]);
  await rm(path);
  await syncDirectory(directory);
}
