// What a repair keeps of what it cannot mend, and that a power cut takes none of what it has done.
import fs from "node:fs";
import { mkdir, mkdtemp, open, readFile, rm, writeFile, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, jest } from "@jest/globals";
import { decodeRecordHead, encodeSegmentHeader, RECORD_HEAD_BYTES } from "../level/record.ts";
import { WriteTrace } from "../level/test-support/write-trace.ts";
import { keepBytes, mendHeader, noteIncomplete, putHeader, voidRecord } from "./mend-segment.ts";

const HEADER = { kind: "body", number: 1, salt: 7, previous: 0, previousEnd: 0 } as const;

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

it("voids a record that reaches behind the end of its file as a whole", async () => {
  await voidRecord(HEADER, { file, from: 64, end: 5_000 });
  const bytes = await readFile(file);
  expect(bytes).toHaveLength(5_000);
  expect(decodeRecordHead(bytes.subarray(64), { segment: HEADER, offset: 64 })).toMatchObject({
    type: "void",
    length: 5_000 - 64 - RECORD_HEAD_BYTES,
  });
});

it.each<[string, () => Promise<unknown>]>([
  ["keeping bytes", () => keepBytes(directory, { file, from: 8, end: 500 })],
  ["noting that the log is not whole", () => noteIncomplete(directory)],
  ["voiding a record", () => voidRecord(HEADER, { file, from: 64, end: 500 })],
  ["putting a bit of a header right", () => mendHeader(file, HEADER.number, { dryRun: false })],
  ["making a header again", () => putHeader(directory, file, HEADER)],
])("%s is on stable storage when it is done, with the names of what was made for it", async (_, mend) => {
  await mkdir(join(directory, "segments"));
  const wrong = encodeSegmentHeader(HEADER);
  wrong[17] = (wrong[17] as number) ^ 1;
  await writeFile(file, wrong);
  const trace = new WriteTrace();
  try {
    await mend();
    expect(trace.writes).toBeGreaterThan(0);
    expect([...trace.unsyncedFiles, ...trace.unsyncedNames]).toEqual([]);
  } finally {
    trace.stop();
  }
});
