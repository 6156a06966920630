// Which segment files stay open while nobody reads them.
import { expect, it } from "@jest/globals";
import { LEVEL_LIMITS } from "./limits.ts";
import { MemoryFiles } from "./memory-files.ts";
import { Segments } from "./segments.ts";

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
