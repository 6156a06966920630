// The domains that are named as local, or have an account or an alias here: it only words a refusal, so it may lag
// behind a little.
import { type MailStore, normalizeDomain } from "@pushmail/mailstore";

export interface LocalDomainsOptions {
  readonly store: Pick<MailStore, "accounts">;
  readonly now: () => number;
  /** Domains that are local whether or not anybody has an address there. */
  readonly domains: readonly string[];
  /** How old the list may be before an unknown domain makes it be read anew. */
  readonly ageMaxMs: number;
}

/** Whether a domain is local; the accounts are read at most once in `ageMaxMs`. */
export class LocalDomains {
  readonly #options: LocalDomainsOptions;
  #domains: ReadonlySet<string> = new Set();
  #readAtMs = -Infinity;
  #reading: Promise<ReadonlySet<string>> | null = null;

  constructor(options: LocalDomainsOptions) {
    this.#options = options;
  }

  async has(domain: string): Promise<boolean> {
    const name = normalizeDomain(domain);
    if (!this.#domains.has(name) && this.#options.now() - this.#readAtMs >= this.#options.ageMaxMs) {
      this.#reading ??= this.#read().finally(() => (this.#reading = null));
      this.#domains = await this.#reading;
      this.#readAtMs = this.#options.now();
    }
    return this.#domains.has(name);
  }

  async #read(): Promise<ReadonlySet<string>> {
    const domains = new Set(this.#options.domains.map(normalizeDomain));
    for await (const { address, aliases } of this.#options.store.accounts()) {
      for (const each of [address, ...aliases]) domains.add(each.slice(each.lastIndexOf("@") + 1));
    }
    return domains;
  }
}
