// Accounts, their addresses and who gets mail to which address. Kept in the driver's directory:
// `account/ID` holds the account, `address/ADDRESS` names the account of an address, an alias or `@domain` (catch-all).
import type { AccountState } from "./account-state.ts";
import { checkAppPasswordName } from "./app-passwords.ts";
import { checkLimits } from "./check-limits.ts";
import type { Credentials, StoredCredentials } from "./credentials.ts";
import type { DirectoryEntry } from "./driver.ts";
import { accountId, type AccountId } from "./ids.ts";
import { normalizeAddress, normalizeAliases, tryNormalize } from "./mail-address.ts";
import { createFirstMailboxes, INBOX } from "./mailbox-names.ts";
import { Refusal } from "./refusal.ts";
import type { ScramHash } from "./scram-keys.ts";
import type { AccountInfo, AccountUpdate, AppPassword, NewAccount, Recipient, ScramLogin } from "./store.ts";
import type { StoreContext } from "./store-context.ts";
import { TransactionDraft } from "./transaction-draft.ts";
import { TurnQueue } from "./turn-queue.ts";

/** What `account/ID` holds. */
interface StoredAccount extends StoredCredentials {
  readonly address: string;
  readonly aliases: readonly string[];
  /** What it is to begin with; later changes are the account's own. */
  readonly quota?: Quotas;
}

type Quotas = Pick<AccountUpdate, "quotaBytesMax" | "quotaMessagesMax">;

interface FoundAccount {
  readonly id: AccountId;
  readonly stored: StoredAccount;
}

export class Accounts {
  readonly #context: StoreContext;
  readonly #credentials: Credentials;
  readonly #turns = new TurnQueue();
  #lastId: number | undefined;
  /** By what the directory holds, as long as it keeps that: each mail asks for its recipient. Never with credentials. */
  readonly #infos = new WeakMap<Uint8Array, AccountInfo>();

  constructor(context: StoreContext, credentials: Credentials) {
    this.#context = context;
    this.#credentials = credentials;
  }

  async create(request: NewAccount): Promise<AccountInfo> {
    const address = normalizeAddress(request.address);
    const aliases = normalizeAliases(request.aliases ?? [], address, this.#context.limits);
    const quota = quotasOf(request);
    const credentials = await this.#credentials.make(address, request.password);
    return this.#turns.run(async () => {
      const id = await this.#register({ address, aliases, ...credentials, quota });
      await this.#loadOrBegin(id);
      return { id, address, aliases };
    });
  }

  async update(id: AccountId, update: AccountUpdate): Promise<AccountInfo> {
    const quotas = quotasOf(update);
    const credentials = await this.#newCredentials(id, update.password);
    return this.#turns.run(async () => {
      const known = await this.#known(id);
      const aliases = normalizeAliases(update.aliases ?? known.aliases, known.address, this.#context.limits);
      const fresh = aliases.filter((alias) => !known.aliases.includes(alias));
      const gone = known.aliases.filter((alias) => !aliases.includes(alias));
      const stored: StoredAccount = { ...known, aliases, ...credentials };
      const taken = await this.#context.driver.directory.put([
        { key: accountKey(id), value: encode(stored) },
        ...addressEntries(id, fresh),
        ...gone.map((alias) => ({ key: addressKey(alias), value: null })),
      ]);
      if (!taken) throw new Refusal("accountExists", "one of the aliases is taken");
      await this.#setLimits(await this.#loadOrBegin(id), quotas);
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

  /** The account that has exactly this address as its own, not as an alias. */
  async findOwn(address: string): Promise<AccountInfo | undefined> {
    const account = await this.find(address);
    return account?.address === tryNormalize(address) ? account : undefined;
  }

  async get(id: AccountId): Promise<AccountInfo | undefined> {
    const value = await this.#context.driver.directory.get(accountKey(id));
    if (value === undefined) return undefined;
    let info = this.#infos.get(value);
    if (info === undefined) this.#infos.set(value, (info = infoOf({ id, stored: decode(value) })));
    return info;
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
    if (inbox === undefined) throw new Error(`account ${account.id} has lost ${INBOX}: have the store checked`);
    return { account, mailbox: inbox.at.mailbox, detail };
  }

  async authenticate(address: string, password: string): Promise<AccountInfo> {
    const found = await this.#storedOf(tryNormalize(address));
    const verified = await this.#credentials.verify(found?.stored, { address, password });
    if (verified === "wrong" || found === undefined)
      throw new Refusal("authenticationFailed", "wrong user name or password");
    if (verified === "password") await this.#renew(found, password);
    return infoOf(found);
  }

  async scramLogin(address: string, hash: ScramHash): Promise<ScramLogin> {
    const normal = tryNormalize(address) ?? address;
    const found = await this.#storedOf(normal);
    // As much is read for who is nobody. An alias counts as that: with the salt of its account it would tell whose it is.
    if (found === undefined) await this.#stored(accountId(0));
    const own = found?.stored.address === normal ? found : undefined;
    const keys = await this.#credentials.scramKeys(normal, own?.stored, hash);
    return { ...keys, account: own === undefined ? undefined : infoOf(own) };
  }

  async addAppPassword(id: AccountId, name: string): Promise<string> {
    const known = await this.#known(id);
    checkAppPasswordName(name, known.appPasswords ?? [], this.#context.limits);
    const { password, stored } = await this.#credentials.makeAppPassword(known);
    const createdAtMs = this.#context.now();
    await this.#turns.run(async () => {
      const now = await this.#known(id);
      checkAppPasswordName(name, now.appPasswords ?? [], this.#context.limits);
      await this.#put(id, { ...now, appPasswords: [...(now.appPasswords ?? []), { name, createdAtMs, ...stored }] });
    });
    return password;
  }

  async appPasswords(id: AccountId): Promise<readonly AppPassword[]> {
    const { appPasswords = [] } = await this.#known(id);
    return appPasswords.map(({ name, createdAtMs }) => ({ name, createdAtMs }));
  }

  removeAppPassword(id: AccountId, name: string): Promise<boolean> {
    return this.#turns.run(async () => {
      const now = await this.#known(id);
      const { appPasswords = [] } = now;
      const left = appPasswords.filter((one) => one.name !== name);
      if (left.length < appPasswords.length) await this.#put(id, { ...now, appPasswords: left });
      return left.length < appPasswords.length;
    });
  }

  /** The account's state; one whose creation was cut short gets its first mailboxes now. */
  async load(id: AccountId): Promise<AccountState> {
    try {
      const account = await this.#context.accounts.get(id);
      // INBOX may be what is lost, and another one would take its place.
      if (account.named(INBOX) !== undefined || account.losses.length > 0) return account;
    } catch (error) {
      if (!isMissing(error) || (await this.#stored(id)) === undefined) throw error;
    }
    // In a turn: it may be being created right now.
    return this.#turns.run(() => this.#loadOrBegin(id));
  }

  /** Keeps the password as the limits want it today, now that it is known. */
  async #renew({ id, stored }: FoundAccount, password: string): Promise<void> {
    try {
      const renewed = await this.#credentials.renew(stored, password);
      if (renewed === undefined) return;
      await this.#turns.run(async () => {
        const now = await this.#stored(id);
        if (now?.secret !== stored.secret) return;
        await this.#put(id, { ...now, ...renewed });
      });
    } catch (error) {
      // A store that takes nothing now does it at another login.
      if (!(error instanceof Refusal)) throw error;
    }
  }

  async #newCredentials(id: AccountId, password: string | undefined): Promise<StoredCredentials | undefined> {
    const known = password === undefined ? undefined : await this.#stored(id);
    if (known === undefined || password === undefined) return undefined;
    return this.#credentials.make(known.address, password, known.appPasswords);
  }

  async #loadOrBegin(id: AccountId): Promise<AccountState> {
    const { accounts, driver } = this.#context;
    try {
      await accounts.get(id);
    } catch (error) {
      if (!isMissing(error)) throw error;
      const { quotaBytesMax: bytesMax = 0, quotaMessagesMax: messagesMax = 0 } = (await this.#stored(id))?.quota ?? {};
      await driver.commit([
        new TransactionDraft(id).finish({ enforceQuota: false, limits: { bytesMax, messagesMax } }),
      ]);
    }
    const account = await accounts.get(id);
    await createFirstMailboxes(this.#context, account);
    return account;
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

  async #setLimits(account: AccountState, quotas: Quotas): Promise<void> {
    const { quotaBytesMax: bytesMax, quotaMessagesMax: messagesMax } = quotas;
    if (bytesMax === undefined && messagesMax === undefined) return;
    const limits = {
      bytesMax: bytesMax ?? account.limits.bytesMax,
      messagesMax: messagesMax ?? account.limits.messagesMax,
    };
    await this.#context.driver.commit([new TransactionDraft(account.id).finish({ enforceQuota: false, limits })]);
  }

  async #byKey(address: string): Promise<AccountInfo | undefined> {
    const id = await this.#idOf(address);
    return id === undefined ? undefined : this.get(id);
  }

  async #idOf(address: string): Promise<AccountId | undefined> {
    const found = await this.#context.driver.directory.get(addressKey(address));
    return found === undefined ? undefined : accountId(Number(Buffer.from(found).toString("utf8")));
  }

  async #storedOf(address: string | undefined): Promise<FoundAccount | undefined> {
    const id = address === undefined ? undefined : await this.#idOf(address);
    const stored = id === undefined ? undefined : await this.#stored(id);
    return id === undefined || stored === undefined ? undefined : { id, stored };
  }

  async #stored(id: AccountId): Promise<StoredAccount | undefined> {
    const value = await this.#context.driver.directory.get(accountKey(id));
    return value === undefined ? undefined : decode(value);
  }

  async #known(id: AccountId): Promise<StoredAccount> {
    const stored = await this.#stored(id);
    if (stored === undefined) throw new Refusal("accountNotFound", "no such account");
    return stored;
  }

  async #put(id: AccountId, stored: StoredAccount): Promise<void> {
    await this.#context.driver.directory.put([{ key: accountKey(id), value: encode(stored) }]);
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

/** Throws where one of them is no number that a quota can be. */
function quotasOf({ quotaBytesMax, quotaMessagesMax }: Quotas): Quotas {
  const quotas = {
    ...(quotaBytesMax === undefined ? {} : { quotaBytesMax }),
    ...(quotaMessagesMax === undefined ? {} : { quotaMessagesMax }),
  };
  checkLimits(quotas, ["quotaBytesMax", "quotaMessagesMax"]);
  return quotas;
}

function infoOf({ id, stored: { address, aliases } }: FoundAccount): AccountInfo {
  return { id, address, aliases };
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
