// What an extended search gives back (RFC 4731 3.1, SAVE of RFC 5182 2.1, PARTIAL of RFC 9394 3.1), and the beginning of
// its answer.
import type { MailboxNameOptions } from "./mailbox-name.ts";
import { printMailbox } from "./mailbox-name.ts";
import type { PageRange } from "./page-range.ts";
import { parsePageRange, printPageRange } from "./page-range.ts";
import type { Scanner } from "./scanner.ts";
import { printString } from "./string.ts";

export type SearchReturn = Exclude<(typeof SEARCH_RETURNS)[number], "PARTIAL"> | PartialReturn;

/** A page of the results. */
export interface PartialReturn {
  readonly partial: PageRange;
}

const SEARCH_RETURNS = ["ALL", "COUNT", "MAX", "MIN", "PARTIAL", "SAVE"] as const;

/** The options of RETURN with the space behind them; null where the search is none of that kind. */
export function parseSearchReturns(scan: Scanner): readonly SearchReturn[] | null {
  if (!scan.skip("RETURN ")) return null;
  const start = scan.position;
  const returns = scan.list(() => parseSearchReturn(scan));
  // RFC 9394 3.1
  const lists = returns.filter((option) => option === "ALL" || typeof option !== "string");
  if (lists.length > 1) throw scan.fault("Expected ALL or PARTIAL, once", start);
  scan.space();
  // RFC 4731 3.1: no option is ALL.
  return returns.length === 0 ? ["ALL"] : returns;
}

function parseSearchReturn(scan: Scanner): SearchReturn {
  const option = scan.oneOf(SEARCH_RETURNS, "RETURN option");
  if (option !== "PARTIAL") return option;
  scan.space();
  return { partial: parsePageRange(scan) };
}

/** As the client writes it, with the space behind it. */
export function printSearchReturns(returns: readonly SearchReturn[] | null): string {
  return returns === null ? "" : `RETURN (${returns.map(printSearchReturn).join(" ")}) `;
}

function printSearchReturn(option: SearchReturn): string {
  return typeof option === "string" ? option : `PARTIAL ${printPageRange(option.partial)}`;
}

/** The page that is asked for. */
export function partialOf(returns: readonly SearchReturn[]): PageRange | undefined {
  return returns.find((option) => typeof option !== "string")?.partial;
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
