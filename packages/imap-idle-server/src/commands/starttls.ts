// STARTTLS (RFC 9051 6.2.1): what was sent in clear behind it is dropped.
import { SyntaxFault } from "@pushmail/imap-wire";
import { command, type Command } from "../command.ts";
import { no, ok } from "../replies.ts";

export const starttls: Command = command({
  name: "STARTTLS",
  in: ["notAuthenticated"],
  parse: () => undefined,
  async run(session) {
    if (session.client.isSecure) throw new SyntaxFault("TLS is on already");
    return session.startTls() ? ok("Begin TLS now") : no("UNAVAILABLE", "TLS is not set up");
  },
});
