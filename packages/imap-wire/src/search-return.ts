// What an extended search gives back (RFC 4731 3.1, SAVE of RFC 5182 2.1), and the beginning of its answer.
import type { Scanner } from "./scanner.ts";
import { printString } from "./string.ts";

export type SearchReturn = (typeof SEARCH_RETURNS)[number];

const SEARCH_RETURNS = ["ALL", "COUNT", "MAX", "MIN", "SAVE"] as const;

/** The options of RETURN with the space behind them; null where the search is none of that kind. */
export function parseSearchReturns(scan: Scanner): readonly SearchReturn[] | null {
  if (!scan.skip("RETURN ")) return null;
  const returns = scan.list(() => scan.oneOf(SEARCH_RETURNS, "RETURN option"));
  scan.space();
  // RFC 4731 3.1: no option is ALL.
  return returns.length === 0 ? ["ALL"] : returns;
}

/** As the client writes it, with the space behind it. */
export function printSearchReturns(returns: readonly SearchReturn[] | null): string {
  return returns === null ? "" : `RETURN (${returns.join(" ")}) `;
}

/** Which command an ESEARCH answers; the data follow, each behind a space (RFC 4466 2.6.2). */
export interface EsearchHead {
  readonly tag: string;
  /** Whether the data are UIDs. */
  readonly uid: boolean;
}

export function printEsearchHead({ tag, uid }: EsearchHead): string {
  return `* ESEARCH (TAG ${printString(tag)})${uid ? " UID" : ""}`;
}
