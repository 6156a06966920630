// Backups, what is restored of them, the second copy of an index and what takes the place of a damaged one: no power cut takes
// a part of them behind their end.
import fs, { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { openLevelDriver } from "../level/index.ts";
import { keepIndex } from "../level/maintenance/kept-index.ts";
import { replaceIndex } from "../level/maintenance/set-aside.ts";
import { RESTORING_FILE } from "../level/no-store.ts";
import { WriteTrace } from "../level/test-support/write-trace.ts";
import { openMailStore } from "../open-mail-store.ts";
import { backupStore, restoreStore } from "./backup-store.ts";

let base: string;
let trace: WriteTrace;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "pushmail-synced-"));
  trace = new WriteTrace();
});
afterEach(async () => {
  trace.stop();
  await rm(base, { recursive: true });
});

/** What of a directory a power cut may take; in the lock nothing is kept. */
function unsynced(path: string): readonly string[] {
  const all = [...trace.unsyncedFiles, ...trace.unsyncedNames];
  return all.filter((file) => `${file}/`.startsWith(`${path}/`) && !/\/(lock|holder\.json)$/.test(file));
}

it("each byte and each name of a copy is synced when it is made, those of the directories made for it too", async () => {
  const [data, backup] = [join(base, "data"), join(base, "copies", "backup")];
  for (const address of ["ann@example.org", "ben@example.org"]) {
    const store = openMailStore(await openLevelDriver({ directory: data }), { scryptCost: { N: 16, r: 1, p: 1 } });
    await store.createAccount({ address, password: "secret" });
    await store.close();
    await writeFile(join(data, "key.pem"), "a key");
    await backupStore(data, backup);
    expect(unsynced(join(base, "copies"))).toEqual([]);
  }
  await keepIndex(data);
  expect(unsynced(join(data, "kept"))).toEqual([]);
  // What is damaged since stays in the backup as it was.
  const segment = await open(join(data, "segments", "0000000001.seg"), "r+");
  await segment.writev([Buffer.from("damaged")], 100);
  await segment.close();
  await backupStore(data, backup);
  expect(unsynced(backup)).toEqual([]);
  expect(await replaceIndex(data, { dryRun: false })).toBe("its second copy and the log");
  for (const place of ["index", "index.part", "damaged"]) expect(unsynced(join(data, place))).toEqual([]);
  const again = join(base, "again", "data");
  const { rm: remove } = fs;
  let leftOpen: readonly string[] | undefined;
  const watched = (path: string, options?: object): Promise<void> => {
    if (path === join(again, RESTORING_FILE)) leftOpen = unsynced(again).filter((each) => each !== path);
    return remove(path, options);
  };
  Object.assign(fs, { rm: watched });
  await restoreStore(backup, again, () => undefined);
  // Already when it no longer says that it is being restored.
  expect(leftOpen).toEqual([]);
  expect(unsynced(join(base, "again"))).toEqual([]);
  // It has seen what it is about.
  for (const name of [
    /backup\/files-\d+\/key\.pem$/,
    /again\/data\/key\.pem$/,
    /again\/data\/segments\/0000000001\.seg$/,
  ])
    expect(trace.files).toContainEqual(expect.stringMatching(name));
});
