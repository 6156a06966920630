// Opens the driver on a directory, or in memory. What only one of the two needs is loaded when it is opened.
import type { StoreDriver } from "../driver.ts";
import { openDriver } from "./driver.ts";
import { SILENT } from "./driver-log.ts";
import { MEMORY_LIMITS, type LevelLimits } from "./limits.ts";
import { MemoryFiles } from "./memory-files.ts";
import type { LevelDriverOptions } from "./open-directory.ts";

export type { LevelDriverOptions };

/** Rejects with code `STORE_LOCKED` where the directory is in use, `STORE_DAMAGED` where the log cannot be trusted. */
export async function openLevelDriver(options: LevelDriverOptions): Promise<StoreDriver> {
  const { openDirectory } = await import("./open-directory.ts");
  return openDirectory(options);
}

export interface MemoryDriverOptions {
  readonly limits?: Partial<LevelLimits>;
  readonly now?: () => number;
}

const nothing = (): Promise<void> => Promise.resolve();

/** A store that lives as long as the process: for tests and trials. */
export async function openMemoryDriver(options: MemoryDriverOptions = {}): Promise<StoreDriver> {
  const { MemoryLevel } = await import("memory-level");
  const database = new MemoryLevel<Buffer, Buffer>({ keyEncoding: "buffer", valueEncoding: "buffer" });
  await database.open();
  return openDriver({
    files: new MemoryFiles(),
    index: { location: "memory", database, flush: nothing, keep: nothing, dropKept: nothing, tryOpen: nothing },
    limits: { ...MEMORY_LIMITS, ...options.limits },
    log: SILENT,
    onStep: () => undefined,
    now: options.now ?? Date.now,
    release: () => Promise.resolve(),
  });
}
