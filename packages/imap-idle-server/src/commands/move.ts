// MOVE (RFC 6851): the new UIDs are told before the EXPUNGEs, which come at the command's end.
import { printUntagged } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";
import { no, ok } from "../replies.ts";
import { requireWritable } from "../require-writable.ts";
import { copyUid, messagesMeant, parseTransfer, transfer } from "../transfer.ts";

export const move: Command = command({
  name: "MOVE",
  in: ["selected"],
  capability: "MOVE",
  uid: true,
  tellsExpunge: true,
  parse: parseTransfer,
  async run(session, { set, mailbox }, state, call) {
    requireWritable(state);
    const target = await session.store.mailbox(state.account.id, mailbox);
    if (target === undefined) return no("TRYCREATE", "No such mailbox");
    const uids = await messagesMeant(session, state, set, call);
    const code = copyUid(await transfer(session, state, uids, { mode: "move", to: target.id }));
    // RFC 6851 4.3
    if (code !== undefined) await session.write(printUntagged("OK", "Moved", code));
    return ok("MOVE completed");
  },
});
