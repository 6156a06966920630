// AUTHENTICATE PLAIN and LOGIN (RFC 9051 6.2.2, RFC 4616), the first response perhaps in the command (RFC 4959).
import { SyntaxFault } from "@pushmail/imap-wire";
import { Refusal } from "@pushmail/mailstore";
import { command, type Command, type Session } from "../command.ts";
import { ok } from "../replies.ts";

interface Credentials {
  readonly address: string;
  readonly password: string;
}

/** Gets the client's next response, decoded. */
type Ask = (challenge: string) => Promise<string>;

const MECHANISMS: ReadonlyMap<string, (ask: Ask) => Promise<Credentials>> = new Map([
  ["PLAIN", askPlain],
  ["LOGIN", askLogin],
]);
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

export const authenticate: Command = command({
  name: "AUTHENTICATE",
  in: ["notAuthenticated"],
  capability: "SASL-IR",
  parse(scan) {
    scan.space();
    const mechanism = scan.atom().toUpperCase();
    // A lone `=` is an empty response (RFC 4959 3).
    const initial = scan.skip(" ") ? (scan.skip("=") ? "" : scan.astring()) : undefined;
    return { mechanism, initial };
  },
  async run(session, { mechanism, initial }) {
    const exchange = MECHANISMS.get(mechanism);
    if (exchange === undefined) return { status: "NO", text: "No such mechanism" };
    if (!session.client.isPrivate) throw new Refusal("loginInsecure", "Log in over TLS");
    const { address, password } = await exchange(asker(session, initial));
    await session.logIn(address, password);
    return ok("Authenticated", { code: "CAPABILITY", capabilities: session.capabilities() });
  },
});

/** Asks the client, save for the response that it gave in advance. */
function asker(session: Session, initial: string | undefined): Ask {
  let given = initial;
  return async (challenge) => {
    const line = given ?? (await session.askForLine(Buffer.from(challenge).toString("base64")));
    given = undefined;
    // RFC 9051 6.2.2: a lone `*` takes the command back, and is answered with BAD.
    if (line === "*") throw new SyntaxFault("Authentication cancelled");
    if (!BASE64.test(line)) throw new SyntaxFault("Expected base64");
    return Buffer.from(line, "base64").toString("utf8");
  };
}

async function askPlain(ask: Ask): Promise<Credentials> {
  const [authorize, address, password, ...more] = (await ask("")).split("\0");
  if (authorize === undefined || address === undefined || password === undefined || more.length > 0) {
    throw new SyntaxFault("Expected authorization identity, NUL, address, NUL, password");
  }
  // RFC 4616 2: to act as somebody else is not possible.
  if (authorize !== "" && authorize.toLowerCase() !== address.toLowerCase()) {
    throw new Refusal("authenticationFailed", "Not allowed to act as somebody else");
  }
  return { address, password };
}

async function askLogin(ask: Ask): Promise<Credentials> {
  return { address: await ask("Username:"), password: await ask("Password:") };
}
