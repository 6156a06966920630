// What an extended search gives back (RFC 4731 3.1, SAVE of RFC 5182 2.1, CONTEXT and UPDATE of RFC 5267 4, PARTIAL of RFC
// 9394 3.1), and the beginning of its answer.
import type { FetchItem } from "./fetch-item.ts";
import { parseFetchList, printFetchItem } from "./fetch-item.ts";
import type { MailboxNameOptions } from "./mailbox-name.ts";
import { printMailbox } from "./mailbox-name.ts";
import type { PageRange } from "./page-range.ts";
import { parsePageRange, printPageRange } from "./page-range.ts";
import type { Scanner } from "./scanner.ts";
import { printString } from "./string.ts";

export type SearchReturn = (typeof SEARCH_RETURNS)[number] | PartialReturn | UpdateReturn;

/** A page of the results. */
export interface PartialReturn {
  readonly partial: PageRange;
}

/** Whatever changes of the results from then on, with data of new messages among them (RFC 5465 7). */
export interface UpdateReturn {
  readonly update: readonly FetchItem[];
}

const SEARCH_RETURNS = ["ALL", "CONTEXT", "COUNT", "MAX", "MIN", "SAVE"] as const;

/** The options of RETURN with the space behind them; null where the search is none of that kind. */
export function parseSearchReturns(scan: Scanner): readonly SearchReturn[] | null {
  if (!scan.skip("RETURN ")) return null;
  const start = scan.position;
  const returns: SearchReturn[] = [];
  scan.list(() => {
    if (scan.peek !== "(") returns.push(parseSearchReturn(scan));
    else returns.push({ update: parseUpdateItems(scan, returns.pop()) });
  });
  // RFC 9394 3.1
  if (returns.filter((option) => option === "ALL" || isPartial(option)).length > 1)
    throw scan.fault("Expected ALL or PARTIAL, once", start);
  if (returns.filter(isUpdate).length > 1) throw scan.fault("Expected UPDATE once", start);
  scan.space();
  // RFC 4731 3.1: no option is ALL.
  return returns.length === 0 ? ["ALL"] : returns;
}

function parseSearchReturn(scan: Scanner): SearchReturn {
  const option = scan.oneOf([...SEARCH_RETURNS, "PARTIAL", "UPDATE"] as const, "RETURN option");
  if (option === "UPDATE") return { update: [] };
  if (option !== "PARTIAL") return option;
  scan.space();
  return { partial: parsePageRange(scan) };
}

/** What stands in parentheses behind UPDATE, and behind nothing else. */
function parseUpdateItems(scan: Scanner, before: SearchReturn | undefined): readonly FetchItem[] {
  if (before === undefined || !isUpdate(before) || before.update.length > 0)
    throw scan.fault("Expected a RETURN option");
  return parseFetchList(scan);
}

function isPartial(option: SearchReturn): option is PartialReturn {
  return typeof option !== "string" && "partial" in option;
}

function isUpdate(option: SearchReturn): option is UpdateReturn {
  return typeof option !== "string" && "update" in option;
}

/** As the client writes it, with the space behind it. */
export function printSearchReturns(returns: readonly SearchReturn[] | null): string {
  return returns === null ? "" : `RETURN (${returns.map(printSearchReturn).join(" ")}) `;
}

function printSearchReturn(option: SearchReturn): string {
  if (typeof option === "string") return option;
  if (isPartial(option)) return `PARTIAL ${printPageRange(option.partial)}`;
  return option.update.length === 0 ? "UPDATE" : `UPDATE (${option.update.map(printFetchItem).join(" ")})`;
}

/** The page that is asked for. */
export function partialOf(returns: readonly SearchReturn[]): PageRange | undefined {
  return returns.find(isPartial)?.partial;
}

/** What is to be told of new messages, where changes of the results are. */
export function updateOf(returns: readonly SearchReturn[] | null): readonly FetchItem[] | undefined {
  return returns?.find(isUpdate)?.update;
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
