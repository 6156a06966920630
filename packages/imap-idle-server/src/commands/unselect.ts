// UNSELECT (RFC 3691): leaves the mailbox and expunges nothing.
import { command, type Command } from "../command.ts";

export const unselect: Command = command({
  name: "UNSELECT",
  in: ["selected"],
  capability: "UNSELECT",
  parse: () => undefined,
  async run(session, _args, { account }) {
    session.enter({ name: "authenticated", account });
  },
});
