// Which segment files stay open while nobody reads them, and what reading all of one takes.
import { expect, it } from "@jest/globals";
import { LEVEL_LIMITS } from "./limits.ts";
import { LogScanner } from "./log-scanner.ts";
import { MemoryFiles } from "./memory-files.ts";
import { Segments } from "./segments.ts";
import { SimulatedDisk } from "./test-support/simulated-disk.ts";

it("closes the files that were used longest ago", async () => {
  const opened: string[] = [];
  class Files extends MemoryFiles {
    override open(name: string): ReturnType<MemoryFiles["open"]> {
      opened.push(name);
      return super.open(name);
    }
  }
  const segments = await Segments.list(new Files(), { ...LEVEL_LIMITS, openSegmentsMax: 2 });
  const use = async (number: number): Promise<void> => (await segments.acquire(number))?.release();
  const create = async (): Promise<void> => (await segments.create("log", { number: 0, end: 0 })).release();
  await create();
  await create();
  for (const number of [1, 2, 2, 1, 1]) await use(number);
  await create();
  expect(opened).toEqual([]);
  await use(1);
  expect(opened).toEqual([]);
  await use(2);
  await use(1);
  expect(opened).toEqual(["0000000002.seg"]);
  await use(3);
  expect(opened).toEqual(["0000000002.seg", "0000000003.seg"]);
});

it("is gone through in memory of one window", async () => {
  const segments = await Segments.list(new MemoryFiles(), LEVEL_LIMITS);
  const lease = await segments.create("log", { number: 0, end: 0 });
  const { file } = lease;
  await file.write(0, [Buffer.alloc(5 * 1024 * 1024)]);
  const rooms = new Set<ArrayBufferLike | undefined>();
  const read: typeof file.read = async (position, length, room) => {
    rooms.add(room?.buffer);
    const bytes = await file.read(position, length, room);
    expect([bytes.buffer, bytes.length]).toEqual([room?.buffer, length]);
    return bytes;
  };
  const scanner = new LogScanner({ ...lease, file: { ...file, read } });
  for (let at = 0; at < 4; at++) expect(await scanner.head(at * 1024 * 1024)).toBeUndefined();
  expect(rooms.size).toBe(1);
  lease.release();
});

it("leaves no file open of a segment that cannot be removed", async () => {
  const disk = await SimulatedDisk.from();
  const segments = await Segments.list(disk, LEVEL_LIMITS);
  (await segments.create("body", { number: 0, end: 0 })).release();
  disk.beforeOperation = (name) => {
    throw new Error(name);
  };
  await expect(segments.remove(1)).rejects.toThrow("open");
  expect(disk.filesOpen).toBe(0);
  // The next start is told that nobody names it.
  expect([...segments.staged]).toEqual([1]);
});

it("leaves nothing of a segment that could not be made", async () => {
  const disk = await SimulatedDisk.from();
  const segments = await Segments.list(disk, LEVEL_LIMITS);
  disk.beforeOperation = (name) => {
    if (name === "write") throw new Error(name);
  };
  for (const kind of ["log", "body"] as const) {
    await expect(segments.create(kind, { number: 0, end: 0 })).rejects.toThrow("write");
  }
  expect([[...(await disk.image()).files.keys()], [...segments.staged], disk.filesOpen]).toEqual([[], [], 0]);
});
