// LIST (RFC 9051 6.3.9), with CHILDREN (RFC 3348) and special uses (RFC 6154).
import { matchesListPattern, parseListMailbox, parseMailbox, printList, type Scanner } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";
import { TimeSlice } from "../fetch/time-slice.ts";
import { listMailboxes } from "../mailbox-tree.ts";

interface ListArguments {
  /** Whether only mailboxes with a special use are wanted (RFC 6154 3). */
  readonly specialUseOnly: boolean;
  readonly reference: string;
  readonly pattern: string;
}

export const list: Command = command({
  name: "LIST",
  in: ["authenticated", "selected"],
  capability: ["CHILDREN", "SPECIAL-USE"],
  parse(scan): ListArguments {
    scan.space();
    const selects = scan.peek === "(" ? readOptions(scan, ["SPECIAL-USE"]) : undefined;
    if (selects !== undefined) scan.space();
    const reference = parseMailbox(scan);
    scan.space();
    const pattern = parseListMailbox(scan, { reference });
    // Both are always returned, asked for or not.
    if (scan.skip(" RETURN ")) readOptions(scan, ["SPECIAL-USE", "CHILDREN"]);
    return { specialUseOnly: selects?.includes("SPECIAL-USE") === true, reference, pattern };
  },
  async run(session, { specialUseOnly, reference, pattern }, { account }) {
    // RFC 9051 6.3.9: an empty pattern asks for the separator.
    if (pattern === "") {
      await session.write(printList("LIST", { name: "", attributes: ["\\Noselect"] }));
      return;
    }
    const slice = new TimeSlice();
    for (const mailbox of listMailboxes(await session.store.mailboxes(account.id))) {
      await slice.rest();
      if (specialUseOnly && mailbox.specialUse === null) continue;
      if (matchesListPattern(reference + pattern, mailbox.name)) await session.write(printList("LIST", mailbox));
    }
  },
});

function readOptions(scan: Scanner, known: readonly string[]): readonly string[] {
  return scan.list(() => {
    const fault = scan.fault("Unknown LIST option");
    const option = scan.atom().toUpperCase();
    if (!known.includes(option)) throw fault;
    return option;
  });
}
