// A page of a result by its positions (RFC 9394 4 partial-range): counted from the first, or with a minus from the last.
import type { Scanner } from "./scanner.ts";

/** Both ends belong to it, in any order; both are below 0 where they count from the end. */
export interface PageRange {
  readonly first: number;
  readonly last: number;
}

export function parsePageRange(scan: Scanner): PageRange {
  const isFromEnd = scan.skip("-");
  const first = scan.nzNumber();
  scan.expect(":");
  if (isFromEnd) scan.expect("-");
  const last = scan.nzNumber();
  return isFromEnd ? { first: -first, last: -last } : { first, last };
}

/** As it was written: an answer repeats it. */
export function printPageRange({ first, last }: PageRange): string {
  return `${first}:${last}`;
}

/** Where the page lies among `count` results, from 0; `end` is behind it. */
export function pageOf({ first, last }: PageRange, count: number): { readonly start: number; readonly end: number } {
  const origin = first < 0 ? count : -1;
  const end = Math.max(0, Math.min(origin + Math.max(first, last) + 1, count));
  return { start: Math.min(Math.max(0, origin + Math.min(first, last)), end), end };
}
