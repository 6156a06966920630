// COPY (RFC 9051 6.4.7), with the UIDs of the copies (RFC 4315 3).
import { intoTarget } from "../access.ts";
import { command, type Command } from "../command.ts";
import { ok } from "../replies.ts";
import { copyUid, messagesMeant, parseTransfer, transfer } from "../transfer.ts";

export const copy: Command = command({
  name: "COPY",
  in: ["selected"],
  uid: true,
  parse: parseTransfer,
  run: (session, { set, mailbox: name }, state, call) =>
    intoTarget(session, { client: state.account, name }, async (to) => {
      const uids = await messagesMeant(session, state, set, call);
      return ok("Copied", copyUid(await transfer(session, state, uids, { mode: "copy", to })));
    }),
});
