// Runs scenarios against all peers in one run, alternating; prints each one's table and stores it as JSON.
// Usage: npm run bench -- [--against dovecot,cyrus] [--scenario a,b] [--repeats 3] [--scale 1] [--results DIR] [--json FILE]
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { describeMachine } from "./machine.ts";
import type { PeerName } from "./peer.ts";
import { ProcessTree } from "./peers/process-tree.ts";
import { peers } from "./peers/table.ts";
import { printResult } from "./print-result.ts";
import { type Measured, type Result, resultOf, writeResult } from "./result.ts";
import { type Course, runScenario } from "./run-scenario.ts";
import type { Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios/table.ts";

const { values: options } = parseArgs({
  options: {
    against: { type: "string", default: "" },
    scenario: { type: "string" },
    repeats: { type: "string", default: "3" },
    scale: { type: "string", default: "1" },
    results: { type: "string" },
    json: { type: "string" },
  },
});

process.once("exit", () => ProcessTree.killAll());
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));

const course: Course = {
  against: named(options.against, Object.keys(peers)) as PeerName[],
  repeats: Number(options.repeats),
  scale: Number(options.scale),
};
const all = scenarios.map(({ name }) => name);
const chosen = options.scenario === undefined ? all : named(options.scenario, all);
// What docs/performance.md shows is of full size: a trial leaves it alone.
const directory = options.results ?? (course.scale === 1 ? "bench/results" : undefined);

const results: Result[] = [];
for (const scenario of scenarios) {
  if (!chosen.includes(scenario.name)) continue;
  const result = await runAll(scenario);
  results.push(result);
  printResult(result);
  if (directory !== undefined) writeResult(directory, result);
}
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(results, null, 1)}\n`);
if (results.some(({ runs }) => runs.some(({ failed }) => failed !== undefined))) process.exitCode = 1;

async function runAll(scenario: Scenario): Promise<Result> {
  console.log(`${scenario.name}: ${scenario.what}`);
  const runs: Measured[] = [];
  for await (const run of runScenario(scenario, course)) {
    runs.push(run);
    const { server, client, others } = run.cpuSeconds;
    const cpu = [server, client, others].map((seconds) => seconds.toFixed(1)).join(", ");
    const outcome = run.failed === undefined ? "" : ", FAILED";
    const wall = run.wallSeconds.toFixed(1);
    const disk = `4 KiB with fdatasync: p50 ${run.disk.p50}, p99 ${run.disk.p99} ms`;
    console.log(
      `  ${run.peer} ${run.repeat + 1}: ${wall} s; CPU s of server, client, others: ${cpu}; ${disk}${outcome}`,
    );
  }
  return resultOf(runs, {
    scenario: scenario.name,
    what: scenario.what,
    command: `npm run bench -- --against ${course.against.join(",")} --scenario ${scenario.name} --repeats ${course.repeats}`,
    madeAt: new Date().toISOString(),
    scale: course.scale,
    machine: describeMachine(),
  });
}

function named(list: string, known: readonly string[]): string[] {
  const names = list.split(",").filter(Boolean);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`${unknown} is none of ${known.join(", ")}`);
  return names;
}
