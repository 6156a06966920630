// IDLE (RFC 2177): what changes is told at once, until the client says DONE.
import { SyntaxFault } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";

const DONE = /^DONE[ \t]*$/i;

export const idle: Command = command({
  name: "IDLE",
  in: ["authenticated", "selected"],
  capability: "IDLE",
  parse: () => undefined,
  async run(session, _args, state) {
    const line = await session.idle(state);
    if (!DONE.test(line)) throw new SyntaxFault("Expected DONE");
  },
});
