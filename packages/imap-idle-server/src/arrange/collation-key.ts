// The order of texts that SORT and THREAD go by: that of their octets in UTF-8 (RFC 5051 2), as strings that compare so.
import { utf8ToLatin1 } from "@pushmail/imap-wire";
import { unicodeCasemap } from "@pushmail/mailstore";

/** Of two texts the one comes first whose key is less. */
export function collationKey(text: string): string {
  const mapped = unicodeCasemap(text);
  // Of UTF-16 the order is another where there are surrogates.
  return /[^\0-\x7f]/.test(mapped) ? utf8ToLatin1(mapped) : mapped;
}
