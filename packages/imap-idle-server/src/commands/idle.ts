// IDLE (RFC 2177): what changes is told at once, until the client says DONE.
import { command, type Command } from "../command.ts";

export const idle: Command = command({
  name: "IDLE",
  in: ["authenticated", "selected"],
  capability: "IDLE",
  parse: () => undefined,
  run: (session, _args, state) => session.idle(state),
});
