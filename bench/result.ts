// What a scenario's run leaves behind: one JSON file, from which the report is made.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./machine.ts";
import { PEER_NAMES, type PeerName } from "./peer.ts";
import type { Figure } from "./scenario.ts";
import { medianOf, type Spread } from "./statistics.ts";

/** What a figure says, without its value. */
export type Metric = Omit<Figure, "value">;

/** One repeat against one peer. */
export interface Run {
  readonly peer: PeerName;
  readonly repeat: number;
  /** By metric. null: the server does not announce what it would need. */
  readonly figures: Readonly<Record<string, number | null>>;
  /** Why it has no figures. */
  readonly failed?: string;
  readonly wallSeconds: number;
  /** Of the server's processes, of this client, and of everybody else on the machine. */
  readonly cpuSeconds: { readonly server: number; readonly client: number; readonly others: number };
  /** 4 KiB appended with fdatasync, just before, in milliseconds. */
  readonly disk: Spread;
}

/** A run before it is put away. */
export type Measured = Omit<Run, "figures"> & { readonly figures: readonly Figure[] };

export interface Result {
  readonly scenario: string;
  readonly what: string;
  readonly command: string;
  readonly madeAt: string;
  readonly scale: number;
  readonly machine: Machine;
  /** In the order in which they were measured. */
  readonly metrics: readonly Metric[];
  readonly runs: readonly Run[];
}

/** A figure over all repeats. */
export interface Summary {
  readonly median: number | null;
  readonly least: number | null;
  readonly most: number | null;
}

export function resultOf(runs: readonly Measured[], about: Omit<Result, "metrics" | "runs">): Result {
  const metrics = new Map<string, Metric>();
  // In the order of the run that has the most: another leaves out what its server does not announce.
  const longestFirst = runs.toSorted((a, b) => b.figures.length - a.figures.length);
  for (const { value: _, ...metric } of longestFirst.flatMap(({ figures }) => figures)) {
    metrics.set(metric.metric, metric);
  }
  const named = (figures: readonly Figure[]): [string, number | null][] =>
    figures.map(({ metric, value }) => [metric, Number.isNaN(value) ? null : value]);
  return {
    ...about,
    metrics: [...metrics.values()],
    runs: runs.map((run) => ({ ...run, figures: Object.fromEntries(named(run.figures)) })),
  };
}

export function writeResult(directory: string, result: Result): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${result.scenario}.json`), `${JSON.stringify(result, rounded, 2)}\n`);
}

/** All results of a folder by the name of their scenario. */
export function readResults(directory: string): Map<string, Result> {
  const files = readdirSync(directory).filter((file) => file.endsWith(".json"));
  const results = files.map((file) => JSON.parse(readFileSync(join(directory, file), "utf8")) as Result);
  return new Map(results.map((result) => [result.scenario, result]));
}

/** The peers of a result, pushmail first. */
export function peersOf({ runs }: Result): PeerName[] {
  return PEER_NAMES.filter((name) => runs.some(({ peer }) => peer === name));
}

/** Undefined where the peer was not measured. */
export function summaryOf({ runs }: Result, of: PeerName, metric: string): Summary | undefined {
  const found = runs.flatMap(({ peer, figures }) => (peer === of ? (figures[metric] ?? []) : []));
  const isTold = runs.some(({ peer, figures }) => peer === of && metric in figures);
  if (found.length === 0) return isTold ? { median: null, least: null, most: null } : undefined;
  return { median: medianOf(found), least: Math.min(...found), most: Math.max(...found) };
}

/** How many times another's figure is pushmail's, so that more than 1 is in pushmail's favour. */
export function ratioOf(own: Summary | undefined, other: Summary | undefined, better: Figure["better"]): number | null {
  const [mine, theirs] = [own?.median ?? null, other?.median ?? null];
  if (mine === null || theirs === null || mine <= 0 || theirs <= 0) return null;
  return better === "less" ? theirs / mine : mine / theirs;
}

/** Four digits are more than these figures are worth. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}
