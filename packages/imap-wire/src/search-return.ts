// What an extended search gives back (RFC 4731 3.1, SAVE of RFC 5182 2.1), and the beginning of its answer.
import type { MailboxNameOptions } from "./mailbox-name.ts";
import { printMailbox } from "./mailbox-name.ts";
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
export interface EsearchHead extends MailboxNameOptions {
  readonly tag: string;
  /** Whether the data are UIDs. */
  readonly uid: boolean;
  /** Where it was found, if the command said where to search (RFC 7377 2.1). */
  readonly mailbox?: { readonly name: string; readonly uidValidity: number };
}

export function printEsearchHead(head: EsearchHead): string {
  const { tag, uid, mailbox } = head;
  const where =
    mailbox === undefined ? "" : ` MAILBOX ${printMailbox(mailbox.name, head)} UIDVALIDITY ${mailbox.uidValidity}`;
  return `* ESEARCH (TAG ${printString(tag)}${where})${uid ? " UID" : ""}`;
}
