// Mailbox names: Unicode inside, modified UTF-7 on the wire (RFC 3501 5.1.3), or UTF-8 where the client enabled it.
// Strict: each name has one form on the wire, and any other is a SyntaxFault.
import type { Scanner } from "./scanner.ts";
import { latin1ToUtf8, printAstring, printUtf8, utf8ToLatin1 } from "./string.ts";
import { SyntaxFault } from "./syntax-fault.ts";

export interface MailboxNameOptions {
  /** Names go as UTF-8 and `&` is a character like others (RFC 6855 3). */
  readonly utf8?: boolean;
}

export function parseMailbox(scan: Scanner, options?: MailboxNameOptions): string {
  return inboxInCapitals(decodeMailboxName(scan.astring(), options ?? { utf8: scan.acceptsUtf8 }));
}

/** RFC 9051 5.1: INBOX is the one name without regard to case. */
export function inboxInCapitals(name: string): string {
  return /^inbox$/i.test(name) ? "INBOX" : name;
}

export interface ListMailboxOptions extends MailboxNameOptions {
  /** What the pattern stands behind: the bound is of both together. */
  readonly reference?: string;
}

/** The pattern of LIST and LSUB. */
export function parseListMailbox(scan: Scanner, options: ListMailboxOptions = {}): string {
  const start = scan.position;
  const pattern = decodeMailboxName(scan.listMailbox(), { utf8: scan.acceptsUtf8, ...options });
  const { reference = "" } = options;
  if (reference.length + pattern.length > scan.limits.listPatternCharsMax)
    throw scan.fault("Mailbox pattern too long", start);
  return pattern;
}

/** What nearly all names are: the same atom in every form. */
const PLAIN = /^(?!nil$)[\w/.-]+$/i;

export function printMailbox(name: string, options?: MailboxNameOptions): string {
  if (PLAIN.test(name)) return name;
  return options?.utf8 === true ? printUtf8(utf8ToLatin1(name)) : printAstring(encodeModifiedUtf7(name));
}

function decodeMailboxName(octets: string, options?: MailboxNameOptions): string {
  const name = options?.utf8 === true ? latin1ToUtf8(octets) : decodeModifiedUtf7(octets);
  if (name === undefined) throw new SyntaxFault("Mailbox name wrongly encoded");
  return name;
}

/** The name in modified UTF-7. */
export function encodeModifiedUtf7(name: string): string {
  return name.replace(/&|[^\x20-\x7e]+/g, (run) => {
    if (run === "&") return "&-";
    const base64 = Buffer.from(run, "utf16le").swap16().toString("base64");
    return `&${base64.replace(/=+$/, "").replaceAll("/", ",")}-`;
  });
}

/** The name that this is the one modified UTF-7 form of; undefined where it is none. */
export function decodeModifiedUtf7(encoded: string): string | undefined {
  const name = encoded.replace(/&([A-Za-z0-9+,]*)-/g, (_, base64: string) => {
    if (base64 === "") return "&";
    const utf16 = Buffer.from(base64.replaceAll(",", "/"), "base64");
    return utf16
      .subarray(0, utf16.length & ~1)
      .swap16()
      .toString("utf16le");
  });
  // Padding bits, needless or doubled shifts, raw octets above 7 bits: all of them print otherwise than they came.
  if (encodeModifiedUtf7(name) !== encoded || /\p{Surrogate}/u.test(name)) return undefined;
  return name;
}
