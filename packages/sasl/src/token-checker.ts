// Whose a bearer token is: it is signed by the issuer (RFC 7519), or the issuer is asked (RFC 7662).
import type { JSONWebKeySet } from "jose";
import { limitsGiven } from "@pushmail/mailstore";
import { TOKEN_LIMITS, TOKEN_ZEROS, type TokenLimits } from "./limits.ts";
import { introspect } from "./introspection.ts";
import { addressIn, type CheckOptions, type Claims } from "./token-claims.ts";

export interface TokenSettings {
  /** As it names itself in its tokens; clients are sent there for new ones. */
  readonly issuer: string;
  /** For whom a token must be. */
  readonly audience: string;
  /** The claim that holds the account's address. */
  readonly claim: string;
  /** The issuer's keys or where they are to be had, or whom to ask about a token, with our name and password in it. */
  readonly source: { readonly keys: JSONWebKeySet | URL } | { readonly introspection: URL };
  readonly limits?: Partial<TokenLimits>;
  readonly now?: () => number;
}

export interface TokenChecker {
  readonly issuer: string;
  /** The address in a good token; refuses with `authenticationFailed`, or `loginUnavailable` while nobody can tell. */
  check(token: string): Promise<string>;
}

export async function createTokenChecker(settings: TokenSettings): Promise<TokenChecker> {
  const { source, now = Date.now } = settings;
  const { issuer, audience, claim } = settings;
  const limits = limitsGiven(TOKEN_LIMITS, settings.limits, TOKEN_ZEROS);
  const options: CheckOptions = { issuer, audience, limits, now };
  const claimsOf =
    "keys" in source ? await keysChecker(source.keys, options) : introspector(source.introspection, options);
  return {
    issuer,
    check: async (token) => addressIn(await claimsOf(token), claim),
  };
}

type ClaimsOf = (token: string) => Promise<Claims>;

/** Loaded only where it is needed: the library behind it is a ninth of all modules, and a start would wait for it. */
async function keysChecker(keys: JSONWebKeySet | URL, options: CheckOptions): Promise<ClaimsOf> {
  const { signatureChecker } = await import("./signed-tokens.ts");
  return signatureChecker(keys, options);
}

function introspector(issuer: URL, options: CheckOptions): ClaimsOf {
  return (token) => introspect(token, issuer, options);
}
