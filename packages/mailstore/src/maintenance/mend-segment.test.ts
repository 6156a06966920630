// What a repair keeps of what it cannot mend.
import fs from "node:fs";
import { mkdtemp, open, readFile, rm, writeFile, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, jest } from "@jest/globals";
import { keepBytes } from "./mend-segment.ts";

let directory: string;
let file: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pushmail-mend-"));
  file = join(directory, "0000000001.body");
  await writeFile(file, Buffer.from("before, damaged bytes".padEnd(2_000, ".")));
});
afterEach(async () => {
  jest.restoreAllMocks();
  await rm(directory, { recursive: true });
});

/** Linux gives no more than 2 GiB at once, however much is asked for; here it is so many bytes. */
async function readNoMoreThan(bytes: number): Promise<void> {
  const handle = await open(file);
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  for (const reader of [fs, prototype] as { read: (...args: unknown[]) => unknown }[]) {
    const { read } = reader;
    // The length stands behind the buffer and the place in it.
    jest.spyOn(reader, "read").mockImplementation(function (this: unknown, ...args) {
      const at = reader === prototype ? 2 : 3;
      return read.apply(this, args.with(at, Math.min(args[at] as number, bytes)));
    });
  }
}

it.each([
  ["all of it, in as many pieces as it takes", 1_500],
  ["what there is of it where the file ends before", 5_000],
])("keeps %s", async (_, bytes) => {
  await readNoMoreThan(100);
  await keepBytes(directory, { file, from: 8, end: 8 + bytes });
  const kept = await readFile(join(directory, "damaged", "0000000001.body-8"), "latin1");
  expect(kept).toBe("damaged bytes".padEnd(Math.min(bytes, 1_992), "."));
});
