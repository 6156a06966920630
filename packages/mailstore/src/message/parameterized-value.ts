// Content-Type, Content-Disposition and Content-Language: a value and parameters, read with tolerance (RFC 2045 5.1).
import { isPadding, trimBlanks } from "./characters.ts";
import { joinPieces } from "./parameter-pieces.ts";
import { readComment, readQuoted } from "./quoted-text.ts";
import type { Disposition, Parameter } from "./summary.ts";

const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const OPEN = 0x28;

export interface MediaType {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly Parameter[];
}

/** A Content-Type in the case in which it came; undefined where it names no type and subtype. */
export function parseMediaType(value: string, parametersMax: number): MediaType | undefined {
  const reader = new ValueReader(value);
  const name = firstWord(reader.takeItem());
  const slash = name.indexOf("/");
  if (slash <= 0 || slash === name.length - 1) return undefined;
  return {
    type: name.slice(0, slash),
    subtype: name.slice(slash + 1),
    parameters: reader.takeParameters(parametersMax),
  };
}

/** A Content-Disposition (RFC 2183 2); null where it is empty. */
export function parseDisposition(value: string, parametersMax: number): Disposition | null {
  const reader = new ValueReader(value);
  const type = firstWord(reader.takeItem());
  return type === "" ? null : { type, parameters: reader.takeParameters(parametersMax) };
}

/** A single word such as a Content-Transfer-Encoding, without comments. */
export function parseToken(value: string): string {
  return firstWord(new ValueReader(value).takeItem());
}

/** The tags of a Content-Language (RFC 3282 2); null where there are none. */
export function parseLanguages(value: string, languagesMax: number): readonly string[] | null {
  const tags: string[] = [];
  for (const tag of value.split(",", languagesMax)) {
    const word = parseToken(tag);
    if (word !== "") tags.push(word);
  }
  return tags.length === 0 ? null : tags;
}

/** The value of a parameter, its name in any case; one that comes in pieces or encoded (RFC 2231) as latin1 bytes. */
export function findParameter(parameters: readonly Parameter[], name: string): string | null {
  const wholes = joinPieces(parameters);
  const wanted = name.toLowerCase();
  const plain = wholes.find(([given]) => given.toLowerCase() === wanted);
  if (plain !== undefined) return plain[1];
  const encoded = wholes.find(([given]) => given.toLowerCase() === `${wanted}*`);
  return encoded === undefined ? null : decodePercent(withoutCharset(encoded[1]));
}

function withoutCharset(value: string): string {
  const quote = value.indexOf("'", value.indexOf("'") + 1);
  return value.slice(quote + 1);
}

function decodePercent(value: string): string {
  return value.replace(/%([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Some put a type or an encoding in quotes, against RFC 2045 5.1. */
function firstWord(text: string): string {
  const trimmed = trimBlanks(text);
  const blank = trimmed.search(/[ \t\r\n]/);
  return (blank < 0 ? trimmed : trimmed.slice(0, blank)).replaceAll(/^"|"$/g, "");
}

/** Goes once through a value, from left to right. */
class ValueReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Everything before the next semicolon, and steps over it. */
  takeItem(): string {
    const item = this.#takeUntil(SEMICOLON);
    this.#at++;
    return item;
  }

  takeParameters(max: number): readonly Parameter[] {
    const parameters: Parameter[] = [];
    while (this.#at < this.#text.length && parameters.length < max) {
      const name = trimBlanks(this.#takeUntil(EQUALS));
      if (this.#text.charCodeAt(this.#at++) !== EQUALS) continue;
      const value = this.#takeParameterValue();
      if (name !== "") parameters.push([name, value]);
    }
    return joinPieces(parameters);
  }

  #takeParameterValue(): string {
    while (isPadding(this.#text.charCodeAt(this.#at))) this.#at++;
    // A value without quotes may hold blanks and more: many a file name does, against RFC 2045 5.1.
    if (this.#text.charCodeAt(this.#at) !== QUOTE) return trimBlanks(this.takeItem());
    const quoted = readQuoted(this.#text, this.#at);
    this.#at = quoted.end;
    this.takeItem();
    return quoted.text;
  }

  /** The text before `stop` or a semicolon, without comments. */
  #takeUntil(stop: number): string {
    const text = this.#text;
    let taken = "";
    let from = this.#at;
    let at = from;
    for (; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (code === stop || code === SEMICOLON) break;
      // A parenthesis in the middle of a word belongs to it: `name=report(1).pdf`.
      if (code !== OPEN || (at > from && !isPadding(text.charCodeAt(at - 1)))) continue;
      taken += text.slice(from, at);
      from = readComment(text, at).end;
      at = from - 1;
    }
    this.#at = at;
    return taken + text.slice(from, at);
  }
}
