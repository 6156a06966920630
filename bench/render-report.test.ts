// The report: what it makes of results, and that docs/performance.md shows what bench/results holds.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { type Goal, goals, verdictsOf } from "./goals.ts";
import type { PeerName } from "./peer.ts";
import { insertParts, renderReport } from "./render-report.ts";
import { type Measured, ratioOf, readResults, type Result, resultOf, summaryOf } from "./result.ts";
import { scenarios } from "./scenarios/table.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const results = readResults(`${root}bench/results`);
const report = renderReport(results);

describe("docs/performance.md", () => {
  const text = readFileSync(`${root}docs/performance.md`, "utf8");

  it("shows what `npm run bench:report` makes of bench/results", () => {
    expect(insertParts(text, report.parts)).toBe(text);
  });

  it("has the pictures of these results, and no others", () => {
    const folder = `${root}docs/performance/`;
    const drawn = readdirSync(folder).map((name) => [name, readFileSync(folder + name, "utf8")] as const);
    expect(new Map(drawn)).toEqual(report.plots);
  });
});

describe("bench/results", () => {
  it("are of full size, and of scenarios that there are", () => {
    const known = scenarios.map(({ name }) => name);
    for (const [name, { scale }] of results) expect([known.includes(name), scale]).toEqual([true, 1]);
  });

  it("have for each goal the figure that it speaks of", () => {
    const silent = goals.filter((goal) => {
      const result = results.get(goal.scenario);
      return result !== undefined && verdictsOf(goal, result).length === 0;
    });
    expect(silent).toEqual([]);
  });
});

describe("a result", () => {
  const result = made({ pushmail: [2, 4, 3], dovecot: [30, 40], cyrus: [Number.NaN] });

  it("has the median of each server, of an even number the middle of two", () => {
    expect(summaryOf(result, "pushmail", "wait")).toEqual({ median: 3, least: 2, most: 4 });
    expect(summaryOf(result, "dovecot", "wait")).toEqual({ median: 35, least: 30, most: 40 });
  });

  it("tells what was not announced from what was not measured", () => {
    expect(summaryOf(result, "cyrus", "wait")).toEqual({ median: null, least: null, most: null });
    expect(summaryOf(result, "bare", "wait")).toBeUndefined();
  });

  it("gives ratios that are above 1 where pushmail is better", () => {
    const [slow, quick] = [2, 8].map((median) => ({ median, least: median, most: median }));
    expect(ratioOf(slow, quick, "less")).toBe(4);
    expect(ratioOf(slow, quick, "more")).toBe(0.25);
    expect(ratioOf(slow, { median: null, least: null, most: null }, "less")).toBeNull();
  });

  it("meets a goal beside the best of the peers, or not", () => {
    const ten: Goal = { scenario: "made", metric: /wait/, wanted: "", times: 10, than: ["dovecot", "cyrus"] };
    expect(verdictsOf(ten, result)).toMatchObject([{ isMet: true, found: "3 ms, dovecot x11.7" }]);
    expect(verdictsOf({ ...ten, times: 12 }, result)).toMatchObject([{ isMet: false }]);
    expect(verdictsOf({ ...ten, than: ["cyrus"] }, result)).toMatchObject([{ isMet: null }]);
  });

  it("meets a bound, or not", () => {
    const bound: Goal = { scenario: "made", metric: /wait/, wanted: "", atMost: 3 };
    expect(verdictsOf(bound, result)).toMatchObject([{ isMet: true, found: "3 ms" }]);
    expect(verdictsOf({ ...bound, atMost: 2.9 }, result)).toMatchObject([{ isMet: false }]);
  });
});

describe("insertParts", () => {
  const text = "a\n<!-- measured: goals -->\nold\n<!-- end -->\nb\n";

  it("replaces what stands between the markers alone", () => {
    expect(insertParts(text, new Map([["goals", "new\n"]]))).toBe(
      "a\n<!-- measured: goals -->\n\nnew\n\n<!-- end -->\nb\n",
    );
  });

  it("wants a place for each part, and a part for each place", () => {
    expect(() => insertParts(text, new Map())).toThrow("no result of goals");
    const parts = new Map(["goals", "read"].map((name) => [name, ""]));
    expect(() => insertParts(text, parts)).toThrow("no place for read");
  });
});

/** A result with one figure. */
function made(values: Partial<Record<PeerName, number[]>>): Result {
  const disk = { p50: 1, p90: 1, p99: 1, max: 1 };
  const rest = { wallSeconds: 1, cpuSeconds: { server: 1, client: 1, others: 1 }, disk };
  const runs = Object.entries(values).flatMap(([peer, own]) =>
    own.map((value, repeat): Measured => {
      return {
        peer: peer as PeerName,
        repeat,
        figures: [{ metric: "wait", value, unit: "ms", better: "less" }],
        ...rest,
      };
    }),
  );
  const machine = { node: "v1", processor: "p", cores: 2, memoryGiB: 1, system: "s" };
  return resultOf(runs, {
    scenario: "made",
    what: "w",
    command: "c",
    madeAt: "2020-01-01T00:00:00Z",
    scale: 1,
    machine,
  });
}
