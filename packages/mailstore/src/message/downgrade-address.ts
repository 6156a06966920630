// An address for who can read ASCII alone (RFC 6858 2.1): one that is none in ASCII becomes one that is nobody's, with a
// name that says whose it was.
import { isAsciiText } from "./characters.ts";
import { decodeHeaderValue } from "./decode-header-value.ts";
import { encodedWords } from "./encoded-words.ts";
import type { EnvelopeAddress } from "./summary.ts";

// RFC 2606 2: .invalid is nobody's.
const NOBODY = { mailbox: "invalid", host: "internationalized-address.invalid" };

const DOT_ATOM = /^[\w!#$%&'*+/=?^`{|}~-]+(?:\.[\w!#$%&'*+/=?^`{|}~-]+)*$/;
const PHRASE = /^[\w!#$%&'*+/=?^`{|}~ -]+$/;

export function downgradeAddress(address: EnvelopeAddress): EnvelopeAddress {
  const { name, mailbox, host } = address;
  if (isAsciiText(`${name}${mailbox}${host}`)) return address;
  // A group has a name alone, which stands in place of the mailbox.
  if (host === null) return { ...address, mailbox: inAscii(mailbox ?? "") };
  if (isAsciiText(`${mailbox}${host}`)) return { ...address, name: inAscii(name ?? "") };
  const whole = name === null ? `${mailbox}@${host}` : `${name} <${mailbox}@${host}>`;
  return { name: inAscii(whole), ...NOBODY };
}

/** A list of addresses as a header has it, a line for each. */
export function printAddresses(addresses: readonly EnvelopeAddress[]): string {
  let printed = "";
  let before = "";
  for (const { name, mailbox, host } of addresses) {
    if (host === null) {
      printed += mailbox === null ? ";" : `${before}${printPhrase(mailbox)}:`;
      before = mailbox === null ? ",\r\n " : " ";
      continue;
    }
    const local = mailbox !== null && DOT_ATOM.test(mailbox) ? mailbox : quoted(mailbox ?? "");
    const address = host === "" ? local : `${local}@${host}`;
    printed += `${before}${name === null ? address : `${printPhrase(name)} <${address}>`}`;
    before = ",\r\n ";
  }
  return printed;
}

function printPhrase(text: string): string {
  if (PHRASE.test(text)) return text;
  // Between quotes an encoded-word would be none (RFC 2047 5).
  return text.includes("=?") ? inAscii(text) : quoted(text);
}

function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, "\\$&")}"`;
}

/** Octets of a header as encoded-words. */
export function inAscii(octets: string): string {
  return encodedWords(decodeHeaderValue(octets));
}
