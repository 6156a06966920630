// Mailboxes as LIST and LSUB see them: a tree, with levels that exist only because something is below them.
import type { MailboxStatus, SpecialUse } from "@pushmail/mailstore";

export interface ListedMailbox {
  readonly name: string;
  readonly attributes: readonly string[];
  readonly specialUse: SpecialUse | null;
}

const SEPARATOR = "/";
const INBOX = "INBOX";

/** All names that LIST knows, INBOX first, superiors before what is below them. */
export function listMailboxes(mailboxes: readonly MailboxStatus[]): readonly ListedMailbox[] {
  const statuses = new Map(mailboxes.map((status) => [status.name, status]));
  const parents = new Set(mailboxes.flatMap(({ name }) => superiorsOf(name)));
  const names = [...new Set([...statuses.keys(), ...parents])].toSorted(byTree);
  return names.map((name) => {
    const status = statuses.get(name);
    const specialUse = status?.specialUse ?? null;
    // RFC 3348 3
    const attributes = [parents.has(name) ? "\\HasChildren" : "\\HasNoChildren"];
    // RFC 5258 3: older clients know the second of the two alone.
    if (status === undefined) attributes.push("\\NonExistent", "\\Noselect");
    if (specialUse !== null) attributes.push(`\\${specialUse}`);
    return { name, attributes, specialUse };
  });
}

/** The levels above a name, the highest first. */
export function superiorsOf(name: string): readonly string[] {
  const superiors: string[] = [];
  for (let end = name.indexOf(SEPARATOR); end > 0; end = name.indexOf(SEPARATOR, end + 1)) {
    superiors.push(name.slice(0, end));
  }
  return superiors;
}

/** INBOX and what is below it first, then by name, level for level. */
export function byTree(a: string, b: string): number {
  const keys = [a, b].map((name) => (name === INBOX || name.startsWith(INBOX + SEPARATOR) ? `\0${name}` : name));
  const [left, right] = keys.map((name) => name.replaceAll(SEPARATOR, "\0"));
  return (left as string) < (right as string) ? -1 : 1;
}
