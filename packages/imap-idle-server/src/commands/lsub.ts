// LSUB (RFC 3501 6.3.9): the names that are subscribed to.
import { matchesListPattern, parseListMailbox, parseMailbox, printList } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";
import { TimeSlice } from "../fetch/time-slice.ts";
import { sortByTree, withSuperiors } from "../mailbox-tree.ts";

export const lsub: Command = command({
  name: "LSUB",
  in: ["authenticated", "selected"],
  parse(scan) {
    scan.space();
    const reference = parseMailbox(scan);
    scan.space();
    // As names are.
    return (reference + parseListMailbox(scan, { reference })).normalize("NFC");
  },
  async run(session, pattern, { account }) {
    const subscribed = new Set(await session.store.subscriptions(account.id));
    // RFC 3501 6.3.9: `%` also finds what is no subscription itself, but has some below it.
    const names = pattern.includes("%") ? withSuperiors(subscribed) : sortByTree(subscribed);
    const slice = new TimeSlice(session);
    for (const name of names) {
      await slice.rest();
      if (!matchesListPattern(pattern, name)) continue;
      const attributes = subscribed.has(name) ? [] : ["\\Noselect"];
      await session.write(printList("LSUB", { name, attributes, ...session.names }));
    }
  },
});
