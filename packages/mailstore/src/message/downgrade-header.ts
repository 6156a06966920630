// A header for who can read ASCII alone (RFC 6858 2): what can be told in ASCII is, the rest is left out. Fields that are
// in ASCII stay as they are.
import { isAscii } from "node:buffer";
import { parseAddresses } from "./addresses.ts";
import { isAsciiText } from "./characters.ts";
import { decodeHeaderValue } from "./decode-header-value.ts";
import { downgradeAddress, inAscii, printAddresses } from "./downgrade-address.ts";
import { headerFields, type HeaderField } from "./header-fields.ts";
import { MESSAGE_LIMITS } from "./limits.ts";
import { percentOctet } from "./parameter-pieces.ts";
import { parseDisposition, parseMediaType } from "./parameterized-value.ts";
import type { Parameter } from "./summary.ts";

// RFC 6858 2.1
const ADDRESS_FIELDS: ReadonlySet<string> = new Set(
  ["bcc", "cc", "from", "reply-to", "sender", "to"].flatMap((name) => [name, `resent-${name}`]),
);

/** The header, with the blank line in which it ends if it has one. */
export function downgradeHeader(header: Uint8Array): Uint8Array {
  if (isAscii(header)) return header;
  const kept: Uint8Array[] = [];
  let end = 0;
  for (const field of headerFields(header)) {
    const octets = header.subarray(field.start, field.end);
    end = field.end;
    if (isAscii(octets)) kept.push(octets);
    else {
      const value = downgradeValue(field);
      if (value !== undefined) kept.push(Buffer.from(`${nameOf(octets)}: ${value}\r\n`, "latin1"));
    }
  }
  kept.push(header.subarray(end));
  return Buffer.concat(kept);
}

/** The name in the case in which it came. */
function nameOf(octets: Uint8Array): string {
  return /^[^:]*/.exec(Buffer.from(octets).toString("latin1"))?.[0].trim() ?? "";
}

/** Undefined where the field cannot be told in ASCII. */
function downgradeValue({ name, value }: HeaderField): string | undefined {
  const { addressesMax, parametersMax } = MESSAGE_LIMITS;
  if (ADDRESS_FIELDS.has(name)) {
    return printAddresses(parseAddresses(value, addressesMax).map(downgradeAddress)) || undefined;
  }
  switch (name) {
    case "return-path":
      // A path has no place for a name.
      return `<${printAddresses(parseAddresses(value, 1).map((address) => ({ ...downgradeAddress(address), name: null })))}>`;
    case "subject":
      return folded(inAscii(value));
    case "content-type": {
      const media = parseMediaType(value, parametersMax);
      return media && printParameterized(`${media.type}/${media.subtype}`, media.parameters);
    }
    case "content-disposition": {
      const disposition = parseDisposition(value, parametersMax);
      return disposition === null ? undefined : printParameterized(disposition.type, disposition.parameters);
    }
    default:
      return undefined;
  }
}

function printParameterized(value: string, parameters: readonly Parameter[]): string | undefined {
  if (!isAsciiText(value)) return undefined;
  const told = downgradeParameters(parameters).map(([name, text]) => `; ${name}=${printParameter(name, text)}`);
  return `${value}${told.join("")}`;
}

function printParameter(name: string, text: string): string {
  // RFC 2231 7: an extended value stands without quotes.
  return name.endsWith("*") ? text.replaceAll(/[\s;]/g, "") : `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** RFC 6858 2.2 leaves out whole parameters; but a file's name is wanted, and RFC 2231 4 can tell it. */
export function downgradeParameters(parameters: readonly Parameter[]): readonly Parameter[] {
  return parameters.flatMap(([name, value]): Parameter[] => {
    if (!isAsciiText(name)) return [];
    if (isAsciiText(value)) return [[name, value]];
    if (name.endsWith("*")) return [[name, value.replaceAll(/[^\0-\x7f]/g, percentOctet)]];
    return [[`${name}*`, `UTF-8''${percentEncoded(decodeHeaderValue(value))}`]];
  });
}

/** RFC 2231 7 ext-octet: all but what may stand in an attribute-char. */
function percentEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll(/[!'()*]/g, percentOctet);
}

function folded(words: string): string {
  return words.replaceAll(" ", "\r\n ");
}
