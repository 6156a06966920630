// LIST (RFC 9051 6.3.9) with its options: selections and what is returned (RFC 5258), CHILDREN (RFC 3348), special uses
// (RFC 6154), the figures of each mailbox (RFC 5819), its metadata (RFC 9590), and what the client may do with it
// (RFC 8440).
import {
  matchesListPattern,
  parseListArguments,
  printList,
  printMetadata,
  printMyRights,
  type ListArguments,
  type ListSelection,
} from "@pushmail/imap-wire";
import { superiorsOf, type AccountInfo } from "@pushmail/mailstore";
import { listReachable, mayAnnotate, type Reached } from "../access.ts";
import { command, type Command, type Session } from "../command.ts";
import { TimeSlice } from "../fetch/time-slice.ts";
import { printFigures } from "../mailbox-figures.ts";
import { findMetadata, readMetadata } from "../metadata.ts";
import { listMailboxes, type ListedMailbox } from "../mailbox-tree.ts";
import { unlessGone } from "../unless-gone.ts";

/** A mailbox as it is told. */
interface Listed extends Pick<ListedMailbox, "name" | "attributes"> {
  /** Whether it is what the options ask for; else it is told because of what lies below it. */
  readonly isSelected: boolean;
  readonly hasSelectedBelow: boolean;
  /** Undefined where there is no such mailbox. */
  readonly reached: Reached | undefined;
}

export const list: Command = command({
  name: "LIST",
  in: ["authenticated", "selected"],
  capability: ["CHILDREN", "LIST-EXTENDED", "LIST-METADATA", "LIST-MYRIGHTS", "LIST-STATUS", "SPECIAL-USE"],
  parse(scan) {
    scan.space();
    return parseListArguments(scan);
  },
  async run(session, args, { account }) {
    // RFC 9051 6.3.9: an empty pattern asks for the separator.
    if (!args.extended && args.patterns[0] === "") {
      await session.write(printList("LIST", { name: "", attributes: ["\\Noselect"] }));
      return;
    }
    // RFC 7162 3.1: to ask for HIGHESTMODSEQ turns CONDSTORE on.
    if (args.status?.includes("HIGHESTMODSEQ") === true) await session.enable("CONDSTORE");
    const slice = new TimeSlice(session);
    const subscriptions = new Set(await session.store.subscriptions(account.id));
    for (const listed of await select(session, account, { args, subscriptions, slice })) {
      // To await each of hundreds would take longer than to print them.
      const full = tell(session, { args, subscriptions }, listed);
      if (full !== undefined) await full;
      const rest = slice.restAmongMany();
      if (rest !== undefined) await rest;
    }
  },
});

/** Tells a mailbox; undefined where there is room for the next one. */
function tell(
  session: Session,
  { args, subscriptions }: Pick<Selecting, "args" | "subscriptions">,
  { name, attributes, isSelected, hasSelectedBelow, reached }: Listed,
): Promise<void> | undefined {
  const { selections, returns, status, metadata } = args;
  const showsSubscribed = selections.includes("SUBSCRIBED") || returns.includes("SUBSCRIBED");
  const shown = showsSubscribed && subscriptions.has(name) ? [...attributes, "\\Subscribed"] : attributes;
  const childInfo = hasSelectedBelow ? { childInfo: selections.filter(selects) } : {};
  let text = printList("LIST", { name, attributes: shown, ...childInfo, ...session.names });
  // RFC 5819 2: of what can be selected, and was meant.
  if (reached === undefined || !isSelected) return session.write(text);
  // RFC 8440 3
  if (returns.includes("MYRIGHTS")) text += printMyRights({ name, rights: reached.rights, ...session.names });
  const figures = status !== null && reached.rights.includes("r") ? printFigures(session, reached, status) : "";
  if (metadata === null && typeof figures === "string") return session.write(text + figures);
  return tellRead(session, text, [
    Promise.resolve(figures),
    metadata === null ? Promise.resolve("") : printMetadataOf(session, reached, metadata),
  ]);
}

async function tellRead(session: Session, text: string, read: readonly Promise<string>[]): Promise<void> {
  // RFC 5819 3: where a mailbox goes meanwhile, the others are told all the same.
  await session.write(text + (await Promise.all(read.map(unlessGone))).join(""));
}

async function printMetadataOf(session: Session, reached: Reached, entries: readonly string[]): Promise<string> {
  if (!mayAnnotate(reached)) return "";
  const { values } = findMetadata(await readMetadata(session, reached), entries, { depth: "0", maxSize: null });
  return printMetadata({ name: reached.status.name, values, ...session.names });
}

/** Whether an option says which mailboxes are meant. */
function selects(selection: ListSelection): boolean {
  return selection === "SUBSCRIBED" || selection === "SPECIAL-USE";
}

interface Selecting {
  readonly args: ListArguments;
  readonly subscriptions: ReadonlySet<string>;
  readonly slice: TimeSlice;
}

/** What is told of all that there is, in the order of the tree. */
async function select(
  session: Session,
  account: AccountInfo,
  { args, subscriptions, slice }: Selecting,
): Promise<Listed[]> {
  const { selections, reference, patterns } = args;
  const isOfSubscribed = selections.includes("SUBSCRIBED");
  const isRecursive = selections.includes("RECURSIVEMATCH");
  const reachable = new Map((await listReachable(session, account)).map((reached) => [reached.status.name, reached]));
  const statuses = Array.from(reachable.values(), ({ status }) => status);
  const all = listMailboxes(statuses, isOfSubscribed ? [...subscriptions] : []);
  // As names are.
  const wanted = patterns.map((pattern) => (reference + pattern).normalize("NFC"));
  const told: Listed[] = [];
  const below = new Set<string>();
  /** Those below which something is meant that the patterns do not show. */
  const hidden = new Set<string>();
  const look = ({ name, attributes, status }: ListedMailbox): void => {
    const isSelected =
      (!isOfSubscribed || subscriptions.has(name)) &&
      (!selections.includes("SPECIAL-USE") || (status !== undefined && status.specialUse !== null));
    const isShown = wanted.some((pattern) => matchesListPattern(pattern, name));
    if (isRecursive && isSelected) {
      for (const superior of superiorsOf(name)) {
        below.add(superior);
        if (!isShown) hidden.add(superior);
      }
    }
    // RFC 5258 3.5: a parent is told of for what is below it, unless all of that is told itself.
    if (isShown && (isSelected || hidden.has(name))) {
      const hasSelectedBelow = below.has(name);
      told.push({ name, attributes, isSelected, hasSelectedBelow, reached: reachable.get(name) });
    }
  };
  // From the last to the first: what lies below a mailbox is known when its turn comes.
  for (const mailbox of all.toReversed()) {
    look(mailbox);
    const rest = slice.restAmongMany();
    if (rest !== undefined) await rest;
  }
  return told.reverse();
}
