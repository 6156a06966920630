// NOOP (RFC 9051 6.1.2): does nothing; what is new is told at its end, as at that of every command.
import { command, type Command } from "../command.ts";

export const noop: Command = command({
  name: "NOOP",
  in: ["notAuthenticated", "authenticated", "selected"],
  parse: () => undefined,
  async run() {},
});
