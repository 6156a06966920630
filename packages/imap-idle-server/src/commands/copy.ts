// COPY (RFC 9051 6.4.7), with the UIDs of the copies (RFC 4315 3).
import { reachTarget } from "../access.ts";
import { command, type Command } from "../command.ts";
import { no, ok } from "../replies.ts";
import { copyUid, messagesMeant, parseTransfer, transfer } from "../transfer.ts";

export const copy: Command = command({
  name: "COPY",
  in: ["selected"],
  uid: true,
  parse: parseTransfer,
  async run(session, { set, mailbox }, state, call) {
    const target = await reachTarget(session, state.account, mailbox);
    if (target === undefined) return no("TRYCREATE", "No such mailbox");
    const uids = await messagesMeant(session, state, set, call);
    return ok("Copied", copyUid(await transfer(session, state, uids, { mode: "copy", to: target })));
  },
});
