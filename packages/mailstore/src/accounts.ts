// Accounts, their addresses and who gets mail to which address. Kept in the driver's directory:
// `account/ID` holds the account, `address/ADDRESS` names the account of an address, an alias or `@domain` (catch-all).
import { domainToUnicode } from "node:url";
import type { AccountState } from "./account-state.ts";
import type { DirectoryEntry } from "./driver.ts";
import { accountId, mailboxId, type AccountId } from "./ids.ts";
import { createFirstMailboxes, INBOX } from "./mailbox-names.ts";
import { Refusal } from "./refusal.ts";
import type { Secrets } from "./secrets.ts";
import type { AccountInfo, AccountUpdate, NewAccount, Recipient } from "./store.ts";
import type { StoreContext } from "./store-context.ts";
import { TransactionDraft } from "./transaction-draft.ts";
import { TurnQueue } from "./turn-queue.ts";

/** What `account/ID` holds. */
interface StoredAccount {
  readonly address: string;
  readonly aliases: readonly string[];
  readonly secret: string;
  /** What it is to begin with; later changes are the account's own. */
  readonly quota?: Quotas;
}

type Quotas = Pick<AccountUpdate, "quotaBytesMax" | "quotaMessagesMax">;

interface FoundAccount {
  readonly id: AccountId;
  readonly stored: StoredAccount;
}

/** RFC 5321 4.5.3.1: the longest path, without its angle brackets. */
const ADDRESS_BYTES_MAX = 254;
const LOCAL_PART_BYTES_MAX = 64;
/** Of an address as it is given: longer than any whose normal form is short enough. */
const ADDRESS_CHARS_MAX = 4 * ADDRESS_BYTES_MAX;

export class Accounts {
  readonly #context: StoreContext;
  readonly #secrets: Secrets;
  readonly #turns = new TurnQueue();
  #lastId: number | undefined;

  constructor(context: StoreContext, secrets: Secrets) {
    this.#context = context;
    this.#secrets = secrets;
  }

  async create(request: NewAccount): Promise<AccountInfo> {
    const address = normalizeAddress(request.address);
    const aliases = normalizeAliases(request.aliases ?? [], address, this.#context.limits);
    const secret = await this.#secrets.hash(request.password);
    return this.#turns.run(async () => {
      const quota = quotasOf(request);
      const id = await this.#register({ address, aliases, secret, quota });
      await this.#begin(id, quota);
      return { id, address, aliases };
    });
  }

  async update(id: AccountId, update: AccountUpdate): Promise<AccountInfo> {
    const secret = update.password === undefined ? undefined : await this.#secrets.hash(update.password);
    return this.#turns.run(async () => {
      const known = await this.#stored(id);
      if (known === undefined) throw new Refusal("accountNotFound", "no such account");
      const aliases = normalizeAliases(update.aliases ?? known.aliases, known.address, this.#context.limits);
      const fresh = aliases.filter((alias) => !known.aliases.includes(alias));
      const gone = known.aliases.filter((alias) => !aliases.includes(alias));
      const stored: StoredAccount = { address: known.address, aliases, secret: secret ?? known.secret };
      const taken = await this.#context.driver.directory.put([
        { key: accountKey(id), value: encode(stored) },
        ...addressEntries(id, fresh),
        ...gone.map((alias) => ({ key: addressKey(alias), value: null })),
      ]);
      if (!taken) throw new Refusal("accountExists", "one of the aliases is taken");
      await this.#setLimits(await this.#loadOrBegin(id), update);
      return { id, address: known.address, aliases };
    });
  }

  async *all(): AsyncGenerator<AccountInfo> {
    for await (const [key, value] of this.#context.driver.directory.list("account/")) {
      const { address, aliases } = decode(value);
      yield { id: accountId(Number(key.slice("account/".length))), address, aliases };
    }
  }

  /** The account of exactly this address; an address that cannot be one belongs to nobody. */
  async find(address: string): Promise<AccountInfo | undefined> {
    const normal = tryNormalize(address);
    return normal === undefined ? undefined : this.#byKey(normal);
  }

  async resolve(address: string): Promise<Recipient | undefined> {
    const normal = tryNormalize(address);
    if (normal === undefined) return undefined;
    const at = normal.lastIndexOf("@");
    const plus = normal.indexOf("+");
    const detail = plus > 0 && plus < at ? normal.slice(plus + 1, at) : null;
    const account =
      (await this.#byKey(normal)) ??
      (detail === null ? undefined : await this.#byKey(normal.slice(0, plus) + normal.slice(at))) ??
      (await this.#byKey(normal.slice(at)));
    if (account === undefined) return undefined;
    const inbox = (await this.load(account.id)).named(INBOX);
    return { account, mailbox: inbox?.at.mailbox ?? mailboxId(1), detail };
  }

  async authenticate(address: string, password: string): Promise<AccountInfo> {
    const found = await this.#storedOf(tryNormalize(address));
    const right = await this.#secrets.verify(found?.stored.secret, { address, password });
    if (!right || found === undefined) throw new Refusal("authenticationFailed", "wrong user name or password");
    return infoOf(found);
  }

  /** The account's state; one whose creation was cut short gets its first mailboxes now. */
  async load(id: AccountId): Promise<AccountState> {
    try {
      return await this.#context.accounts.get(id);
    } catch (error) {
      if (!isMissing(error) || (await this.#stored(id)) === undefined) throw error;
      // In a turn: it may be being created right now.
      return this.#turns.run(() => this.#loadOrBegin(id));
    }
  }

  async #loadOrBegin(id: AccountId): Promise<AccountState> {
    try {
      return await this.#context.accounts.get(id);
    } catch (error) {
      if (!isMissing(error)) throw error;
      await this.#begin(id, (await this.#stored(id))?.quota ?? {});
      return this.#context.accounts.get(id);
    }
  }

  /** Writes an account down under the next free id. */
  async #register(stored: StoredAccount): Promise<AccountId> {
    for (;;) {
      const id = accountId((await this.#highestId()) + 1);
      const written = await this.#context.driver.directory.put([
        { key: accountKey(id), value: encode(stored), ifAbsent: true },
        ...addressEntries(id, [stored.address, ...stored.aliases]),
      ]);
      if (!written && (await this.#stored(id)) === undefined) {
        throw new Refusal("accountExists", "the address, or one of the aliases, is taken");
      }
      this.#lastId = id;
      if (written) return id;
    }
  }

  async #begin(id: AccountId, quota: Quotas): Promise<void> {
    const { quotaBytesMax: bytesMax = 0, quotaMessagesMax: messagesMax = 0 } = quota;
    const draft = new TransactionDraft(id);
    await this.#context.driver.commit([draft.finish({ enforceQuota: false, limits: { bytesMax, messagesMax } })]);
    await createFirstMailboxes(this.#context, await this.#context.accounts.get(id));
  }

  async #setLimits(account: AccountState, update: AccountUpdate): Promise<void> {
    const { quotaBytesMax: bytesMax, quotaMessagesMax: messagesMax } = update;
    if (bytesMax === undefined && messagesMax === undefined) return;
    const limits = {
      bytesMax: bytesMax ?? account.limits.bytesMax,
      messagesMax: messagesMax ?? account.limits.messagesMax,
    };
    await this.#context.driver.commit([new TransactionDraft(account.id).finish({ enforceQuota: false, limits })]);
  }

  async #byKey(address: string): Promise<AccountInfo | undefined> {
    const found = await this.#storedOf(address);
    return found === undefined ? undefined : infoOf(found);
  }

  async #storedOf(address: string | undefined): Promise<FoundAccount | undefined> {
    if (address === undefined) return undefined;
    const found = await this.#context.driver.directory.get(addressKey(address));
    if (found === undefined) return undefined;
    const id = accountId(Number(Buffer.from(found).toString("utf8")));
    const stored = await this.#stored(id);
    return stored === undefined ? undefined : { id, stored };
  }

  async #stored(id: AccountId): Promise<StoredAccount | undefined> {
    const value = await this.#context.driver.directory.get(accountKey(id));
    return value === undefined ? undefined : decode(value);
  }

  async #highestId(): Promise<number> {
    if (this.#lastId !== undefined) return this.#lastId;
    let highest = 0;
    for await (const { id } of this.all()) highest = Math.max(highest, id);
    return highest;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Refusal && error.code === "accountNotFound";
}

function quotasOf({ quotaBytesMax, quotaMessagesMax }: NewAccount): Quotas {
  return {
    ...(quotaBytesMax === undefined ? {} : { quotaBytesMax }),
    ...(quotaMessagesMax === undefined ? {} : { quotaMessagesMax }),
  };
}

function infoOf({ id, stored: { address, aliases } }: FoundAccount): AccountInfo {
  return { id, address, aliases };
}

/** An address as it is compared: lower case, NFC, the domain in Unicode. Throws a Refusal where it cannot be one. */
export function normalizeAddress(address: string): string {
  // Before it is normalized: both that and Punycode take the square of a length.
  if (address.length > ADDRESS_CHARS_MAX) throw addressInvalid(address);
  const at = address.lastIndexOf("@");
  const local = address.slice(0, Math.max(at, 0)).normalize("NFC").toLowerCase();
  const domain = normalizeDomain(address.slice(at + 1));
  const normal = `${local}@${domain}`;
  // Quoted local parts are legal but nobody's: what needs quotes is refused.
  const bad =
    at <= 0 ||
    domain === "" ||
    /[\s\p{Cc}\p{Cs}"(),:;<>@[\\\]]/u.test(local) ||
    Buffer.byteLength(local) > LOCAL_PART_BYTES_MAX ||
    Buffer.byteLength(normal) > ADDRESS_BYTES_MAX;
  if (bad) throw addressInvalid(address);
  return normal;
}

function addressInvalid(address: string): Refusal {
  return new Refusal("addressInvalid", `not a mail address: ${JSON.stringify(address.slice(0, 100))}`);
}

function normalizeDomain(domain: string): string {
  if (/[\s\p{Cc}/?#@:]/u.test(domain)) return "";
  if (domain.startsWith("[") && domain.endsWith("]")) return domain.toLowerCase();
  return domainToUnicode(domain).toLowerCase();
}

function tryNormalize(address: string): string | undefined {
  try {
    return normalizeAddress(address);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

function normalizeAliases(
  aliases: readonly string[],
  address: string,
  { aliasesMax }: { readonly aliasesMax: number },
): string[] {
  if (aliases.length > aliasesMax) throw new Refusal("addressInvalid", "too many aliases");
  const normal = aliases.map((alias) => {
    if (!alias.startsWith("@")) return normalizeAddress(alias);
    const domain = normalizeDomain(alias.slice(1));
    if (domain === "") throw new Refusal("addressInvalid", "not a domain that can be caught");
    return `@${domain}`;
  });
  return [...new Set(normal)].filter((alias) => alias !== address);
}

function addressEntries(id: AccountId, addresses: readonly string[]): DirectoryEntry[] {
  const value = Buffer.from(String(id));
  return addresses.map((address) => ({ key: addressKey(address), value, ifAbsent: true }));
}

function accountKey(id: AccountId): string {
  return `account/${String(id).padStart(10, "0")}`;
}

function addressKey(address: string): string {
  return `address/${address}`;
}

function encode(account: StoredAccount): Uint8Array {
  return Buffer.from(JSON.stringify(account));
}

function decode(value: Uint8Array): StoredAccount {
  return JSON.parse(Buffer.from(value).toString("utf8")) as StoredAccount;
}
