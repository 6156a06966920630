// Strings in responses. Every character of a text here is one octet (latin1), as it is of every printed response.
import { ATOM_CHAR, isOf } from "./char-class.ts";

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const QUOTABLE = /^[\x20-\x7e]*$/;

/** A quoted string, or a literal where it holds controls or 8-bit octets. NUL has no form and becomes 0x80. */
export function printString(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  if (QUOTABLE.test(text)) return `"${text.replace(/["\\]/g, "\\$&")}"`;
  if (/[\u0100-\uffff]/.test(text)) throw new RangeError("not octets but characters");
  // RFC 9051 9: CHAR8 is any octet but NUL.
  return `{${text.length}}\r\n${text.replaceAll("\0", "\x80")}`;
}

export function printNstring(text: string | null): string {
  return text === null ? "NIL" : printString(text);
}

/** An atom where it can be one, else a string. */
export function printAstring(text: string): string {
  if (text === "" || text.toUpperCase() === "NIL") return printString(text);
  // Not ASTRING-CHAR: within BODY[...] a "]" would look like the end of the section.
  for (let i = 0; i < text.length; i++) if (!isOf(text.charCodeAt(i), ATOM_CHAR)) return printString(text);
  return text;
}

/** The same of octets in UTF-8, for a client that takes these between quotes (RFC 9051 4.3). */
export function printUtf8(octets: string): string {
  const isQuotable = /[\x80-\xff]/.test(octets) && /^[\x20-\x7e\x80-\xff]*$/.test(octets);
  return isQuotable ? `"${octets.replace(/["\\]/g, "\\$&")}"` : printAstring(octets);
}

/** The octets of a text in UTF-8, as latin1. */
export function utf8ToLatin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The text whose UTF-8 octets these are; undefined where they are no UTF-8. */
export function latin1ToUtf8(octets: string): string | undefined {
  try {
    return UTF8.decode(Buffer.from(octets, "latin1"));
  } catch {
    return undefined;
  }
}
