// Opens a LevelDB of a data directory; whoever reads the error is told what the system said.
import { dirname } from "node:path";
import { Level } from "level";
import { describeHolder, StoreLocked } from "./holder.ts";

type LevelOptions = NonNullable<ConstructorParameters<typeof Level<Buffer, Buffer>>[1]> & {
  /** Of classic-level, which `level` is under Node. */
  readonly writeBufferSize?: number;
};

/** Rejects with code `STORE_LOCKED` where another has it open. */
export async function openLevel(location: string, options: LevelOptions = {}): Promise<Level<Buffer, Buffer>> {
  const level = new Level<Buffer, Buffer>(location, options);
  try {
    await level.open();
    return level;
  } catch (error) {
    const directory = dirname(location);
    const { code, message } = ((error as Error).cause ?? error) as NodeJS.ErrnoException;
    if (code === "LEVEL_LOCKED") throw new StoreLocked(directory, await describeHolder(directory), { cause: error });
    throw new Error(`${location} cannot be opened: ${message}`, { cause: error });
  }
}
