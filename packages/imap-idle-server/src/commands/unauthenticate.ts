// UNAUTHENTICATE (RFC 8437): back to before login, on the same connection; all but TLS is as it was in the beginning.
import { SyntaxFault } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";
import { ok } from "../replies.ts";

export const unauthenticate: Command = command({
  name: "UNAUTHENTICATE",
  in: ["authenticated", "selected"],
  parse: () => undefined,
  async run(session) {
    // RFC 8437 8: there must be a way to do without it.
    if (!session.server.allowsUnauthenticate) throw new SyntaxFault("Unknown command UNAUTHENTICATE");
    session.logOut();
    return ok("Not authenticated", { code: "CAPABILITY", capabilities: session.capabilities() });
  },
});
