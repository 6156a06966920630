// NAMESPACE (RFC 2342): the client's own mailboxes, and those of others.
import { printNamespace } from "@pushmail/imap-wire";
import { OTHER_USERS } from "../access.ts";
import { command, type Command } from "../command.ts";

export const namespace: Command = command({
  name: "NAMESPACE",
  in: ["authenticated", "selected"],
  capability: "NAMESPACE",
  parse: () => undefined,
  async run(session) {
    await session.write(printNamespace(`${OTHER_USERS}/`));
  },
});
