// The figures of one repeat, gathered step by step; of what was measured more than once, the median counts.
import type { Peer } from "./peer.ts";
import type { Figure } from "./scenario.ts";
import { medianOf, percentile } from "./statistics.ts";

/** What stands in the place of a figure that a server has no command for: reported as "not announced". */
export const NOT_ANNOUNCED: number = Number.NaN;

interface Row {
  readonly unit: Figure["unit"];
  readonly better: Figure["better"];
  readonly values: number[];
}

export class FigureList {
  readonly #rows: Map<string, Row> = new Map();

  get figures(): readonly Figure[] {
    return Array.from(this.#rows, ([metric, { values, ...row }]) => ({
      metric,
      value: medianOf(values),
      ...row,
    }));
  }

  /** The median of what was added under a name so far. */
  median(metric: string): number {
    return medianOf(this.#rows.get(metric)?.values ?? []);
  }

  add(metric: string, value: number, unit: Figure["unit"], better: Figure["better"] = "less"): void {
    const row = this.#rows.get(metric);
    if (row === undefined) this.#rows.set(metric, { unit, better, values: [value] });
    else row.values.push(value);
  }

  /** Median, 99th percentile and the worst of times in milliseconds. */
  addSpread(metric: string, timesMs: readonly number[]): void {
    this.add(`${metric}, p50`, percentile(timesMs, 0.5), "ms");
    this.add(`${metric}, p99`, percentile(timesMs, 0.99), "ms");
    this.add(`${metric}, max`, percentile(timesMs, 1), "ms");
  }

  /** Times some work: wall time, and the CPU time of the server's processes; gives the milliseconds too. */
  async time<T>(
    metric: string,
    peer: Peer,
    work: () => Promise<T>,
  ): Promise<{ readonly result: T; readonly ms: number }> {
    const { cpuSeconds } = await peer.usage();
    const start = performance.now();
    const result = await work();
    const ms = performance.now() - start;
    this.add(metric, ms, "ms");
    this.add(`${metric}, CPU`, (await peer.usage()).cpuSeconds - cpuSeconds, "s");
    return { result, ms };
  }
}

/** Throws where an answer is not the right one: then its time says nothing. */
export function mustBe(what: string, found: number, right: number): void {
  if (found !== right) throw new Error(`wrong answer: ${what} gave ${found}, not ${right}`);
}
