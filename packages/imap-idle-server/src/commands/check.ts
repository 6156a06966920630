// CHECK (RFC 3501 6.4.1): everything acknowledged is on disk already, so it is a NOOP.
import { command, type Command } from "../command.ts";

export const check: Command = command({
  name: "CHECK",
  in: ["selected"],
  parse: () => undefined,
  async run() {},
});
