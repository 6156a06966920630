import { describe, expect, it } from "@jest/globals";
import picocolors from "picocolors";
import { renderPlot } from "./plot.ts";
import { nextArrivalSeconds, seededRandom } from "./random.ts";
import { percentile, summarize } from "./result.ts";
import type { ClientResult, ContrastResult } from "./result.ts";
import { renderMs, renderProgress, renderTable } from "./table.ts";

function client(name: string, intervalSeconds: number | null, p50Ms: number | null, perHour: number): ClientResult {
  const p99Ms = p50Ms === null ? null : p50Ms * 2;
  return {
    name,
    intervalSeconds,
    known: p50Ms === null ? 0 : 10,
    p50Ms,
    p99Ms,
    maxMs: p99Ms,
    commands: 12,
    requestsPerHour: perHour,
    wakeups: 3,
    bytesSent: 999,
    bytesReceived: 12_345,
  };
}

const result: ContrastResult = {
  seed: 7,
  ratePerSecond: 0.5,
  mails: 10,
  accepted: 10,
  seconds: 61,
  clients: [
    client("push (IDLE)", null, 0, 700),
    client("poll every 1 s", 1, 500, 3600),
    client("poll every 60 s", 60, 30_000, 60),
    client("poll every 3600 s", 3600, null, 1),
  ],
};

describe("chance", () => {
  it("is the same for the same seed, and spread evenly", () => {
    const [first, second, other] = [seededRandom(42), seededRandom(42), seededRandom(43)];
    const values = Array.from({ length: 10_000 }, () => first());
    expect(values).toEqual(Array.from({ length: 10_000 }, () => second()));
    expect(values.slice(0, 5)).not.toEqual(Array.from({ length: 5 }, () => other()));
    const tenths = Array.from({ length: 10 }, (_, at) => values.filter((v) => Math.floor(v * 10) === at).length);
    expect(tenths.reduce((sum, count) => sum + count)).toBe(10_000);
    for (const count of tenths) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  it("makes arrivals at the rate asked for", () => {
    const random = seededRandom(1);
    const gaps = Array.from({ length: 20_000 }, () => nextArrivalSeconds(random, 4));
    const mean = gaps.reduce((sum, gap) => sum + gap) / gaps.length;
    expect(mean).toBeGreaterThan(0.24);
    expect(mean).toBeLessThan(0.26);
    // Exponential: as many gaps are longer than the mean as 1/e says.
    expect(gaps.filter((gap) => gap > mean).length / gaps.length).toBeCloseTo(1 / Math.E, 1);
  });
});

describe("the figures", () => {
  it("take percentiles by nearest rank", () => {
    const hundred = Array.from({ length: 100 }, (_, at) => at + 1);
    expect([50, 99, 100].map((percent) => percentile(hundred, percent))).toEqual([50, 99, 100]);
    expect([percentile([3], 50), percentile([1, 9], 50), percentile([1, 9], 99), percentile([], 50)]).toEqual([
      3,
      1,
      9,
      null,
    ]);
  });

  it("count a mail known before its reply as known at once, and one not known as missed", () => {
    const acceptedAt = new Map([
      [1, 100],
      [2, 200],
      [3, 300],
    ]);
    const knownAt = new Map([
      [1, 90],
      [2, 250],
    ]);
    const counts = { commands: 5, wakeups: 2, bytesSent: 10, bytesReceived: 20 };
    const summary = summarize({ name: "push", intervalSeconds: null }, counts, { acceptedAt, knownAt }, 1800);
    expect(summary).toEqual({
      name: "push",
      intervalSeconds: null,
      known: 2,
      p50Ms: 0,
      p99Ms: 50,
      maxMs: 50,
      ...counts,
      requestsPerHour: 10,
    });
  });

  it("read well", () => {
    expect([0.04, 9.96, 10, 999.4, 1000, 61_000, null].map(renderMs)).toEqual([
      "0.0 ms",
      "10.0 ms",
      "10 ms",
      "999 ms",
      "1.0 s",
      "61.0 s",
      "-",
    ]);
    const lines = renderTable(result, picocolors.createColors(false));
    expect(lines).toHaveLength(5);
    expect(new Set(lines.map((line) => line.length)).size).toBe(1);
    expect(lines[1]?.split(/ {2,}/)).toEqual([
      "push (IDLE)",
      "0.0 ms",
      "0.0 ms",
      "0.0 ms",
      "10/10",
      "12",
      "700",
      "3",
      "999 B",
      "12 kB",
    ]);
    expect(lines[4]).toMatch(/poll every 3600 s +- +- +- +0\/10/);
    expect(renderProgress(result)).toBe("10 of 10 mails sent in 61 s, 0.5 mails a second on average, seed 7");
  });
});

describe("the plot", () => {
  it("is well-formed, self-contained and places slower higher and busier further right", () => {
    const svg = renderPlot(result);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" /);
    expect(openTags(svg)).toEqual([]);
    expect(svg).not.toMatch(/NaN|Infinity|undefined|href|url\(|<script/);
    expect(svg).toContain("prefers-color-scheme: dark");
    const dots = [...svg.matchAll(/<circle class="(\w+)" cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, kind, x, y]) => ({
      kind,
      x: Number(x),
      y: Number(y),
    }));
    expect(dots.map(({ kind }) => kind)).toEqual(["push", "poll", "poll"]);
    const order = (by: "x" | "y"): number[] =>
      [0, 1, 2].toSorted((a, b) => (dots[a]?.[by] ?? 0) - (dots[b]?.[by] ?? 0));
    expect(order("x")).toEqual([2, 0, 1]);
    expect(order("y")).toEqual([2, 1, 0]);
  });

  it("is drawn of any result", () => {
    const alone = [[], [client("push (IDLE)", null, 0, 0)], [client("poll every 1 s", 1, 1e7, 1e6)]];
    for (const clients of alone) {
      const svg = renderPlot({ ...result, clients });
      expect(openTags(svg)).toEqual([]);
      expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    }
  });
});

/** The tags that are left open, in a document without comments. */
function openTags(svg: string): readonly string[] {
  const open: string[] = [];
  for (const [, slash, name, end] of svg.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
    if (slash === "/") expect(open.pop()).toBe(name);
    else if (end !== "/") open.push(name ?? "");
  }
  return open;
}
