// What client and server tell of themselves by ID (RFC 2971 3.3). Names and values are latin1 octets.
import type { Scanner } from "./scanner.ts";
import { printNstring, printString } from "./string.ts";

export type IdParameters = readonly (readonly [name: string, value: string | null])[];

/** The argument of ID; null for NIL. */
export function parseIdParameters(scan: Scanner): IdParameters | null {
  if (scan.skip("NIL")) return null;
  return scan.list(() => {
    const name = scan.string();
    scan.space();
    return [name, scan.nstring()] as const;
  });
}

export function printIdParameters(parameters: IdParameters | null): string {
  if (parameters === null) return "NIL";
  return `(${parameters.map(([name, value]) => `${printString(name)} ${printNstring(value)}`).join(" ")})`;
}
