// The measured part of docs/performance.md: what was to be reached, and for each scenario its table and its picture.
import { type Goal, goals, type Verdict, verdictsOf } from "./goals.ts";
import { renderPlot } from "./plot.ts";
import { renderNumber, renderSummary } from "./print-result.ts";
import { peersOf, ratioOf, type Metric, type Result, summaryOf } from "./result.ts";
import { medianOf } from "./statistics.ts";

export interface Report {
  /** The generated parts by the name of their marker: "goals", and the name of each scenario. */
  readonly parts: ReadonlyMap<string, string>;
  /** The pictures by the names of their files. */
  readonly plots: ReadonlyMap<string, string>;
}

/** The metrics of a scenario that its picture shows, all of one unit. */
const plotted: Readonly<Record<string, RegExp>> = {
  latency: /^(end of data to|250 to) .*p(50|99)$/,
  fanout: /(first|last) told, p50$/,
  fanmany: /^end of data to EXISTS/,
  ingest: /: delivered$/,
  login: /LOGIN to OK/,
  idle: /sessions .*: memory each$/,
  read: /^(?!APPEND).*, (first ever|warm)$/,
  growth: /^(SELECT|SELECT after a restart|APPEND|new-mail sync|STORE of all) at \d+$/,
  start: /to taking logins$/,
  busy: /^push .*p99$/,
};

export function renderReport(results: ReadonlyMap<string, Result>): Report {
  const parts = new Map([["goals", renderGoals(results)]]);
  const plots = new Map<string, string>();
  for (const [name, result] of results) {
    const metrics = result.metrics.filter(({ metric }) => plotted[name]?.test(metric) === true);
    if (metrics.length > 0) plots.set(`${name}.svg`, renderPlot(result, metrics));
    const picture =
      metrics.length > 0 ? `\n![${name}: medians and spread of all servers](performance/${name}.svg)\n` : "";
    parts.set(name, `${renderScenario(result)}${picture}`);
  }
  return { parts, plots };
}

/** The text with every generated part put between its markers. Throws where a part has no place, or a place no part. */
export function insertParts(text: string, parts: ReadonlyMap<string, string>): string {
  const placed = new Set<string>();
  const inserted = text.replaceAll(/(<!-- measured: (\w+) -->\n)[^]*?(<!-- end -->)/g, (_, begin, name, end) => {
    const part = parts.get(name as string);
    if (part === undefined) throw new Error(`there is no result of ${name}`);
    placed.add(name as string);
    return `${begin}\n${part}\n${end}`;
  });
  const missing = [...parts.keys()].find((name) => !placed.has(name));
  if (missing !== undefined) throw new Error(`there is no place for ${missing}`);
  return inserted;
}

function renderGoals(results: ReadonlyMap<string, Result>): string {
  const rows = goals.map((goal) => {
    const result = results.get(goal.scenario);
    return row([goal.scenario, ...goalCells(goal, result === undefined ? [] : verdictsOf(goal, result))]);
  });
  return [...head(["scenario", "figure", "goal", "pushmail", "met"]), ...rows].join("\n").concat("\n");
}

/** Of few figures each one; of many, how many reach it and which do not. */
function goalCells(goal: Goal, verdicts: readonly Verdict[]): string[] {
  const told = (some: readonly Verdict[]): string =>
    some.map(({ metric, found }) => (some.length === 1 ? found : `${metric.metric}: ${found}`)).join("<br>");
  const [unmet, unknown] = [false, null].map((kind) => verdicts.filter(({ isMet }) => isMet === kind)) as [
    Verdict[],
    Verdict[],
  ];
  const figure = verdicts.length === 1 ? (verdicts[0] as Verdict).metric.metric : `${verdicts.length} figures`;
  if (verdicts.length === 0) return ["-", goal.wanted, "not measured", "-"];
  const met = verdicts.length - unmet.length - unknown.length;
  const verdict = met === verdicts.length ? "yes" : `${met} of ${verdicts.length}`;
  const few = verdicts.length <= 8;
  const rest = [
    ...(unmet.length > 0 ? [`not: ${unmet.map(({ metric, found }) => `${metric.metric} (${found})`).join(", ")}`] : []),
    ...(unknown.length > 0 ? [`not announced: ${unknown.map(({ metric }) => metric.metric).join(", ")}`] : []),
  ];
  return [figure, goal.wanted, few ? told(verdicts) : rest.join("<br>") || "all", met === 0 ? "no" : verdict];
}

function renderScenario(result: Result): string {
  const names = peersOf(result);
  const isTold = ({ metric }: Metric): boolean =>
    !metric.endsWith(", CPU") || names.some((name) => (summaryOf(result, name, metric)?.median ?? 0) > 0);
  const rows = result.metrics.filter(isTold).map((metric) => {
    const cells = names.map((name) => cell(result, metric, name));
    return row([`${metric.metric}`, metric.unit, ...cells]);
  });
  return [about(result), "", ...head(["", "", ...names]), ...rows].join("\n").concat("\n");
}

function cell(result: Result, { metric, better }: Metric, name: ReturnType<typeof peersOf>[number]): string {
  const summary = summaryOf(result, name, metric);
  if (summary === undefined) return "";
  const own = summaryOf(result, "pushmail", metric);
  const ratio = name === "pushmail" ? null : ratioOf(own, summary, better);
  return `${renderSummary(summary)}${ratio === null ? "" : ` (x${renderNumber(ratio)})`}`;
}

function about({ what, command, madeAt, machine, runs }: Result): string {
  const others = medianOf(runs.map(({ cpuSeconds, wallSeconds }) => cpuSeconds.others / wallSeconds));
  const disk = (share: "p50" | "p99"): string => renderNumber(medianOf(runs.map((run) => run.disk[share])));
  const repeats = Math.max(...runs.map(({ repeat }) => repeat)) + 1;
  const failures = runs.filter(({ failed }) => failed !== undefined);
  const lines = [
    `${what[0]?.toUpperCase()}${what.slice(1)}.`,
    "",
    `\`${command}\``,
    "",
    `${madeAt.slice(0, 16).replace("T", " ")} UTC, Node ${machine.node.slice(1)}, ${machine.cores} cores (${machine.processor}), ` +
      `${repeats === 1 ? "1 run" : `${repeats} runs`} each; others used ${others.toFixed(1)} of the ${machine.cores} cores meanwhile; ` +
      `4 KiB appended with fdatasync: p50 ${disk("p50")} ms, p99 ${disk("p99")} ms.`,
  ];
  for (const { peer, repeat, failed } of failures) lines.push("", `Failed: ${peer}, run ${repeat + 1}: ${failed}.`);
  return lines.join("\n");
}

function head(cells: readonly string[]): string[] {
  return [row(cells), row(cells.map(() => "---"))];
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((one) => one.replaceAll("|", "\\|")).join(" | ")} |`;
}
