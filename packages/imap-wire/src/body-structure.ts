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

/** The BODYSTRUCTURE with its extension data. */
export function printBodyStructure(part: BodyPartData): string {
  return isMultipart(part) ? printMultipart(part, printBodyStructure) : printSinglePart(part, printBodyStructure);
}

/** The BODY: the structure without extension data. */
export function printBody(part: BodyPartData): string {
  return isMultipart(part) ? printMultipart(part, printBody) : printSinglePart(part, printBody);
}

type PrintPart = typeof printBody | typeof printBodyStructure;

/** Whether it is printed as one: by its type, whatever it holds. */
export function isMultipart(part: BodyPartData): boolean {
  return part.type.toUpperCase() === "MULTIPART";
}

function printMultipart(part: BodyPartData, print: PrintPart): string {
  let parts = "";
  for (const child of part.parts) parts += print(child);
  const head = `(${parts === "" ? EMPTY_MULTIPART : parts} ${printString(part.subtype)}`;
  if (print === printBody) return `${head})`;
  return `${head} ${printParameters(part.parameters)} ${printPlacement(part)})`;
}

function printSinglePart(part: BodyPartData, print: PrintPart): string {
  const ids = `${printNstring(part.id)} ${printNstring(part.description)}`;
  const octets = part.bodyEnd - part.bodyStart;
  let text = `(${printType(part)} ${printParameters(part.parameters)} ${ids} ${printString(part.encoding)} ${octets}`;
  if (part.message !== null) {
    text += ` ${printEnvelope(part.message.envelope)} ${print(part.message.structure)} ${part.lines}`;
  } else if (part.type.toUpperCase() === "TEXT") {
    text += ` ${part.lines}`;
  }
  return print === printBody ? `${text})` : `${text} ${printNstring(part.md5)} ${printPlacement(part)})`;
}

function printType(part: BodyPartData): string {
  // RFC 9051 9: MESSAGE/RFC822 and MESSAGE/GLOBAL come with what is in them, so without it they are but octets.
  const unread = part.message === null && /^message\/(rfc822|global)$/i.test(`${part.type}/${part.subtype}`);
  return unread ? '"APPLICATION" "OCTET-STREAM"' : `${printString(part.type)} ${printString(part.subtype)}`;
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
