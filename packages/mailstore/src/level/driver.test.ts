import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeStoreDriver, type OpenedStore } from "../contract.ts";
import { openLevelDriver, openMemoryDriver, type LevelLimits } from "./index.ts";

/** So small that a case rolls segments, spills bodies, and takes checkpoints. */
const TIGHT: Partial<LevelLimits> = {
  segmentBytesMax: 96 * 1024,
  inlineBodyBytesMax: 64 * 1024,
  zeroFillBytesMin: 8 * 1024,
  zeroFillBytesMax: 32 * 1024,
  checkpointBytes: 64 * 1024,
  cachedAccountsMax: 1,
  cachedNamesMax: 1,
  readBytesMax: 4 * 1024,
  compactBytesMax: 16 * 1024,
  sliceEntriesMax: 3,
  touchedMax: 2,
  openSegmentsMax: 2,
};

function onDisk(limits: Partial<LevelLimits>): () => Promise<OpenedStore> {
  return async () => {
    const directory = await mkdtemp(join(tmpdir(), "pushmail-driver-"));
    const driver = await openLevelDriver({ directory, limits });
    let current = driver;
    return {
      driver,
      reopen: async () => {
        await current.close();
        return (current = await openLevelDriver({ directory, limits }));
      },
      remove: () => rm(directory, { recursive: true }),
    };
  };
}

describeStoreDriver("the level driver", onDisk({}));
describeStoreDriver("the level driver with tight limits", onDisk(TIGHT));
describeStoreDriver("the memory driver", async () => ({ driver: await openMemoryDriver() }));
describeStoreDriver("the memory driver with tight limits", async () => ({
  driver: await openMemoryDriver({ limits: TIGHT }),
}));
