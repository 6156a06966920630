// Counts how often each block of the project's own code runs, whatever runs it: work that is the same in every run, on
// every machine.
import { Session } from "node:inspector/promises";
import { setFlagsFromString } from "node:v8";

const OUR_CODE = /\/packages\/[^/]+\/src\/(?!.*\.test\.ts$)/;

export class WorkMeter {
  readonly #inspector = new Session();

  async start(): Promise<void> {
    // Optimized code does not count.
    for (const flag of ["--no-opt", "--no-maglev"]) setFlagsFromString(flag);
    this.#inspector.connect();
    await this.#inspector.post("Profiler.enable");
    await this.#inspector.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  }

  stop(): void {
    this.#inspector.disconnect();
    setFlagsFromString("--opt");
  }

  async measure(work: () => Promise<unknown>): Promise<number> {
    await this.#take();
    await work();
    return this.#take();
  }

  /** The count since it was last taken. */
  async #take(): Promise<number> {
    const { result } = await this.#inspector.post("Profiler.takePreciseCoverage");
    let blocks = 0;
    for (const { url, functions } of result) {
      if (!OUR_CODE.test(url)) continue;
      for (const { ranges } of functions) for (const { count } of ranges) blocks += count;
    }
    return blocks;
  }
}
