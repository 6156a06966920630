// Message flags: system flags in the case of RFC 9051 2.3.2, keywords as they came.
import type { Scanner } from "./scanner.ts";

const SYSTEM_FLAGS: ReadonlyMap<string, string> = new Map(
  ["\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen"].map((flag) => [flag.toUpperCase(), flag]),
);

/** A flag that a client may set. */
export function parseFlag(scan: Scanner): string {
  const start = scan.position;
  if (!scan.skip("\\")) return scan.atom();
  const flag = SYSTEM_FLAGS.get(`\\${scan.atom().toUpperCase()}`);
  // RFC 3501 2.3.2: \Recent cannot be set; other names with a backslash are reserved.
  if (flag === undefined) throw scan.fault("Not a flag that can be set", start);
  return flag;
}

/** Flags in parentheses, perhaps none. */
export function parseFlagList(scan: Scanner): readonly string[] {
  return scan.list(() => parseFlag(scan));
}

export function printFlagList(flags: readonly string[]): string {
  return `(${flags.join(" ")})`;
}
