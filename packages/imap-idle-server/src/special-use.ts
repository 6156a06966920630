// Special uses of mailboxes as clients name them (RFC 6154), in CREATE and as an entry of metadata.
import type { SpecialUse } from "@pushmail/mailstore";

/** Those that a mailbox of the client's own may have: `\All` and `\Flagged` are views of others (RFC 6154 2). */
const USES: readonly SpecialUse[] = ["Archive", "Drafts", "Junk", "Sent", "Trash"];

/** RFC 6154 4: the entry that has a mailbox' use as its value. */
export const SPECIAL_USE_ENTRY = "/private/specialuse";

/** The use of a name without its backslash, in any case. */
export function specialUseOf(name: string): SpecialUse | undefined {
  return USES.find((known) => known.toLowerCase() === name.toLowerCase());
}

/** The use that a value of the entry names; null for none, undefined for one that no mailbox can have. */
export function specialUseOfValue(value: string | null): SpecialUse | null | undefined {
  if (value === null || value === "") return null;
  return value.startsWith("\\") ? specialUseOf(value.slice(1)) : undefined;
}
