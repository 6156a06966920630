// AUTHENTICATE (RFC 9051 6.2.2), the first response perhaps in the command (RFC 4959); what a mechanism does is SASL's.
import { command, type Command } from "../command.ts";
import { ok } from "../replies.ts";

export const authenticate: Command = command({
  name: "AUTHENTICATE",
  in: ["notAuthenticated"],
  capability: "SASL-IR",
  parse(scan) {
    scan.space();
    const mechanism = scan.atom().toUpperCase();
    const initial = scan.skip(" ") ? (scan.skip("=") ? "=" : scan.astring()) : undefined;
    return { mechanism, initial };
  },
  async run(session, { mechanism, initial }) {
    const account = await session.sasl.authenticate(mechanism, initial, session);
    if (account === undefined) return { status: "NO", text: "No such mechanism" };
    session.logIn(account);
    return ok("Authenticated", { code: "CAPABILITY", capabilities: session.capabilities() });
  },
});
