// OAUTHBEARER (RFC 7628) and its forerunner XOAUTH2: a token from elsewhere stands for the password.
import { Refusal, type AccountInfo, type MailStore } from "@pushmail/mailstore";
import type { Exchange, Mechanism } from "./exchange.ts";
import { isCalled } from "./is-called.ts";
import { SaslFault } from "./sasl-fault.ts";
import type { TokenChecker } from "./token-checker.ts";

export interface OauthOptions {
  readonly store: MailStore;
  readonly tokens: TokenChecker;
}

interface Bearer {
  /** Empty where the client leaves it to the token. */
  readonly name: string;
  readonly token: string;
}

// RFC 7628 3.1: a GS2 header, then key=value pairs, each with \x01 behind it, then one more.
// oxlint-disable-next-line no-control-regex
const OAUTHBEARER = /^n,(?:a=([^,]*))?,\x01((?:[A-Za-z]+=[^\x01]*\x01)*)\x01$/;
// oxlint-disable-next-line no-control-regex
const XOAUTH2 = /^user=([^\x01]+)\x01((?:[A-Za-z]+=[^\x01]*\x01)*)\x01$/;

export function oauthbearer(options: OauthOptions): Mechanism {
  return async (exchange) => {
    const [, name = "", pairs] = OAUTHBEARER.exec(await exchange.ask("")) ?? [];
    const bearer = { name: name.replaceAll("=2C", ",").replaceAll("=3D", "="), token: tokenIn(pairs) };
    // RFC 7628 3.2.2
    const configuration = new URL(`${options.tokens.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
    return logIn(exchange, bearer, {
      ...options,
      refusal: { status: "invalid_token", "openid-configuration": configuration },
    });
  };
}

export function xoauth2(options: OauthOptions): Mechanism {
  return async (exchange) => {
    const [, name = "", pairs] = XOAUTH2.exec(await exchange.ask("")) ?? [];
    return logIn(
      exchange,
      { name, token: tokenIn(pairs) },
      { ...options, refusal: { status: "401", schemes: "bearer" } },
    );
  };
}

/** RFC 6750 2.1: the token behind `Bearer`; empty from a client that only asks where to get one. */
function tokenIn(pairs: string | undefined): string {
  if (pairs === undefined) throw new SaslFault("Expected a bearer token, as the mechanism writes it");
  // oxlint-disable-next-line no-control-regex
  const [, authorization = ""] = /(?:^|\x01)auth=([^\x01]*)\x01/.exec(pairs) ?? [];
  return /^bearer +(\S+)$/i.exec(authorization)?.[1] ?? "";
}

async function logIn(
  exchange: Exchange,
  { name, token }: Bearer,
  { store, tokens, refusal }: OauthOptions & { readonly refusal: object },
): Promise<AccountInfo> {
  try {
    return await exchange.attempt(name, async () => {
      const account = await store.findAccount(await tokens.check(token));
      if (account !== undefined && isCalled(account, name)) return account;
      throw new Refusal("authenticationFailed", "the token is of nobody here");
    });
  } catch (error) {
    // What is wrong is told as a challenge; whatever the client says to it, it does not get in.
    if (error instanceof Refusal && error.code === "authenticationFailed") await exchange.ask(JSON.stringify(refusal));
    throw error;
  }
}
