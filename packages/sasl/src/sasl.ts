// The mechanisms by name, the ones that say least about a password first, and which of them a connection may use.
import { Refusal, type AccountInfo, type MailStore } from "@pushmail/mailstore";
import { isBindable } from "./channel-binding.ts";
import type { SaslChannel } from "./channel.ts";
import { certifiedAddresses } from "./client-certificate.ts";
import { openExchange, type Mechanism, type SaslHost } from "./exchange.ts";
import { external } from "./external.ts";
import { oauthbearer, xoauth2 } from "./oauth.ts";
import { login, plain } from "./plain.ts";
import { randomNonce, scram } from "./scram.ts";
import type { TokenChecker } from "./token-checker.ts";
import type { SaslStrictness } from "./tolerances.ts";

export interface SaslOptions {
  readonly store: MailStore;
  /** Makes the server's half of SCRAM's nonces; random by default. */
  readonly nonce?: () => string;
  /** Without it no tokens are taken. */
  readonly tokens?: TokenChecker;
  /** Tolerances to do without. */
  readonly strict?: SaslStrictness;
}

interface Entry {
  readonly mechanism: Mechanism;
  /** Whether it may be used where nobody else reads along. */
  readonly isUsable: (channel: SaslChannel) => boolean;
}

export class Sasl {
  readonly #entries: ReadonlyMap<string, Entry>;

  constructor({ store, tokens, nonce = randomNonce, strict = new Set() }: SaslOptions) {
    const always = (): boolean => true;
    const inTls = ({ tls }: SaslChannel): boolean => isBindable(tls);
    const scrams = (["SHA-256", "SHA-1"] as const).flatMap((hash): [string, Entry][] => [
      [`SCRAM-${hash}-PLUS`, { mechanism: scram({ store, hash, isPlus: true, nonce, strict }), isUsable: inTls }],
      [`SCRAM-${hash}`, { mechanism: scram({ store, hash, isPlus: false, nonce, strict }), isUsable: always }],
    ]);
    const oauths: readonly [string, Entry][] =
      tokens === undefined
        ? []
        : [
            ["OAUTHBEARER", { mechanism: oauthbearer({ store, tokens }), isUsable: always }],
            ["XOAUTH2", { mechanism: xoauth2({ store, tokens }), isUsable: always }],
          ];
    const hasCertificate = ({ tls }: SaslChannel): boolean => certifiedAddresses(tls).length > 0;
    this.#entries = new Map<string, Entry>([
      ["EXTERNAL", { mechanism: external(store), isUsable: hasCertificate }],
      ...scrams,
      ...oauths,
      ["PLAIN", { mechanism: plain(store, strict), isUsable: always }],
      ["LOGIN", { mechanism: login(store), isUsable: () => !strict.has("loginMechanism") }],
    ]);
  }

  /** What to announce to a connection. */
  mechanisms(channel: SaslChannel): readonly string[] {
    if (!channel.isPrivate) return [];
    return [...this.#entries].flatMap(([name, { isUsable }]) => (isUsable(channel) ? name : []));
  }

  /** Whose account it is; undefined where there is no such mechanism. */
  async authenticate(name: string, initial: string | undefined, host: SaslHost): Promise<AccountInfo | undefined> {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    if (!host.channel.isPrivate) throw new Refusal("loginInsecure", "Log in over TLS");
    if (!entry.isUsable(host.channel)) return undefined;
    return entry.mechanism(openExchange(host, initial));
  }
}
