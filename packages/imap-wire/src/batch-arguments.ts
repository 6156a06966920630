// What UIDBATCHES asks for, and how it is answered (RFC 10022 4).
import type { NumberRange } from "./sequence-set.ts";
import type { Scanner } from "./scanner.ts";
import { printString } from "./string.ts";
import { SyntaxFault } from "./syntax-fault.ts";

export interface BatchArguments {
  /** How many messages a batch has. */
  readonly size: number;
  /** Which of the batches, from the one with the highest UIDs on; null for all. */
  readonly batches: NumberRange | null;
}

/** Everything behind UIDBATCHES. */
export function parseBatchArguments(scan: Scanner): BatchArguments {
  const size = scan.nzNumber();
  if (!scan.skip(" ")) return { size, batches: null };
  const first = scan.nzNumber();
  scan.expect(":");
  const last = scan.nzNumber();
  // RFC 10022 3.1.5
  if (first > last) throw new SyntaxFault("Expected the lower batch first", null, "CLIENTBUG");
  return { size, batches: [first, last] };
}

export function printBatchArguments({ size, batches }: BatchArguments): string {
  return batches === null ? `${size}` : `${size} ${batches.join(":")}`;
}

/** The batches as ranges of UIDs, each from its highest down, perhaps none (RFC 10022 3.1.2, 3.1.6). */
export function printUidBatches(tag: string, batches: readonly NumberRange[]): string {
  const ranges = batches.map(([lowest, highest]) => `${highest}:${lowest}`);
  return `* UIDBATCHES (TAG ${printString(tag)})${ranges.length === 0 ? "" : ` ${ranges.join(",")}`}\r\n`;
}
