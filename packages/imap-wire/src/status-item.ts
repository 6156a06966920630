// What STATUS asks for (RFC 9051 6.3.11; RFC 3501 RECENT, RFC 7162 HIGHESTMODSEQ, RFC 8474 MAILBOXID,
// RFC 7889 APPENDLIMIT, RFC 9208 DELETED-STORAGE).
import type { Scanner } from "./scanner.ts";

export type StatusItem = (typeof STATUS_ITEMS)[number];

const STATUS_ITEMS = [
  "APPENDLIMIT",
  "DELETED",
  "DELETED-STORAGE",
  "HIGHESTMODSEQ",
  "MAILBOXID",
  "MESSAGES",
  "RECENT",
  "SIZE",
  "UIDNEXT",
  "UIDVALIDITY",
  "UNSEEN",
] as const;

export function parseStatusItems(scan: Scanner): readonly StatusItem[] {
  // Each once: some are counted for it.
  const items = new Set(scan.list(() => scan.oneOf(STATUS_ITEMS, "STATUS item")));
  if (items.size === 0) throw scan.fault("Expected a STATUS item");
  return [...items];
}

export function printStatusItems(items: readonly StatusItem[]): string {
  return `(${items.join(" ")})`;
}
