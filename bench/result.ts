// What a scenario's run leaves behind: one JSON file, from which the report is made.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./machine.ts";
import type { PeerName } from "./peer.ts";
import type { Figure } from "./scenario.ts";
import { percentile, type Spread } from "./statistics.ts";

/** One repeat against one peer. */
export interface Run {
  readonly peer: PeerName;
  readonly repeat: number;
  /** A value of null: the server does not announce what it would need. */
  readonly figures: readonly (Omit<Figure, "value"> & { readonly value: number | null })[];
  /** Why it has no figures. */
  readonly failed?: string;
  readonly wallSeconds: number;
  /** Of the server's processes, of this client, and of everybody else on the machine. */
  readonly cpuSeconds: { readonly server: number; readonly client: number; readonly others: number };
  /** 4 KiB appended with fdatasync, just before, in milliseconds. */
  readonly disk: Spread;
}

export interface Result {
  readonly scenario: string;
  readonly what: string;
  readonly command: string;
  readonly madeAt: string;
  readonly scale: number;
  readonly machine: Machine;
  readonly runs: readonly Run[];
}

/** A figure over all repeats. */
export interface Summary {
  readonly median: number | null;
  readonly least: number | null;
  readonly most: number | null;
}

export function writeResult(directory: string, result: Result): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${result.scenario}.json`), `${JSON.stringify(result, rounded, 1)}\n`);
}

/** All results of a folder by the name of their scenario. */
export function readResults(directory: string): Map<string, Result> {
  const files = readdirSync(directory).filter((file) => file.endsWith(".json"));
  const results = files.map((file) => JSON.parse(readFileSync(join(directory, file), "utf8")) as Result);
  return new Map(results.map((result) => [result.scenario, result]));
}

/** The peers of a result, pushmail first. */
export function peersOf({ runs }: Result): PeerName[] {
  const order: readonly PeerName[] = ["pushmail", "dovecot", "cyrus", "postfix", "bare"];
  return order.filter((name) => runs.some(({ peer }) => peer === name));
}

/** The figures that any peer has, in the order in which they were measured. */
export function metricsOf({ runs }: Result): Omit<Figure, "value">[] {
  const metrics = new Map<string, Omit<Figure, "value">>();
  for (const { figures } of runs) {
    for (const { metric, unit, better } of figures) metrics.set(metric, { metric, unit, better });
  }
  return [...metrics.values()];
}

/** Undefined where the peer was not measured. */
export function summaryOf({ runs }: Result, of: PeerName, metric: string): Summary | undefined {
  const found = runs.flatMap(({ peer, figures }) =>
    peer === of ? figures.filter((one) => one.metric === metric) : [],
  );
  if (found.length === 0) return undefined;
  const values = found.flatMap(({ value }) => (value === null || Number.isNaN(value) ? [] : [value]));
  if (values.length === 0) return { median: null, least: null, most: null };
  return { median: percentile(values, 0.5), least: Math.min(...values), most: Math.max(...values) };
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
