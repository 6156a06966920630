// Nobody may act for somebody else, whoever is asked for it and in whatever mechanism.
import { Refusal } from "@pushmail/mailstore";

/** Refuses an authorization identity (RFC 4422 3.4.1) other than the name that logs in; none is one's own. */
export function requireOneself(authorize: string, name: string): void {
  if (authorize === "" || authorize.toLowerCase() === name.toLowerCase()) return;
  throw new Refusal("authenticationFailed", "to act for another account is not allowed");
}
