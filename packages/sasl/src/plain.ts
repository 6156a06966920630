// PLAIN (RFC 4616), and LOGIN as clients speak it: the password is said.
import type { MailStore } from "@pushmail/mailstore";
import type { Mechanism } from "./exchange.ts";
import { requireOneself } from "./require-oneself.ts";
import { SaslFault } from "./sasl-fault.ts";
import type { SaslStrictness } from "./tolerances.ts";

export function plain(store: MailStore, strict: SaslStrictness): Mechanism {
  return async (exchange) => {
    const [authorize, authenticate, password, ...more] = (await exchange.ask("")).split("\0");
    if (authorize === undefined || authenticate === undefined || password === undefined || more.length > 0) {
      throw new SaslFault("Expected authorization identity, NUL, address, NUL, password");
    }
    const name = authenticate === "" && !strict.has("plainNameInFront") ? authorize : authenticate;
    return exchange.attempt(name, () => {
      requireOneself(authorize, name);
      return store.authenticate(name, password);
    });
  };
}

export function login(store: MailStore): Mechanism {
  return async (exchange) => {
    const name = await exchange.ask("Username:");
    const password = await exchange.ask("Password:");
    return exchange.attempt(name, () => store.authenticate(name, password));
  };
}
