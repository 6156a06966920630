// EXTERNAL (RFC 4422 A): the certificate that the client has shown in TLS says who it is.
import { Refusal, type MailStore } from "@pushmail/mailstore";
import { certifiedAddresses } from "./client-certificate.ts";
import type { Mechanism } from "./exchange.ts";
import { isCalled } from "./is-called.ts";

export function external(store: MailStore): Mechanism {
  return async (exchange) => {
    const wanted = await exchange.ask("");
    const addresses = certifiedAddresses(exchange.channel.tls);
    return exchange.attempt(wanted === "" ? (addresses[0] ?? "") : wanted, async () => {
      const accounts = await Promise.all(addresses.map((address) => store.findAccount(address)));
      const found = accounts.find((account) => account !== undefined && isCalled(account, wanted));
      if (found === undefined) throw new Refusal("authenticationFailed", "the certificate is of nobody here");
      return found;
    });
  };
}
