// NAMESPACE (RFC 2342): one personal namespace, no others.
import { printNamespace } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";

export const namespace: Command = command({
  name: "NAMESPACE",
  in: ["authenticated", "selected"],
  capability: "NAMESPACE",
  parse: () => undefined,
  async run(session) {
    await session.write(printNamespace());
  },
});
