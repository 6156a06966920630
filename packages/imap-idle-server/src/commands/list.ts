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
import { tellFigures } from "../mailbox-figures.ts";
import { findMetadata, readMetadata } from "../metadata.ts";
import { listMailboxes, type ListedMailbox } from "../mailbox-tree.ts";

/** A mailbox as it is told. */
interface Listed extends ListedMailbox {
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
    const showsSubscribed = args.selections.includes("SUBSCRIBED") || args.returns.includes("SUBSCRIBED");
    for (const listed of await select(session, account, { args, subscriptions, slice })) {
      await slice.rest();
      const { name, attributes, hasSelectedBelow, reached } = listed;
      const shown = showsSubscribed && subscriptions.has(name) ? [...attributes, "\\Subscribed"] : attributes;
      const childInfo = hasSelectedBelow ? { childInfo: args.selections.filter(selects) } : {};
      await session.write(printList("LIST", { name, attributes: shown, ...childInfo, ...session.names }));
      // RFC 5819 2: of what can be selected, and was meant.
      if (reached === undefined || !listed.isSelected) continue;
      // RFC 8440 3
      if (args.returns.includes("MYRIGHTS")) {
        await session.write(printMyRights({ name, rights: reached.rights, ...session.names }));
      }
      if (args.status !== null && reached.rights.includes("r")) await tellFigures(session, reached, args.status);
      if (args.metadata !== null) await tellMetadata(session, reached, args.metadata);
    }
  },
});

async function tellMetadata(session: Session, reached: Reached, entries: readonly string[]): Promise<void> {
  if (!mayAnnotate(reached)) return;
  const { values } = findMetadata(await readMetadata(session, reached), entries, { depth: "0", maxSize: null });
  await session.write(printMetadata({ name: reached.status.name, values, ...session.names }));
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
  const told: Listed[] = [];
  const below = new Set<string>();
  /** Those below which something is meant that the patterns do not show. */
  const hidden = new Set<string>();
  // From the last to the first: what lies below a mailbox is known when its turn comes.
  for (const mailbox of all.toReversed()) {
    await slice.rest();
    const { name, status } = mailbox;
    const isSelected =
      (!isOfSubscribed || subscriptions.has(name)) &&
      (!selections.includes("SPECIAL-USE") || (status !== undefined && status.specialUse !== null));
    const isShown = patterns.some((pattern) => matchesListPattern(reference + pattern, name));
    if (isRecursive && isSelected) {
      for (const superior of superiorsOf(name)) {
        below.add(superior);
        if (!isShown) hidden.add(superior);
      }
    }
    // RFC 5258 3.5: a parent is told of for what is below it, unless all of that is told itself.
    if (isShown && (isSelected || hidden.has(name))) {
      told.push({ ...mailbox, isSelected, hasSelectedBelow: below.has(name), reached: reachable.get(name) });
    }
  }
  return told.reverse();
}
