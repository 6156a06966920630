// Printing BODY and BODYSTRUCTURE (RFC 9051 7.5.2). Strings are the octets of the headers as latin1.
import type { EnvelopeData } from "./envelope.ts";
import { printEnvelope } from "./envelope.ts";
import { printNstring, printString } from "./string.ts";

export type ParameterData = readonly [name: string, value: string];

/** One node of a message's MIME tree. */
export interface BodyPartData {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly ParameterData[];
  readonly id: string | null;
  readonly description: string | null;
  readonly encoding: string;
  readonly md5: string | null;
  readonly disposition: { readonly type: string; readonly parameters: readonly ParameterData[] } | null;
  readonly language: readonly string[] | null;
  readonly location: string | null;
  readonly bodyStart: number;
  readonly bodyEnd: number;
  readonly lines: number;
  readonly parts: readonly BodyPartData[];
  readonly message: { readonly envelope: EnvelopeData; readonly structure: BodyPartData } | null;
}

/** A multipart without parts has no form in the grammar: it is shown with one empty part. */
export const EMPTY_MULTIPART = '("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 0 0)';

/** Of IMAP4rev1 or IMAP4rev2: to the former MESSAGE/GLOBAL is a type like others, and not told what is in it. */
export type Revision = 1 | 2;

interface Form {
  readonly item: "BODY" | "BODYSTRUCTURE";
  readonly revision: Revision;
}

/** The BODYSTRUCTURE with its extension data. */
export function printBodyStructure(part: BodyPartData, revision: Revision = 2): string {
  return printPart(part, { item: "BODYSTRUCTURE", revision });
}

/** The BODY: the structure without extension data. */
export function printBody(part: BodyPartData, revision: Revision = 2): string {
  return printPart(part, { item: "BODY", revision });
}

/** Whether a BODYSTRUCTURE, printed for IMAP4rev2, is another in IMAP4rev1 (RFC 9755 6). */
export function dependsOnRevision(printed: string): boolean {
  return /"message" "global"/i.test(printed);
}

function printPart(part: BodyPartData, form: Form): string {
  return isMultipart(part) ? printMultipart(part, form) : printSinglePart(part, form);
}

/** Whether it is printed as one: by its type, whatever it holds. */
export function isMultipart(part: BodyPartData): boolean {
  return part.type.toUpperCase() === "MULTIPART";
}

function printMultipart(part: BodyPartData, form: Form): string {
  let parts = "";
  for (const child of part.parts) parts += printPart(child, form);
  const head = `(${parts === "" ? EMPTY_MULTIPART : parts} ${printString(part.subtype)}`;
  if (form.item === "BODY") return `${head})`;
  return `${head} ${printParameters(part.parameters)} ${printPlacement(part)})`;
}

function printSinglePart(part: BodyPartData, form: Form): string {
  const ids = `${printNstring(part.id)} ${printNstring(part.description)}`;
  const octets = part.bodyEnd - part.bodyStart;
  let text = `(${printType(part)} ${printParameters(part.parameters)} ${ids} ${printString(part.encoding)} ${octets}`;
  if (part.message !== null && (form.revision === 2 || !isOfType(part, "message/global"))) {
    text += ` ${printEnvelope(part.message.envelope)} ${printPart(part.message.structure, form)} ${part.lines}`;
  } else if (part.type.toUpperCase() === "TEXT") {
    text += ` ${part.lines}`;
  }
  return form.item === "BODY" ? `${text})` : `${text} ${printNstring(part.md5)} ${printPlacement(part)})`;
}

function printType(part: BodyPartData): string {
  // RFC 9051 9: MESSAGE/RFC822 and MESSAGE/GLOBAL come with what is in them, so without it they are but octets.
  const unread = part.message === null && (isOfType(part, "message/rfc822") || isOfType(part, "message/global"));
  return unread ? '"APPLICATION" "OCTET-STREAM"' : `${printString(part.type)} ${printString(part.subtype)}`;
}

function isOfType({ type, subtype }: BodyPartData, name: "message/global" | "message/rfc822"): boolean {
  return `${type}/${subtype}`.toLowerCase() === name;
}

/** Disposition, language and location, in which the extension data of all parts end. */
function printPlacement({ disposition, language, location }: BodyPartData): string {
  const placed =
    disposition === null ? "NIL" : `(${printString(disposition.type)} ${printParameters(disposition.parameters)})`;
  return `${placed} ${printLanguages(language ?? [])} ${printNstring(location)}`;
}

function printLanguages(languages: readonly string[]): string {
  if (languages.length === 0) return "NIL";
  return languages.length === 1 ? printString(languages[0] as string) : `(${languages.map(printString).join(" ")})`;
}

function printParameters(parameters: readonly ParameterData[]): string {
  if (parameters.length === 0) return "NIL";
  return `(${parameters.map(([name, value]) => `${printString(name)} ${printString(value)}`).join(" ")})`;
}
