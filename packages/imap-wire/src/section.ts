// Which part of a message: what stands in the brackets of BODY[...] (RFC 9051 6.4.5), and the partial behind them.
import { DIGIT, isOf } from "./char-class.ts";
import type { Scanner } from "./scanner.ts";
import { printAstring } from "./string.ts";

export type SectionText = "HEADER" | "HEADER.FIELDS" | "HEADER.FIELDS.NOT" | "TEXT" | "MIME";

export interface Section {
  /** Part numbers from the outermost in; empty for the message itself. */
  readonly part: readonly number[];
  /** Null where all of the message or part is meant. */
  readonly text: SectionText | null;
  /** Field names as the client wrote them; empty unless `text` is about fields. */
  readonly fields: readonly string[];
}

/** `<offset.octets>`: at most so many octets from the offset on. */
export interface PartialRange {
  readonly offset: number;
  readonly octets: number;
}

/** The section with its brackets. */
export function parseSection(scan: Scanner): Section {
  scan.expect("[");
  const part: number[] = [];
  while (isOf(scan.peek.charCodeAt(0), DIGIT)) {
    part.push(scan.nzNumber());
    if (!scan.skip(".")) break;
    if (scan.peek === "]") throw scan.fault("Expected a part number or a section");
  }
  const text = scan.peek === "]" ? null : parseSectionText(scan, part.length > 0);
  const fields = text === "HEADER.FIELDS" || text === "HEADER.FIELDS.NOT" ? parseFields(scan) : [];
  scan.expect("]");
  return { part, text, fields };
}

function parseSectionText(scan: Scanner, ofPart: boolean): SectionText {
  const start = scan.position;
  const text = scan.word();
  switch (text) {
    case "MIME":
      // RFC 9051 9: section-msgtext has no MIME, section-text of a part has.
      if (!ofPart) throw scan.fault("Unknown section", start);
      return text;
    case "HEADER":
    case "HEADER.FIELDS":
    case "HEADER.FIELDS.NOT":
    case "TEXT":
      return text;
    default:
      throw scan.fault("Unknown section", start);
  }
}

function parseFields(scan: Scanner): string[] {
  scan.space();
  const fields = scan.list(() => scan.astring());
  if (fields.length === 0) throw scan.fault("Expected a field name");
  return fields;
}

export function printSection({ part, text, fields }: Section): string {
  const path = [...part, ...(text === null ? [] : [text])].join(".");
  return fields.length === 0 ? `[${path}]` : `[${path} (${fields.map(printAstring).join(" ")})]`;
}

/** The partial, if one comes next. */
export function parsePartial(scan: Scanner): PartialRange | null {
  if (!scan.skip("<")) return null;
  const offset = scan.number64();
  scan.expect(".");
  const start = scan.position;
  const octets = scan.number64();
  if (octets === 0) throw scan.fault("Expected a number above 0", start);
  scan.expect(">");
  return { offset, octets };
}

export function printPartial({ offset, octets }: PartialRange): string {
  return `<${offset}.${octets}>`;
}
