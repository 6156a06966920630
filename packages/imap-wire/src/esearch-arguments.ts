// What ESEARCH asks for: a search of any mailboxes (RFC 7377 2).
import type { MailboxSpecifier } from "./notify-arguments.ts";
import { parseMailboxSpecifier, printMailboxSpecifier } from "./notify-arguments.ts";
import type { Scanner } from "./scanner.ts";
import type { SearchArguments } from "./search-key.ts";
import { parseSearchArguments, printSearchArguments } from "./search-key.ts";

export interface EsearchArguments {
  /** Where it searches; null for the selected mailbox. */
  readonly sources: readonly MailboxSpecifier[] | null;
  readonly search: SearchArguments;
}

/** Everything behind ESEARCH. */
export function parseEsearchArguments(scan: Scanner): EsearchArguments {
  let sources: readonly MailboxSpecifier[] | null = null;
  if (scan.skip("IN ")) {
    const start = scan.position;
    sources = scan.list(() => parseMailboxSpecifier(scan));
    // RFC 7377 2.2: where to wait with news is of no meaning there.
    const isEmpty = sources.length === 0 || sources.some(({ type }) => type === "selected-delayed");
    if (isEmpty) throw scan.fault("Expected mailboxes", start);
    scan.space();
  }
  return { sources, search: parseSearchArguments(scan) };
}

export function printEsearchArguments({ sources, search }: EsearchArguments): string {
  const where = sources === null ? "" : `IN (${sources.map(printMailboxSpecifier).join(" ")}) `;
  return `${where}${printSearchArguments(search)}`;
}
