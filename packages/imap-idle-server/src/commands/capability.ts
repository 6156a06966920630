// CAPABILITY (RFC 9051 6.1.1).
import { printCapability } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";

export const capability: Command = command({
  name: "CAPABILITY",
  in: ["notAuthenticated", "authenticated", "selected"],
  parse: () => undefined,
  async run(session) {
    await session.write(printCapability(session.capabilities()));
  },
});
