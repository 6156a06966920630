// DELETE (RFC 9051 6.3.5). Who deletes the mailbox that he has selected leaves it.
import { parseMailbox, printUntagged } from "@pushmail/imap-wire";
import { reachPlace } from "../access.ts";
import { command, type Command } from "../command.ts";

export const deleteMailbox: Command = command({
  name: "DELETE",
  in: ["authenticated", "selected"],
  parse(scan) {
    scan.space();
    return parseMailbox(scan);
  },
  async run(session, name, state) {
    const { account } = state;
    const { owner, ownName } = await reachPlace(session, account, name);
    session.own(await session.store.deleteMailbox(owner.id, ownName), { account: owner.id });
    if (state.name !== "selected" || state.handle.status !== undefined) return;
    session.enter({ name: "authenticated", account });
    // Who did not hear of a new name cannot know that it was his.
    await session.write(printUntagged("OK", "Closed", "CLOSED"));
  },
});
