// What STATUS asks for (RFC 9051 6.3.11; RFC 3501 RECENT, RFC 7162 HIGHESTMODSEQ, RFC 8474 MAILBOXID).
import type { Scanner } from "./scanner.ts";

export type StatusItem = (typeof STATUS_ITEMS)[number];

const STATUS_ITEMS = [
  "DELETED",
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
  const items = scan.list(() => parseStatusItem(scan));
  if (items.length === 0) throw scan.fault("Expected a STATUS item");
  return items;
}

function parseStatusItem(scan: Scanner): StatusItem {
  const start = scan.position;
  const word = scan.word();
  const item = STATUS_ITEMS.find((name) => name === word);
  if (item === undefined) throw scan.fault("Unknown STATUS item", start);
  return item;
}

export function printStatusItems(items: readonly StatusItem[]): string {
  return `(${items.join(" ")})`;
}
