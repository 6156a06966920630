// EXPUNGE (RFC 9051 6.4.3) and UID EXPUNGE (RFC 4315 2.1): what has \Deleted goes, and is told at the command's end.
import { parseSequenceSet } from "@pushmail/imap-wire";
import { byRightsOf } from "../access.ts";
import { command, type Command } from "../command.ts";
import { ReadFigures } from "../progress.ts";

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
    const byRights = byRightsOf(state, "e");
    await session.index(state);
    const at = { account: state.handle.account, mailbox: state.handle.id };
    const uids = set === undefined ? undefined : state.view.resolve(set, { uid: true });
    const figures = new ReadFigures();
    const work = session.store.expunge(at, uids, { byRights, onRead: figures.onRead });
    await session.progress.during(work, figures);
  },
});
