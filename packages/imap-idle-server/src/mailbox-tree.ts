// Mailboxes as LIST and LSUB see them: a tree, with levels that exist only because something is below them.
import type { MailboxStatus } from "@pushmail/mailstore";

export interface ListedMailbox {
  readonly name: string;
  readonly attributes: readonly string[];
  /** Undefined where there is no such mailbox, but something below it, or a subscription. */
  readonly status: MailboxStatus | undefined;
}

const SEPARATOR = "/";
const INBOX = "INBOX";

/** All names that LIST knows, and those given, INBOX first, superiors before what is below them. */
export function listMailboxes(
  mailboxes: readonly MailboxStatus[],
  more: readonly string[] = [],
): readonly ListedMailbox[] {
  const statuses = new Map(mailboxes.map((status) => [status.name, status]));
  const names = withSuperiors(new Set([...statuses.keys(), ...more]));
  return names.map((name, i) => {
    const status = statuses.get(name);
    return { name, status, attributes: attributesOf(status, { hasInferiors: isWithin(names[i + 1] ?? "", name) }) };
  });
}

/** What LIST says of a name; of one that is no mailbox, where something is below it or it is subscribed to. */
export function attributesOf(
  status: MailboxStatus | undefined,
  { hasInferiors }: { readonly hasInferiors: boolean },
): readonly string[] {
  // RFC 3348 3
  const attributes = [hasInferiors ? "\\HasChildren" : "\\HasNoChildren"];
  // RFC 5258 3: older clients know the second of the two alone.
  if (status === undefined) attributes.push("\\NonExistent", "\\Noselect");
  else if (status.specialUse !== null) attributes.push(`\\${status.specialUse}`);
  return attributes;
}

/** Names in the order of the tree, and the levels above them, given or not. */
export function withSuperiors(names: Iterable<string>): readonly string[] {
  const all: string[] = [];
  for (const name of sortByTree(names)) {
    for (let end = name.indexOf(SEPARATOR); end > 0; end = name.indexOf(SEPARATOR, end + 1)) {
      const superior = name.slice(0, end);
      const last = all.at(-1) ?? "";
      // What lies below one level stands together, so that the last one tells.
      if (last !== superior && !isWithin(last, superior)) all.push(superior);
    }
    all.push(name);
  }
  return all;
}

/** INBOX and what is below it first, then by name, level for level. */
export function sortByTree(names: Iterable<string>): readonly string[] {
  // By keys that stand for their names: a comparison of our own would cost more than all else that LIST does.
  return Array.from(names, treeKey).sort().map(nameOf);
}

/** Below every character of a name, of which it is none. */
const LOWEST = "\0";

function treeKey(name: string): string {
  const levels = name.replaceAll(SEPARATOR, LOWEST);
  return name === INBOX || isWithin(name, INBOX) ? LOWEST + levels : levels;
}

function nameOf(key: string): string {
  return key.slice(key.startsWith(LOWEST) ? LOWEST.length : 0).replaceAll(LOWEST, SEPARATOR);
}

function isWithin(name: string, superior: string): boolean {
  return name.length > superior.length && name[superior.length] === SEPARATOR && name.startsWith(superior);
}
