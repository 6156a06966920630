// MOVE (RFC 6851): the new UIDs are told before the EXPUNGEs, which come at the command's end.
import { printUntagged } from "@pushmail/imap-wire";
import { byRightsOf, intoTarget } from "../access.ts";
import { command, type Command } from "../command.ts";
import { ok } from "../replies.ts";
import { copyUid, messagesMeant, parseTransfer, transfer } from "../transfer.ts";

export const move: Command = command({
  name: "MOVE",
  in: ["selected"],
  capability: "MOVE",
  uid: true,
  tellsExpunge: true,
  parse: parseTransfer,
  async run(session, { set, mailbox: name }, state, call) {
    // RFC 6851 3.3: it is a copy, \Deleted, and an expunge.
    const byRightsFrom = byRightsOf(state, "te");
    return intoTarget(session, { client: state.account, name }, async (to) => {
      const uids = await messagesMeant(session, state, set, call);
      const code = copyUid(await transfer(session, state, uids, { mode: "move", to, byRightsFrom }));
      // RFC 6851 4.3
      if (code !== undefined) await session.write(printUntagged("OK", "Moved", code));
      return ok("MOVE completed");
    });
  },
});
