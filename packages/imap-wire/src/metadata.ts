// Metadata of mailboxes and of the server (RFC 5464): what GETMETADATA and SETMETADATA say, and what answers them.
import type { MailboxNameOptions } from "./mailbox-name.ts";
import { parseMailbox, printMailbox } from "./mailbox-name.ts";
import type { Scanner } from "./scanner.ts";
import { printAstring, printNstring } from "./string.ts";

export type MetadataDepth = (typeof DEPTHS)[number];

const DEPTHS = ["0", "1", "INFINITY"] as const;
const OPTIONS = ["DEPTH", "MAXSIZE"] as const;

export interface MetadataOptions {
  readonly depth: MetadataDepth;
  /** The most octets of a value that is wanted; null for any. */
  readonly maxSize: number | null;
}

export interface GetMetadataArguments extends MetadataOptions {
  /** Empty for the server. */
  readonly mailbox: string;
  readonly entries: readonly string[];
}

/** An entry and its value in octets; NIL is null. */
export type MetadataValue = readonly [entry: string, value: string | null];

export interface SetMetadataArguments {
  readonly mailbox: string;
  /** Null where the command ends in a literal that was not read. */
  readonly values: readonly MetadataValue[] | null;
}

/** Everything behind GETMETADATA; the options stand before the mailbox (RFC 5464 5) or behind it (RFC 5464 4.2.1). */
export function parseGetMetadataArguments(scan: Scanner): GetMetadataArguments {
  let options = NO_OPTIONS;
  if (scan.skip("(")) {
    options = parseOptions(scan);
    scan.space();
  }
  const mailbox = parseMailbox(scan);
  scan.space();
  let isList = scan.skip("(");
  if (isList && /^[A-Z]$/i.test(scan.peek)) {
    options = parseOptions(scan);
    scan.space();
    isList = scan.skip("(");
  }
  return { mailbox, ...options, entries: isList ? restOfList(scan, options.depth) : parseLoose(scan, options.depth) };
}

/** Entries within parentheses. */
export function parseMetadataEntries(scan: Scanner): readonly string[] {
  scan.expect("(");
  return restOfList(scan, "0");
}

/** Everything behind SETMETADATA. */
export function parseSetMetadataArguments(scan: Scanner): SetMetadataArguments {
  const mailbox = parseMailbox(scan);
  scan.space();
  scan.expect("(");
  const values: MetadataValue[] = [];
  do {
    const entry = parseEntry(scan, "0");
    scan.space();
    const { atUnreadLiteral } = scan;
    const value = parseValue(scan);
    if (atUnreadLiteral) return { mailbox, values: null };
    values.push([entry, value]);
  } while (scan.skip(" "));
  scan.expect(")");
  return { mailbox, values };
}

const NO_OPTIONS: MetadataOptions = { depth: "0", maxSize: null };

/** What is behind the parenthesis that opens them, with the one that closes them. */
function parseOptions(scan: Scanner): MetadataOptions {
  let { depth, maxSize } = NO_OPTIONS;
  do {
    const option = scan.oneOf(OPTIONS, "METADATA option");
    scan.space();
    if (option === "DEPTH") depth = scan.oneOf(DEPTHS, "depth");
    else maxSize = scan.number();
  } while (scan.skip(" "));
  scan.expect(")");
  return { depth, maxSize };
}

function restOfList(scan: Scanner, depth: MetadataDepth): readonly string[] {
  const entries = parseLoose(scan, depth);
  scan.expect(")");
  return entries;
}

/** RFC 5464 4.4.1 has several without parentheses. */
function parseLoose(scan: Scanner, depth: MetadataDepth): readonly string[] {
  const entries: string[] = [];
  do entries.push(parseEntry(scan, depth));
  while (scan.skip(" "));
  return entries;
}

/** RFC 5464 3.2: what has this form, without * and %, and at least so many components, unless all is asked for that is below it. */
const ENTRY = /^\/(private|shared)(\/[ -$&-)+-.0-~]+)*$/i;
const VENDOR = /^\/[^/]+\/vendor(\/|$)/i;

function parseEntry(scan: Scanner, depth: MetadataDepth): string {
  const start = scan.position;
  if (scan.atUnreadLiteral) throw scan.fault("Literal too large");
  const entry = scan.astring();
  const components = entry.split("/").length - 1;
  const isComplete = components >= (VENDOR.test(entry) ? 4 : 2);
  if (ENTRY.test(entry) && (isComplete || depth !== "0")) return entry;
  throw scan.fault("Expected the name of an entry", start);
}

function parseValue(scan: Scanner): string | null {
  if (scan.peek !== "~" && !scan.atUnreadLiteral) return scan.nstring();
  return scan.literal().bytes?.toString("latin1") ?? null;
}

/** The arguments as a client writes them. */
export function printGetMetadataArguments({ mailbox, entries, depth, maxSize }: GetMetadataArguments): string {
  const options = [depth === "0" ? [] : [`DEPTH ${depth}`], maxSize === null ? [] : [`MAXSIZE ${maxSize}`]].flat();
  const printed = options.length === 0 ? "" : `(${options.join(" ")}) `;
  return `${printed}${printMailbox(mailbox)} ${printMetadataEntries(entries)}`;
}

export function printMetadataEntries(entries: readonly string[]): string {
  return `(${entries.map(printAstring).join(" ")})`;
}

export function printSetMetadataArguments(mailbox: string, values: readonly MetadataValue[]): string {
  return `${printMailbox(mailbox)} (${printValues(values)})`;
}

export interface MetadataResponse extends MailboxNameOptions {
  /** Empty for the server. */
  readonly name: string;
  readonly values: readonly MetadataValue[];
}

export function printMetadata({ name, values, ...options }: MetadataResponse): string {
  return `* METADATA ${printMailbox(name, options)} (${printValues(values)})\r\n`;
}

/** What has changed, without its values (RFC 5464 4.4.2). */
export function printMetadataChanged(
  name: string,
  entries: readonly string[],
  options: MailboxNameOptions = {},
): string {
  return `* METADATA ${printMailbox(name, options)} ${entries.map(printAstring).join(" ")}\r\n`;
}

function printValues(values: readonly MetadataValue[]): string {
  return values.map(([entry, value]) => `${printAstring(entry)} ${printValue(value)}`).join(" ");
}

/** RFC 5464 5: what has NUL in it is a literal8. */
function printValue(value: string | null): string {
  return value?.includes("\0") === true ? `~{${value.length}}\r\n${value}` : printNstring(value);
}
