// Parameter values that come in pieces, each put together as one (RFC 2231 3 and 4.1).
import type { Parameter } from "./summary.ts";

/** The name, which piece of its value it is, and a star where that is percent-encoded; more would never fit together. */
const PIECE = /^(.+)\*(0|[1-9]\d?)(\*?)$/s;

/**
 * Each value as a whole in the place of its first piece, for IMAP tells no pieces (RFC 2231 6): percent-encoded where one
 * of them is. What comes behind a gap stays as it is.
 */
export function joinPieces(parameters: readonly Parameter[]): readonly Parameter[] {
  const values = new Map<string, Parameter[]>();
  for (const parameter of parameters) {
    const [, name, index] = PIECE.exec(parameter[0]) ?? [];
    if (name === undefined) continue;
    const pieces = values.get(name.toLowerCase()) ?? [];
    pieces[Number(index)] ??= parameter;
    values.set(name.toLowerCase(), pieces);
  }
  const told = new Map<Parameter, readonly Parameter[]>();
  for (const pieces of values.values()) {
    const gap = pieces.findIndex((piece) => piece === undefined);
    const whole = gap < 0 ? pieces : pieces.slice(0, gap);
    whole.forEach((piece, index) => told.set(piece, index === 0 ? [join(whole, piece)] : []));
  }
  return parameters.flatMap((parameter) => told.get(parameter) ?? [parameter]);
}

function join(pieces: readonly Parameter[], [firstName]: Parameter): Parameter {
  const name = firstName.replace(PIECE, "$1");
  if (pieces.every(([given]) => !given.endsWith("*"))) return [name, pieces.map(([, value]) => value).join("")];
  // A value that is encoded begins with its charset and language, which may both be empty (RFC 2231 7).
  const beginning = firstName.endsWith("*") ? "" : "''";
  return [
    `${name}*`,
    beginning + pieces.map(([given, value]) => (given.endsWith("*") ? value : encode(value))).join(""),
  ];
}

/** An octet as an extended value tells it (RFC 2231 7). */
export function percentOctet(octet: string): string {
  return `%${octet.charCodeAt(0).toString(16).padStart(2, "0")}`;
}

/** RFC 2231 7: all octets but those of an attribute-char. */
function encode(value: string): string {
  return value.replaceAll(/[^\w!#$&+.^`{|}~-]/g, percentOctet);
}
