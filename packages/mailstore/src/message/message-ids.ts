// Message ids out of Message-ID, In-Reply-To and References, in the one form in which they compare (RFC 5256 2.2).

/** Nothing of it matches an angle bracket, so that a search goes over the value once. */
const MESSAGE_ID = /<([^<>]*@[^<>]*)>/g;
const QUOTING = /[\\"\s]+/g;

/** The ids of a field's value in their order; what stands between them is passed over. */
export function messageIds(value: string): string[] {
  // RFC 5256 2.2: the quoted and the unquoted form of an id are the same.
  return Array.from(value.matchAll(MESSAGE_ID), ([, id = ""]) => id.replaceAll(QUOTING, ""));
}
