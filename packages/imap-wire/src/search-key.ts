// What SEARCH asks for (RFC 9051 6.4.4, MODSEQ of RFC 7162 3.1.5, OLDER and YOUNGER of RFC 5032, ids of RFC 8474, days
// of saving of RFC 8514), as a closed union.
// Parsing is bounded in depth and in number of keys; so is whatever walks over its result.
import { parseDate, printDate } from "./date-time.ts";
import type { Scanner } from "./scanner.ts";
import type { SearchReturn } from "./search-return.ts";
import { parseSearchReturns, printSearchReturns } from "./search-return.ts";
import type { SequenceSet } from "./sequence-set.ts";
import { atSequenceSet, parseSequenceSet, printSequenceSet, uidRequired } from "./sequence-set.ts";
import { latin1ToUtf8, printAstring, printString, utf8ToLatin1 } from "./string.ts";

export type SearchKey =
  | { readonly type: "all" }
  /** A flag is set, or is not; `\Recent` too. NEW is RECENT and UNSEEN, OLD is `\Recent` not set. */
  | { readonly type: "flag"; readonly flag: string; readonly set: boolean }
  /** A header field, its name in lower case, contains the text; an empty text asks whether the field is there. */
  | { readonly type: "header"; readonly field: string; readonly text: string }
  /** The body, or header and body, contain the text. */
  | { readonly type: "body" | "text"; readonly text: string }
  /** The day of INTERNALDATE, of the Date field, or of coming into the mailbox (RFC 8514), as in `parseDate`. */
  | {
      readonly type: "date";
      readonly of: "received" | "sent" | "saved";
      readonly is: "before" | "on" | "since";
      readonly dayMs: number;
    }
  /** Strictly larger, or strictly smaller. */
  | { readonly type: "size"; readonly is: "larger" | "smaller"; readonly octets: number }
  /** INTERNALDATE lies at least, or at most, so many seconds back. */
  | { readonly type: "age"; readonly is: "older" | "younger"; readonly seconds: number }
  /** MODSEQ is at least this. */
  | { readonly type: "modSeq"; readonly modSeq: number }
  /** EMAILID or THREADID is this (RFC 8474 6). */
  | { readonly type: "objectId"; readonly of: "email" | "thread"; readonly id: string }
  | { readonly type: "sequence" | "uid"; readonly set: SequenceSet }
  | { readonly type: "not"; readonly key: SearchKey }
  | { readonly type: "or"; readonly keys: readonly [SearchKey, SearchKey] }
  /** Two or more. */
  | { readonly type: "and"; readonly keys: readonly SearchKey[] };

export interface SearchArguments {
  /** What it gives back in an ESEARCH (RFC 4731); null for the numbers alone. */
  readonly returns: readonly SearchReturn[] | null;
  /** Upper case. Where it is none of SEARCH_CHARSETS the texts are raw octets: refuse with BADCHARSET. */
  readonly charset: string | null;
  readonly key: SearchKey;
}

/** Older clients search in that of Western Europe. */
const LATIN1 = "ISO-8859-1";
export const SEARCH_CHARSETS: readonly string[] = ["US-ASCII", "UTF-8", LATIN1];
/** What else they are called. */
const CHARSET_ALIASES: ReadonlyMap<string, string> = new Map([
  ["ASCII", "US-ASCII"],
  ["UTF8", "UTF-8"],
]);

const RECENT = "\\Recent";
const RECENT_KEY: SearchKey = { type: "flag", flag: RECENT, set: true };
const UNSEEN_KEY: SearchKey = { type: "flag", flag: "\\Seen", set: false };
const SYSTEM_FLAGS = ["\\Answered", "\\Deleted", "\\Draft", "\\Flagged", "\\Seen"];
/** The header fields that have a key of their own. */
const FIELDS = ["bcc", "cc", "from", "subject", "to"];

interface Search {
  readonly scan: Scanner;
  readonly charset: string | null;
  keys: number;
}

/** Reads what follows the word of a key, from the space on. */
type ReadKey = (search: Search, depth: number) => SearchKey;

const KEYS = new Map<string, ReadKey>([
  ["ALL", () => ({ type: "all" })],
  ["RECENT", () => RECENT_KEY],
  ["OLD", () => ({ type: "flag", flag: RECENT, set: false })],
  ["NEW", () => ({ type: "and", keys: [RECENT_KEY, UNSEEN_KEY] })],
  ["KEYWORD", (search) => ({ type: "flag", flag: spaced(search).atom(), set: true })],
  ["UNKEYWORD", (search) => ({ type: "flag", flag: spaced(search).atom(), set: false })],
  ["HEADER", (search) => ({ type: "header", field: spaced(search).astring().toLowerCase(), text: readText(search) })],
  ["BODY", (search) => ({ type: "body", text: readText(search) })],
  ["TEXT", (search) => ({ type: "text", text: readText(search) })],
  ["LARGER", (search) => ({ type: "size", is: "larger", octets: spaced(search).number64() })],
  ["SMALLER", (search) => ({ type: "size", is: "smaller", octets: spaced(search).number64() })],
  ["OLDER", (search) => ({ type: "age", is: "older", seconds: spaced(search).nzNumber() })],
  ["YOUNGER", (search) => ({ type: "age", is: "younger", seconds: spaced(search).nzNumber() })],
  ["MODSEQ", (search) => ({ type: "modSeq", modSeq: readModSeq(spaced(search)) })],
  ["EMAILID", (search) => ({ type: "objectId", of: "email", id: spaced(search).objectId() })],
  ["THREADID", (search) => ({ type: "objectId", of: "thread", id: spaced(search).objectId() })],
  // RFC 8514 4.3: all messages, where their mailbox has such dates.
  ["SAVEDATESUPPORTED", () => ({ type: "all" })],
  ["UID", (search) => ({ type: "uid", set: parseSequenceSet(spaced(search)) })],
  ["NOT", (search, depth) => ({ type: "not", key: readKey(search, depth) })],
  ["OR", (search, depth) => ({ type: "or", keys: [readKey(search, depth), readKey(search, depth)] })],
]);
for (const flag of SYSTEM_FLAGS) {
  KEYS.set(flag.slice(1).toUpperCase(), () => ({ type: "flag", flag, set: true }));
  KEYS.set(`UN${flag.slice(1).toUpperCase()}`, () => ({ type: "flag", flag, set: false }));
}
for (const field of FIELDS) {
  KEYS.set(field.toUpperCase(), (search) => ({ type: "header", field, text: readText(search) }));
}
for (const is of ["before", "on", "since"] as const) {
  KEYS.set(is.toUpperCase(), (search) => ({ type: "date", of: "received", is, dayMs: parseDate(spaced(search)) }));
  KEYS.set(`SAVED${is.toUpperCase()}`, (search) => ({
    type: "date",
    of: "saved",
    is,
    dayMs: parseDate(spaced(search)),
  }));
  KEYS.set(`SENT${is.toUpperCase()}`, (search) => ({ type: "date", of: "sent", is, dayMs: parseDate(spaced(search)) }));
}

/** Everything behind SEARCH. */
export function parseSearchArguments(scan: Scanner): SearchArguments {
  const returns = parseSearchReturns(scan);
  let charset: string | null = null;
  if (scan.skip("CHARSET ")) {
    charset = parseCharset(scan);
    scan.space();
  }
  return { returns, charset, key: parseSearchProgram(scan, charset) };
}

/** The name of a charset in upper case, and the usual one where it has several. */
export function parseCharset(scan: Scanner): string {
  const charset = scan.astring().toUpperCase();
  return CHARSET_ALIASES.get(charset) ?? charset;
}

/** Keys up to the end of the command, their texts in a charset. */
export function parseSearchProgram(scan: Scanner, charset: string | null): SearchKey {
  const search: Search = { scan, charset, keys: 0 };
  const keys = [parseKey(search, 1)];
  while (!scan.atEnd) keys.push(readKey(search, 0));
  return allOf(keys);
}

/** A key behind a space, one level below `depth`. */
function readKey(search: Search, depth: number): SearchKey {
  search.scan.space();
  return parseKey(search, depth + 1);
}

function parseKey(search: Search, depth: number): SearchKey {
  const { scan } = search;
  const { searchDepthMax, searchKeysMax } = scan.limits;
  if (depth > searchDepthMax || ++search.keys > searchKeysMax) throw scan.fault("Search too complex");
  if (atSequenceSet(scan)) {
    const set = parseSequenceSet(scan);
    // RFC 9586 3.5; `$` says nothing of numbers.
    if (scan.isUidOnly && set !== "$") throw uidRequired();
    return { type: "sequence", set };
  }
  const start = scan.position;
  if (scan.peek === "(") {
    const keys = scan.list(() => parseKey(search, depth + 1));
    if (keys.length === 0) throw scan.fault("Unknown search key", start);
    return allOf(keys);
  }
  const read = KEYS.get(scan.word());
  if (read === undefined) throw scan.fault("Unknown search key", start);
  return read(search, depth);
}

function allOf(keys: readonly SearchKey[]): SearchKey {
  return keys.length === 1 ? (keys[0] as SearchKey) : { type: "and", keys };
}

function spaced({ scan }: Search): Scanner {
  scan.space();
  return scan;
}

function readText(search: Search): string {
  const octets = spaced(search).searchText();
  const { charset } = search;
  if (charset === LATIN1 || (charset !== null && !SEARCH_CHARSETS.includes(charset))) return octets;
  const text = latin1ToUtf8(octets);
  if (text !== undefined) return text;
  if (charset !== null) throw search.scan.fault(`Text is not ${charset}`);
  // Some clients send 8-bit text without a CHARSET; what is no UTF-8 is most likely latin1.
  return octets;
}

function readModSeq(scan: Scanner): number {
  // RFC 7162 3.1.5: the name and type of an entry matter only to a server with a MODSEQ for each flag.
  if (scan.peek === '"') {
    scan.string();
    scan.space();
    if (!["PRIV", "SHARED", "ALL"].includes(scan.word())) throw scan.fault("Expected priv, shared or all");
    scan.space();
  }
  return scan.number64();
}

export function printSearchArguments({ returns, charset, key }: SearchArguments): string {
  const keys = charset === null ? printSearchKey(key) : `CHARSET ${printSearchProgram(charset, key)}`;
  return `${printSearchReturns(returns)}${keys}`;
}

/** A charset and the keys whose texts are in it. */
export function printSearchProgram(charset: string, key: SearchKey): string {
  return `${printAstring(charset)} ${printSearchKey(key)}`;
}

/** The key as a client writes it, its texts in UTF-8. */
export function printSearchKey(key: SearchKey): string {
  switch (key.type) {
    case "all":
      return "ALL";
    case "flag":
      return printFlagKey(key.flag, key.set ? "" : "UN");
    case "header":
      return `${FIELDS.includes(key.field) ? key.field.toUpperCase() : `HEADER ${printAstring(key.field)}`} ${printText(key.text)}`;
    case "body":
    case "text":
      return `${key.type.toUpperCase()} ${printText(key.text)}`;
    case "date":
      return `${key.of === "received" ? "" : key.of.toUpperCase()}${key.is.toUpperCase()} ${printDate(key.dayMs)}`;
    case "size":
      return `${key.is.toUpperCase()} ${key.octets}`;
    case "age":
      return `${key.is.toUpperCase()} ${key.seconds}`;
    case "modSeq":
      return `MODSEQ ${key.modSeq}`;
    case "objectId":
      return `${key.of.toUpperCase()}ID ${key.id}`;
    case "sequence":
      return printSequenceSet(key.set);
    case "uid":
      return `UID ${printSequenceSet(key.set)}`;
    case "not":
      return `NOT ${printSearchKey(key.key)}`;
    case "or":
      return `OR ${key.keys.map(printSearchKey).join(" ")}`;
    case "and":
      return `(${key.keys.map(printSearchKey).join(" ")})`;
  }
}

function printFlagKey(flag: string, un: "" | "UN"): string {
  if (flag === RECENT) return un === "" ? "RECENT" : "OLD";
  return flag.startsWith("\\") ? `${un}${flag.slice(1).toUpperCase()}` : `${un}KEYWORD ${flag}`;
}

function printText(text: string): string {
  return printString(utf8ToLatin1(text));
}
