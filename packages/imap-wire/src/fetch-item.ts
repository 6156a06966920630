// What FETCH asks for (RFC 9051 6.4.5), and how its answers are labelled.
import type { PageRange } from "./page-range.ts";
import { parsePageRange, printPageRange } from "./page-range.ts";
import type { Scanner } from "./scanner.ts";
import type { PartialRange, Section, SectionText } from "./section.ts";
import { parsePartial, parseSection, printPartial, printSection } from "./section.ts";

/** An item without arguments; `BODY` is the structure without extension data. */
export type FetchAttribute =
  | "BODY"
  | "BODYSTRUCTURE"
  | "EMAILID"
  | "ENVELOPE"
  | "FLAGS"
  | "INTERNALDATE"
  | "MODSEQ"
  | "RFC822.SIZE"
  | "SAVEDATE"
  | "THREADID"
  | "UID";

/** Octets of the message: BODY[...], one of the old names for the same, BINARY[...] and their number (RFC 3516 4.2), or words of it. */
export interface FetchSection {
  readonly name: "BINARY" | "BINARY.SIZE" | "BODY" | "PREVIEW" | "RFC822" | "RFC822.HEADER" | "RFC822.TEXT";
  readonly section: Section;
  readonly partial: PartialRange | null;
  /** Whether it leaves `\Seen` as it is. */
  readonly peek: boolean;
  /** Of a PREVIEW, whether it is wanted only where it is at hand (RFC 8970 3.1). */
  readonly lazy?: true;
}

export type FetchItem = FetchAttribute | FetchSection;

export interface FetchArguments {
  readonly items: readonly FetchItem[];
  /** Only messages with a higher MODSEQ (RFC 7162 3.1.4); null for all. */
  readonly changedSince: number | null;
  /** Whether messages that are gone since then are told too (RFC 7162 3.2.6). */
  readonly vanished: boolean;
  /** Only a page of the messages (RFC 9394 3.3); null for all. */
  readonly partial: PageRange | null;
}

const ATTRIBUTES: ReadonlySet<string> = new Set<FetchAttribute>([
  "BODY",
  "BODYSTRUCTURE",
  "EMAILID",
  "ENVELOPE",
  "FLAGS",
  "INTERNALDATE",
  "MODSEQ",
  "RFC822.SIZE",
  "SAVEDATE",
  "THREADID",
  "UID",
]);

const FAST: readonly FetchItem[] = ["FLAGS", "INTERNALDATE", "RFC822.SIZE"];
const MACROS: ReadonlyMap<string, readonly FetchItem[]> = new Map([
  ["FAST", FAST],
  ["ALL", [...FAST, "ENVELOPE"]],
  ["FULL", [...FAST, "ENVELOPE", "BODY"]],
]);

/** Everything behind the sequence set of FETCH. */
export function parseFetchArguments(scan: Scanner): FetchArguments {
  const items = scan.peek === "(" ? parseFetchList(scan) : parseFetchWord(scan);
  return { items, ...parseModifiers(scan) };
}

type Modifiers = Omit<FetchArguments, "items">;

function parseModifiers(scan: Scanner): Modifiers {
  const none: Modifiers = { changedSince: null, vanished: false, partial: null };
  if (!scan.skip(" ")) return none;
  const start = scan.position;
  const modifiers = scan.list(() => parseModifier(scan));
  const read: Modifiers = Object.assign({}, none, ...modifiers);
  const isRepeated = new Set(modifiers.flatMap(Object.keys)).size < modifiers.length;
  // RFC 7162 3.2.6: VANISHED stands together with CHANGEDSINCE.
  const isVanishedAlone = read.vanished && read.changedSince === null;
  if (modifiers.length === 0 || isRepeated || isVanishedAlone)
    throw scan.fault("Expected CHANGEDSINCE or PARTIAL, once", start);
  return read;
}

function parseModifier(scan: Scanner): Partial<Modifiers> {
  if (scan.skip("VANISHED")) return { vanished: true };
  if (scan.skip("PARTIAL ")) return { partial: parsePageRange(scan) };
  scan.expect("CHANGEDSINCE ");
  return { changedSince: scan.number64() };
}

/** Items in parentheses, at least one. */
export function parseFetchList(scan: Scanner): readonly FetchItem[] {
  const items = scan.list(() => parseFetchItem(scan, scan.word()));
  if (items.length === 0) throw scan.fault("Expected a FETCH item");
  if (items.length > scan.limits.fetchItemsMax) throw scan.fault("Too many FETCH items");
  return items;
}

function parseFetchWord(scan: Scanner): readonly FetchItem[] {
  const word = scan.word();
  return MACROS.get(word) ?? [parseFetchItem(scan, word)];
}

function parseFetchItem(scan: Scanner, word: string): FetchItem {
  switch (word) {
    case "PREVIEW": {
      // What else stands in parentheses is of the command.
      const lazy = scan.skip(" (LAZY)") ? ({ lazy: true } as const) : {};
      return { name: word, section: wholeOr(null), partial: null, peek: true, ...lazy };
    }
    case "RFC822":
      return { name: word, section: wholeOr(null), partial: null, peek: false };
    case "RFC822.HEADER":
      return { name: word, section: wholeOr("HEADER"), partial: null, peek: true };
    case "RFC822.TEXT":
      return { name: word, section: wholeOr("TEXT"), partial: null, peek: false };
    case "BINARY":
    case "BINARY.PEEK":
      return { name: "BINARY", section: parsePartNumbers(scan), partial: parsePartial(scan), peek: word !== "BINARY" };
    case "BINARY.SIZE":
      return { name: word, section: parsePartNumbers(scan), partial: null, peek: true };
    default:
      if (scan.peek === "[" && (word === "BODY" || word === "BODY.PEEK")) {
        const section = parseSection(scan);
        return { name: "BODY", section, partial: parsePartial(scan), peek: word === "BODY.PEEK" };
      }
      if (!isAttribute(word)) throw scan.fault(`Unknown FETCH item ${word}`);
      return word;
  }
}

/** RFC 3516 7 section-binary: which part, and no more. */
function parsePartNumbers(scan: Scanner): Section {
  const start = scan.position;
  const section = parseSection(scan);
  if (section.text !== null) throw scan.fault("Expected a part", start);
  return section;
}

function wholeOr(text: SectionText | null): Section {
  return { part: [], text, fields: [] };
}

function isAttribute(word: string): word is FetchAttribute {
  return ATTRIBUTES.has(word);
}

function hasBrackets({ name }: FetchSection): boolean {
  return name === "BODY" || name === "BINARY" || name === "BINARY.SIZE";
}

/** The item as a client writes it. */
export function printFetchItem(item: FetchItem): string {
  if (typeof item === "string") return item;
  if (!hasBrackets(item)) return item.lazy === true ? `${item.name} (LAZY)` : item.name;
  const partial = item.partial === null ? "" : printPartial(item.partial);
  const peek = item.peek && item.name !== "BINARY.SIZE" ? ".PEEK" : "";
  return `${item.name}${peek}${printSection(item.section)}${partial}`;
}

export function printFetchArguments({ items, changedSince, vanished, partial }: FetchArguments): string {
  const modifiers: string[] = [];
  if (partial !== null) modifiers.push(`PARTIAL ${printPageRange(partial)}`);
  if (changedSince !== null) modifiers.push(`CHANGEDSINCE ${changedSince}`);
  if (vanished) modifiers.push("VANISHED");
  const behind = modifiers.length === 0 ? "" : ` (${modifiers.join(" ")})`;
  return `(${items.map(printFetchItem).join(" ")})${behind}`;
}

/** What stands before the octets in the answer: `BODY[TEXT]<0>`, of a partial the offset alone. */
export function printFetchLabel(item: FetchSection): string {
  if (!hasBrackets(item)) return item.name;
  return `${item.name}${printSection(item.section)}${item.partial === null ? "" : `<${item.partial.offset}>`}`;
}
