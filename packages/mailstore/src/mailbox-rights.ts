// Who may do what with a mailbox (RFC 4314): entries of identifiers, and what they come to for one account.
// An identifier is an account's address or `anyone`; with `-` before it, it is of rights that are taken away.

/** All that there are, in the order in which they are kept and told (RFC 4314 2.1). */
export const ALL_RIGHTS = "lrswipkxtea";
export const ANYONE = "anyone";

export interface RightsEntry {
  readonly identifier: string;
  readonly rights: string;
}

export interface RightsChange extends RightsEntry {
  readonly mode: "replace" | "add" | "remove";
}

/** What an account may do that is not the owner: all that is given to it or to anyone, without what is taken away. */
export function rightsFor(entries: readonly RightsEntry[], address: string): string {
  // Most mailboxes are shared with nobody, and who lists those of others asks for each.
  if (entries.length === 0) return "";
  const of = (sign: string): string =>
    entries
      .filter(({ identifier }) => identifier === sign + address || identifier === sign + ANYONE)
      .map(({ rights }) => rights)
      .join("");
  const taken = of("-");
  return inOrder(of("")).replace(/./g, (right) => (taken.includes(right) ? "" : right));
}

/** The entries after a change; one without rights is none. */
export function changedRights(entries: readonly RightsEntry[], change: RightsChange): readonly RightsEntry[] {
  const { identifier, mode, rights } = change;
  const before = entries.find((entry) => entry.identifier === identifier)?.rights ?? "";
  const after = {
    replace: inOrder(rights),
    add: inOrder(before + rights),
    remove: before.replace(/./g, (right) => (rights.includes(right) ? "" : right)),
  }[mode];
  if (after === before) return entries;
  const changed = entries.map((entry) => (entry.identifier === identifier ? { identifier, rights: after } : entry));
  if (before === "") changed.push({ identifier, rights: after });
  return changed.filter((entry) => entry.rights !== "");
}

function inOrder(rights: string): string {
  return ALL_RIGHTS.split("")
    .filter((right) => rights.includes(right))
    .join("");
}
