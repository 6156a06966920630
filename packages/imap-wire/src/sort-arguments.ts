// What SORT and THREAD ask for (RFC 5256 3; DISPLAYFROM and DISPLAYTO of RFC 5957; RETURN of RFC 5267 3.1).
import type { Scanner } from "./scanner.ts";
import type { SearchArguments } from "./search-key.ts";
import { parseCharset, parseSearchProgram, printSearchProgram } from "./search-key.ts";
import { parseSearchReturns, printSearchReturns } from "./search-return.ts";

export type SortKey = (typeof SORT_KEYS)[number];

const SORT_KEYS = ["ARRIVAL", "CC", "DATE", "DISPLAYFROM", "DISPLAYTO", "FROM", "SIZE", "SUBJECT", "TO"] as const;

export interface SortCriterion {
  readonly key: SortKey;
  readonly reverse: boolean;
}

export interface SortArguments extends SearchArguments {
  /** At least one, each key once: what comes again decides nothing. */
  readonly criteria: readonly SortCriterion[];
}

/** Everything behind SORT. */
export function parseSortArguments(scan: Scanner): SortArguments {
  const returns = parseSearchReturns(scan);
  const criteria = new Map<SortKey, SortCriterion>();
  for (const criterion of scan.list(() => parseCriterion(scan))) {
    if (!criteria.has(criterion.key)) criteria.set(criterion.key, criterion);
  }
  if (criteria.size === 0) throw scan.fault("Expected a SORT key");
  scan.space();
  return { returns, criteria: [...criteria.values()], ...parseSearchIn(scan) };
}

function parseCriterion(scan: Scanner): SortCriterion {
  const reverse = scan.skip("REVERSE ");
  return { key: scan.oneOf(SORT_KEYS, "SORT key"), reverse };
}

/** A charset, which SORT and THREAD always have, and keys. */
function parseSearchIn(scan: Scanner): { readonly charset: string; readonly key: SearchArguments["key"] } {
  const charset = parseCharset(scan);
  scan.space();
  return { charset, key: parseSearchProgram(scan, charset) };
}

export function printSortArguments({ returns, criteria, charset, key }: SortArguments): string {
  const keys = criteria.map((criterion) => `${criterion.reverse ? "REVERSE " : ""}${criterion.key}`);
  return `${printSearchReturns(returns)}(${keys.join(" ")}) ${printSearchProgram(charset ?? "UTF-8", key)}`;
}

export type ThreadAlgorithm = (typeof THREAD_ALGORITHMS)[number];

export const THREAD_ALGORITHMS = ["ORDEREDSUBJECT", "REFERENCES", "REFS"] as const;

export interface ThreadArguments {
  readonly algorithm: ThreadAlgorithm;
  readonly charset: string;
  readonly key: SearchArguments["key"];
}

/** Everything behind THREAD. */
export function parseThreadArguments(scan: Scanner): ThreadArguments {
  const algorithm = scan.oneOf(THREAD_ALGORITHMS, "THREAD algorithm");
  scan.space();
  return { algorithm, ...parseSearchIn(scan) };
}

export function printThreadArguments({ algorithm, charset, key }: ThreadArguments): string {
  return `${algorithm} ${printSearchProgram(charset, key)}`;
}
