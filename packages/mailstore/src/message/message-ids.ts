// Message ids out of Message-ID, In-Reply-To and References, in the one form in which they compare (RFC 5256 2.2).

/** Nothing of it matches an angle bracket, and one @ alone parts it, so that a search goes over the value once. */
const MESSAGE_ID = /<([^<>@]*@[^<>]*)>/g;
/** One id, with nothing in it that has to be taken out. */
const LONE_ID = /^<[^<>\\"\s@]+@[^<>\\"\s@]+>$/;
const QUOTING = /[\\"\s]+/g;

/** The ids of a field's value in their order; what stands between them is passed over. */
export function messageIds(value: string): string[] {
  // The same as in the general case, many times quicker.
  if (LONE_ID.test(value)) return [value.slice(1, -1)];
  // RFC 5256 2.2: the quoted and the unquoted form of an id are the same.
  return Array.from(value.matchAll(MESSAGE_ID), ([, id = ""]) => id.replaceAll(QUOTING, ""));
}
