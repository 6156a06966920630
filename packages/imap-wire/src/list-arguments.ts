// What LIST asks for: as RFC 9051 6.3.9 has it, with the options of RFC 5258, RFC 6154, RFC 5819, RFC 8440, RFC 9590.
import { encodeModifiedUtf7, parseListMailbox, parseMailbox, printMailbox } from "./mailbox-name.ts";
import { parseMetadataEntries, printMetadataEntries } from "./metadata.ts";
import type { Scanner } from "./scanner.ts";
import type { StatusItem } from "./status-item.ts";
import { parseStatusItems, printStatusItems } from "./status-item.ts";
import { printString } from "./string.ts";

export type ListSelection = (typeof SELECTIONS)[number];
export type ListReturn = (typeof RETURNS)[number];

const SELECTIONS = ["RECURSIVEMATCH", "REMOTE", "SPECIAL-USE", "SUBSCRIBED"] as const;
const RETURNS = ["CHILDREN", "MYRIGHTS", "SPECIAL-USE", "SUBSCRIBED"] as const;

export interface ListArguments {
  /** Whether it is a command of RFC 5258, for which an empty pattern is nothing special. */
  readonly extended: boolean;
  readonly selections: readonly ListSelection[];
  readonly reference: string;
  readonly patterns: readonly string[];
  readonly returns: readonly ListReturn[];
  /** What is told of each mailbox by a STATUS (RFC 5819); null for none. */
  readonly status: readonly StatusItem[] | null;
  /** Which entries of metadata are told of each mailbox (RFC 9590); null for none. */
  readonly metadata: readonly string[] | null;
}

/** Everything behind LIST. */
export function parseListArguments(scan: Scanner): ListArguments {
  const start = scan.position;
  const selections = scan.peek === "(" ? scan.list(() => scan.oneOf(SELECTIONS, "LIST option")) : null;
  if (selections !== null) scan.space();
  // RFC 5258 3.1: it says which parents of those that the other options select are wanted.
  if (selections?.includes("RECURSIVEMATCH") === true && !selections.some(isOwnSelection)) {
    throw scan.fault("RECURSIVEMATCH needs another option", start);
  }
  const reference = parseMailbox(scan);
  scan.space();
  const isList = scan.peek === "(";
  const patterns = parsePatterns(scan, reference);
  const hasReturns = scan.skip(" RETURN ");
  const extended = selections !== null || isList || hasReturns;
  const returns = hasReturns ? parseReturns(scan) : NO_RETURNS;
  return { extended, selections: selections ?? [], reference, patterns, ...returns };
}

type Returns = Pick<ListArguments, "returns" | "status" | "metadata">;
const NO_RETURNS: Returns = { returns: [], status: null, metadata: null };

function isOwnSelection(selection: ListSelection): boolean {
  return selection === "SUBSCRIBED" || selection === "SPECIAL-USE";
}

function parsePatterns(scan: Scanner, reference: string): readonly string[] {
  if (scan.peek !== "(") return [parseListMailbox(scan, { reference })];
  const start = scan.position;
  const patterns = scan.list(() => parseListMailbox(scan, { reference }));
  if (patterns.length === 0) throw scan.fault("Expected a mailbox pattern", start);
  const chars = patterns.reduce((sum, pattern) => sum + reference.length + pattern.length, 0);
  if (chars > scan.limits.listPatternCharsMax) throw scan.fault("Mailbox patterns too long", start);
  return patterns;
}

function parseReturns(scan: Scanner): Returns {
  let status: readonly StatusItem[] | null = null;
  let metadata: readonly string[] | null = null;
  const returns: ListReturn[] = [];
  scan.list(() => {
    if (scan.skip("STATUS ")) status = parseStatusItems(scan);
    else if (scan.skip("METADATA ")) metadata = parseMetadataEntries(scan);
    else returns.push(scan.oneOf(RETURNS, "LIST option"));
  });
  return { returns, status, metadata };
}

export function printListArguments(list: ListArguments): string {
  const { extended, selections, reference, patterns, status, metadata } = list;
  const printed = patterns.map((pattern) => printString(encodeModifiedUtf7(pattern)));
  if (!extended) return `${printMailbox(reference)} ${printed.join(" ")}`;
  const returns: string[] = [...list.returns];
  if (status !== null) returns.push(`STATUS ${printStatusItems(status)}`);
  if (metadata !== null) returns.push(`METADATA ${printMetadataEntries(metadata)}`);
  return `(${selections.join(" ")}) ${printMailbox(reference)} (${printed.join(" ")}) RETURN (${returns.join(" ")})`;
}
