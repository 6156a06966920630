// What pushmail is to reach, and whether a result shows it.
import { renderNumber } from "./print-result.ts";
import { ratioOf, type Metric, type Result, summaryOf } from "./result.ts";
import type { PeerName } from "./peer.ts";

type Bound =
  /** So many times better than the best of these. */
  | { readonly times: number; readonly than: readonly PeerName[] }
  /** In the metric's own unit. */
  | { readonly atMost: number };

export type Goal = Bound & {
  readonly scenario: string;
  readonly metric: RegExp;
  readonly wanted: string;
};

export interface Verdict {
  readonly metric: Metric;
  /** null: pushmail does not announce what it would need, or nobody was measured. */
  readonly isMet: boolean | null;
  /** What was found. */
  readonly found: string;
}

const AHEAD = { times: 1, than: ["dovecot", "cyrus"] } as const;
const AT_64 = /64 conn\.: delivered/;

export const goals: readonly Goal[] = [
  {
    scenario: "latency",
    metric: /^end of data to EXISTS, p(50|99)/,
    wanted: "1/100 of Dovecot's",
    times: 100,
    than: ["dovecot"],
  },
  {
    scenario: "latency",
    metric: /^end of data to EXISTS, p(50|99)/,
    wanted: "1/3 of Cyrus'",
    times: 3,
    than: ["cyrus"],
  },
  { scenario: "latency", metric: /^250 to EXISTS, p50/, wanted: "within 1 ms", atMost: 1 },
  { scenario: "sends", metric: /^missed/, wanted: "nothing lost in 10,000", atMost: 0 },
  { scenario: "fanout", metric: /: last told, p50/, wanted: "1/5 of Dovecot's", times: 5, than: ["dovecot"] },
  {
    scenario: "fanout",
    metric: /: last told, p50/,
    wanted: "1.5 times a bare Node server's",
    times: 1 / 1.5,
    than: ["bare"],
  },
  { scenario: "fanout", metric: /: missed/, wanted: "none", atMost: 0 },
  { scenario: "fanmany", metric: /^missed/, wanted: "none", atMost: 0 },
  { scenario: "fanmany", metric: /EXISTS, p99/, wanted: "1/5 of Dovecot's", times: 5, than: ["dovecot"] },
  { scenario: "ingest", metric: AT_64, wanted: "5 times the best peer's", times: 5, than: ["dovecot", "cyrus"] },
  {
    scenario: "ingest",
    metric: /64 conn\.: wait for 250/,
    wanted: "1/5 of the best peer's",
    times: 5,
    than: ["dovecot", "cyrus"],
  },
  { scenario: "ingest", metric: /^4 KiB.*64 conn\.: CPU/, wanted: "at most 1.25 s", atMost: 1.25 },
  { scenario: "idle", metric: /sessions in clear: memory/, wanted: "at most 7 KiB", atMost: 7 },
  { scenario: "idle", metric: /sessions in TLS: memory/, wanted: "at most 38 KiB", atMost: 38 },
  { scenario: "idle", metric: /: CPU in 30 s/, wanted: "at most 0.2 s", atMost: 0.2 },
  { scenario: "read", metric: /^(?!APPEND).*(?<!, rate|, CPU)$/, wanted: "ahead of both", ...AHEAD },
  { scenario: "liststatus", metric: /^LIST RETURN.*(?<!, CPU)$/, wanted: "ahead of both", ...AHEAD },
  { scenario: "growth", metric: /^(?!.*all flags).*: 1000000 beside 10000$/, wanted: "at most 1.5 times", atMost: 1.5 },
  { scenario: "login", metric: /at once: logins/, wanted: "ahead of Dovecot's", times: 1, than: ["dovecot"] },
  { scenario: "start", metric: /^ended in order, to/, wanted: "under 1 s", atMost: 1_000 },
  { scenario: "start", metric: /^killed, to/, wanted: "under 2 s", atMost: 2_000 },
  { scenario: "start", metric: /^in memory/, wanted: "under 150 ms", atMost: 150 },
  { scenario: "busy", metric: /beside quiet$/, wanted: "within 3 times of quiet", atMost: 3 },
  { scenario: "load", metric: /^wakes missed/, wanted: "none", atMost: 0 },
  { scenario: "load", metric: /last beside first/, wanted: "flat: at most 1.1 times", atMost: 1.1 },
];

/** One for each metric that the goal speaks of. */
export function verdictsOf(goal: Goal, result: Result): Verdict[] {
  const metrics = result.metrics.filter(({ metric }) => goal.metric.test(metric));
  return metrics.map((metric) => verdictOf(goal, result, metric));
}

function verdictOf(goal: Goal, result: Result, metric: Metric): Verdict {
  const own = summaryOf(result, "pushmail", metric.metric);
  const median = own?.median ?? null;
  if (median === null) return { metric, isMet: null, found: "not announced" };
  const figure = `${renderNumber(median)}${metric.unit === "count" ? "" : ` ${metric.unit}`}`;
  if ("atMost" in goal) return { metric, isMet: median <= goal.atMost, found: figure };
  const ratios = goal.than.flatMap((name) => {
    const ratio = ratioOf(own, summaryOf(result, name, metric.metric), metric.better);
    return ratio === null ? [] : [{ name, ratio }];
  });
  const [least] = ratios.toSorted((a, b) => a.ratio - b.ratio);
  if (least === undefined) return { metric, isMet: null, found: `${figure}, no peer to compare with` };
  return {
    metric,
    isMet: least.ratio >= goal.times,
    found: `${figure}, ${least.name} x${renderNumber(least.ratio)}`,
  };
}
