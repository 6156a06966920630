// LOGIN (RFC 9051 6.2.3).
import { latin1ToUtf8 } from "@pushmail/imap-wire";
import { Refusal } from "@pushmail/mailstore";
import { command, type Command } from "../command.ts";
import { ok } from "../replies.ts";

export const login: Command = command({
  name: "LOGIN",
  in: ["notAuthenticated"],
  parse(scan) {
    scan.space();
    const address = scan.astring();
    scan.space();
    return { address, password: scan.astring() };
  },
  async run(session, { address, password }) {
    if (!session.channel.isPrivate) throw new Refusal("loginInsecure", "Log in over TLS");
    // What is no UTF-8 is nobody's, and is refused like every wrong password.
    const name = latin1ToUtf8(address) ?? address;
    session.logIn(
      await session.attempt(name, () => session.store.authenticate(name, latin1ToUtf8(password) ?? password)),
    );
    return ok("Logged in", { code: "CAPABILITY", capabilities: session.capabilities() });
  },
});
