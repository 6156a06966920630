// MOVE (RFC 6851): the new UIDs are told before the EXPUNGEs, which come at the command's end.
import { printUntagged } from "@pushmail/imap-wire";
import { reachTarget, requireRights } from "../access.ts";
import { command, type Command } from "../command.ts";
import { no, ok } from "../replies.ts";
import { copyUid, messagesMeant, parseTransfer, transfer } from "../transfer.ts";

export const move: Command = command({
  name: "MOVE",
  in: ["selected"],
  capability: "MOVE",
  uid: true,
  tellsExpunge: true,
  parse: parseTransfer,
  async run(session, { set, mailbox }, state, call) {
    // RFC 6851 3.3: it is a copy, \Deleted, and an expunge.
    requireRights(state, "te");
    const target = await reachTarget(session, state.account, mailbox);
    if (target === undefined) return no("TRYCREATE", "No such mailbox");
    const uids = await messagesMeant(session, state, set, call);
    const code = copyUid(await transfer(session, state, uids, { mode: "move", to: target }));
    // RFC 6851 4.3
    if (code !== undefined) await session.write(printUntagged("OK", "Moved", code));
    return ok("MOVE completed");
  },
});
