// LOGOUT (RFC 9051 6.1.3).
import { printUntagged } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";

export const logout: Command = command({
  name: "LOGOUT",
  in: ["notAuthenticated", "authenticated", "selected"],
  parse: () => undefined,
  async run(session) {
    await session.write(printUntagged("BYE", "Logging out"));
    session.enter({ name: "logout" });
  },
});
