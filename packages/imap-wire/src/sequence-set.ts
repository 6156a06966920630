// Sets of message numbers or UIDs (RFC 9051 9 sequence-set). `*` and `$` stay symbolic until they are resolved.
import { DIGIT, isOf } from "./char-class.ts";
import type { Scanner } from "./scanner.ts";
import { SyntaxFault } from "./syntax-fault.ts";

export type SequenceNumber = number | "*";
/** Both ends belong to it, in any order; a single number is a range of one. */
export type SequenceRange = readonly [SequenceNumber, SequenceNumber];
/** The ranges as the client wrote them, or `$`: what its last SEARCH saved (RFC 5182 2). */
export type SequenceSet = readonly SequenceRange[] | "$";
/** Numbers alone: `first <= last`. */
export type NumberRange = readonly [first: number, last: number];

export function parseSequenceSet(scan: Scanner): SequenceSet {
  if (scan.skip("$")) return "$";
  const ranges: SequenceRange[] = [];
  do {
    const first = parseSequenceNumber(scan);
    ranges.push([first, scan.skip(":") ? parseSequenceNumber(scan) : first]);
  } while (scan.skip(","));
  return ranges;
}

/** The answer to message numbers where the client has said that it uses none (RFC 9586 3). */
export function uidRequired(): SyntaxFault {
  return new SyntaxFault("Message numbers are not taken once UIDONLY is enabled", null, "UIDREQUIRED");
}

/** Whether a sequence set comes next. */
export function atSequenceSet(scan: Scanner): boolean {
  return scan.peek === "*" || scan.peek === "$" || isOf(scan.peek.charCodeAt(0), DIGIT);
}

function parseSequenceNumber(scan: Scanner): SequenceNumber {
  return scan.skip("*") ? "*" : scan.nzNumber();
}

/** Prints a set of any kind; it must not be empty. */
export function printSequenceSet(set: SequenceSet): string {
  if (set === "$") return set;
  let text = "";
  for (const [first, last] of set) {
    if (text !== "") text += ",";
    text += first === last ? `${first}` : `${first}:${last}`;
  }
  return text;
}

/**
 * The numbers of a set as ascending, disjoint, non-adjacent ranges. `max` is what `*` stands for: the number of
 * messages, or the highest UID. Where that is 0, ranges with `*` hold nothing. Numbers above `max` stay.
 */
export function resolveSequenceSet(set: readonly SequenceRange[], max: number): readonly NumberRange[] {
  const ordered: [number, number][] = [];
  for (const [a, b] of set) {
    if (max === 0 && (a === "*" || b === "*")) continue;
    const first = a === "*" ? max : a;
    const last = b === "*" ? max : b;
    ordered.push(first <= last ? [first, last] : [last, first]);
  }
  ordered.sort((a, b) => a[0] - b[0]);
  const resolved: [number, number][] = [];
  for (const range of ordered) {
    const previous = resolved.at(-1);
    if (previous !== undefined && range[0] <= previous[1] + 1) previous[1] = Math.max(previous[1], range[1]);
    else resolved.push(range);
  }
  return resolved;
}
