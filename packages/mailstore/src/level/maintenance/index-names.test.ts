// LevelDB numbers its files in six digits, and from a million on in more: names no longer sort as numbers do.
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { checkpointKey, directoryKey } from "../keys.ts";
import { fragment, manifestOf } from "../test-support/leveldb-files.ts";
import { copyIndex } from "./copy-index.ts";
import { verifyIndexFiles } from "./verify-index-files.ts";

let base: string;
let index: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "pushmail-names-"));
  index = join(base, "index");
  await mkdir(index);
});
afterEach(() => rm(base, { recursive: true }));

function batchOf(key: Buffer): Buffer {
  const count = Buffer.alloc(12);
  count.writeUInt32LE(1, 8);
  return fragment(Buffer.concat([count, Buffer.from([1, key.length]), key, Buffer.from([0])]));
}

/** An index whose newest table was made when its log was number 999,999; it has gone on in one of seven digits. */
async function makeIndex(): Promise<void> {
  await writeFile(join(index, "CURRENT"), "MANIFEST-999998\n");
  await writeFile(join(index, "MANIFEST-999998"), manifestOf(999_999));
  const synced = batchOf(checkpointKey());
  const torn = batchOf(directoryKey("name"));
  torn.writeUInt8(torn.readUInt8(20) ^ 1, 20);
  await writeFile(join(index, "999998.log"), "of a table that is there");
  await writeFile(join(index, "999999.log"), synced);
  await writeFile(join(index, "1000000.log"), Buffer.concat([torn, batchOf(directoryKey("other"))]));
}

it("takes what a power cut left in the newest log for no damage", async () => {
  await makeIndex();
  const found = [];
  for await (const damage of verifyIndexFiles(index)) found.push(damage.message);
  expect(found).toEqual([]);
});

it("copies the logs that the manifest names, and those behind", async () => {
  await makeIndex();
  await copyIndex(index, join(base, "copy"), undefined);
  const names = await readdir(join(base, "copy"));
  expect(names.sort()).toEqual(["1000000.log", "999999.log", "CURRENT", "MANIFEST-999998"]);
});
