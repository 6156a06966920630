// Counts how often each block runs of the project's own code, and of the engine below SMTP, whatever runs it: work that is
// the same in every run, on every machine.
import { Session } from "node:inspector/promises";
import { setFlagsFromString } from "node:v8";
import { expect } from "@jest/globals";

const RATIO_MAX = 2.3;
const OUR_CODE = /\/packages\/[^/]+\/src\/(?!.*\.test\.ts$)|\/node_modules\/smtp-server\//;

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

  /** Twice as much of something must cost about twice the work, and four times where it were the square. */
  async expectLinear(work: (count: number) => Promise<unknown>, count: number): Promise<void> {
    // What is done the first time only is done before.
    await work(count);
    const single = await this.measure(() => work(count));
    const double = await this.measure(() => work(2 * count));
    expect(single).toBeGreaterThan(count);
    expect({ single, double, ratio: double / single }).toEqual({ single, double, ratio: expect.any(Number) });
    expect(double / single).toBeLessThan(RATIO_MAX);
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
