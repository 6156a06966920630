// The order of texts that SORT and THREAD go by: that of their octets in UTF-8 (RFC 5051 2), as strings that compare so.
import { utf8ToLatin1 } from "@pushmail/imap-wire";
import { DECODE_LIMITS, unicodeCasemap } from "@pushmail/mailstore";

const LENGTH_MAX = DECODE_LIMITS.collatedCharactersMax;
/** RFC 3629 3: so many for each character; of some, many are made, and of Hangul nine octets. */
const OCTETS_MAX = 4 * LENGTH_MAX;

/** Of two texts the one comes first whose key is less; of a long one the beginning counts, as the keys of all messages are held. */
export function collationKey(text: string): string {
  const mapped = unicodeCasemap(text.slice(0, LENGTH_MAX));
  // Of UTF-16 the order is another where there are surrogates.
  const key = /[^\0-\x7f]/.test(mapped) ? utf8ToLatin1(mapped) : mapped;
  return key.slice(0, OCTETS_MAX);
}
