// One login by SASL (RFC 4422): what a mechanism may do, and how it goes over the line in base64 (RFC 4648).
import type { AccountInfo } from "@pushmail/mailstore";
import type { SaslChannel } from "./channel.ts";
import { SaslFault } from "./sasl-fault.ts";

/** A protocol that has SASL, at one of its connections. */
export interface SaslHost {
  readonly channel: SaslChannel;
  /** Sends a challenge, in base64, and waits for the client's line. */
  askForLine(challenge: string): Promise<string>;
  /** Checks what the client has shown for itself when it is its turn to be checked; counts and logs a failure. */
  attempt(name: string, check: () => Promise<AccountInfo>): Promise<AccountInfo>;
}

/** What a mechanism works with. */
export interface Exchange {
  readonly channel: SaslChannel;
  /** The next response to a challenge; the client may have given its first one in advance. */
  ask(challenge: string): Promise<string>;
  attempt(name: string, check: () => Promise<AccountInfo>): Promise<AccountInfo>;
}

/** Resolves to whose account it is, or rejects: a Refusal where it is nobody's, a SaslFault where it was not well said. */
export type Mechanism = (exchange: Exchange) => Promise<AccountInfo>;

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** `initial` is what the client sent along, still in base64: a lone `=` is an empty response (RFC 4959 3, RFC 4954 4). */
export function openExchange(host: SaslHost, initial: string | undefined): Exchange {
  let given = initial === "=" ? "" : initial;
  return {
    channel: host.channel,
    async ask(challenge) {
      const line = given ?? (await host.askForLine(Buffer.from(challenge).toString("base64")));
      given = undefined;
      // RFC 9051 6.2.2, RFC 4954 4: a lone `*` takes the command back.
      if (line === "*") throw new SaslFault("Authentication cancelled");
      if (!BASE64.test(line)) throw new SaslFault("Expected base64");
      return Buffer.from(line, "base64").toString("utf8");
    },
    attempt: (name, check) => host.attempt(name, check),
  };
}
