// What a token claims, and how it is told that a token will not do.
import { Refusal } from "@pushmail/mailstore";
import type { TokenLimits } from "./limits.ts";

export type Claims = Readonly<Record<string, unknown>>;

/** What claims are held against. */
export interface CheckOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly limits: TokenLimits;
  readonly now: () => number;
}

/** The address that stands in a claim. */
export function addressIn(claims: Claims, claim: string): string {
  const address = claims[claim];
  if (typeof address !== "string" || address === "") throw tokenRefused(`it has no ${claim}`);
  // OpenID Connect Core 5.1: what is not verified may be anybody's. Some issuers write it as a string.
  const { email_verified: isVerified = true } = claims;
  if (claim === "email" && isVerified !== true && isVerified !== "true") {
    throw tokenRefused("its address is not verified");
  }
  return address;
}

export function tokenRefused(why: string): Refusal {
  return new Refusal("authenticationFailed", `the token is not accepted: ${why}`);
}

export function issuerUnavailable(cause: unknown): Refusal {
  return new Refusal("loginUnavailable", "the issuer of tokens cannot be asked, try again later", { cause });
}
