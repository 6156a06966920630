// EXPUNGE (RFC 9051 6.4.3) and UID EXPUNGE (RFC 4315 2.1): what has \Deleted goes, and is told at the command's end.
import { parseSequenceSet } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";
import { requireWritable } from "../require-writable.ts";

export const expunge: Command = command({
  name: "EXPUNGE",
  in: ["selected"],
  capability: "UIDPLUS",
  uid: true,
  isNumberless: true,
  tellsExpunge: true,
  parse(scan, { uid }) {
    if (!uid) return undefined;
    scan.space();
    return parseSequenceSet(scan);
  },
  async run(session, set, state) {
    requireWritable(state);
    await session.index(state);
    const at = { account: state.account.id, mailbox: state.handle.id };
    await session.store.expunge(at, set === undefined ? undefined : state.view.resolve(set, { uid: true }));
  },
});
