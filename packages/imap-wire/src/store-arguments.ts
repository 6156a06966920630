// What STORE does, behind its sequence set (RFC 9051 9 store-att-flags, RFC 7162 3.1.3).
import { parseFlag, parseFlagList, printFlagList } from "./flags.ts";
import type { Scanner } from "./scanner.ts";

export interface StoreArguments {
  /** Messages with a higher MODSEQ are left alone; null where the client sets no such condition. */
  readonly unchangedSince: number | null;
  readonly mode: "replace" | "add" | "remove";
  readonly silent: boolean;
  readonly flags: readonly string[];
}

export function parseStoreArguments(scan: Scanner): StoreArguments {
  const unchangedSince = scan.peek === "(" ? parseUnchangedSince(scan) : null;
  const mode = scan.skip("+") ? "add" : scan.skip("-") ? "remove" : "replace";
  scan.expect("FLAGS");
  const silent = scan.skip(".SILENT");
  scan.space();
  return { unchangedSince, mode, silent, flags: parseStoreFlags(scan) };
}

function parseUnchangedSince(scan: Scanner): number {
  scan.expect("(UNCHANGEDSINCE ");
  const modSeq = scan.number64();
  scan.expect(") ");
  return modSeq;
}

function parseStoreFlags(scan: Scanner): readonly string[] {
  if (scan.peek === "(") return parseFlagList(scan);
  const flags = [];
  do flags.push(parseFlag(scan));
  while (scan.skip(" "));
  return flags;
}

export function printStoreArguments(store: StoreArguments): string {
  const condition = store.unchangedSince === null ? "" : `(UNCHANGEDSINCE ${store.unchangedSince}) `;
  const sign = { replace: "", add: "+", remove: "-" }[store.mode];
  return `${condition}${sign}FLAGS${store.silent ? ".SILENT" : ""} ${printFlagList(store.flags)}`;
}
