// The mail store over a driver: mail semantics once, whatever engine lies below.
import { Accounts } from "./accounts.ts";
import { changeRecordOf } from "./account-state.ts";
import { append, stage } from "./append.ts";
import type { ChangesPage } from "./change.ts";
import { ChunkCache } from "./chunk-cache.ts";
import { collect } from "./collect.ts";
import type { BlobRange, RoomToRead, StoreDriver } from "./driver.ts";
import { setFlags } from "./flags.ts";
import { Credentials } from "./credentials.ts";
import { giveWay } from "./give-way.ts";
import { ACCOUNT_DIRECTORY, type AccountId, type Cursor, type MailboxId, type Uid } from "./ids.ts";
import { IdleIndexes } from "./idle-indexes.ts";
import { DEFAULT_STORE_LIMITS, STORE_ZEROS, type StoreLimits } from "./limits.ts";
import { limitsGiven } from "./check-limits.ts";
import { LoadedAccounts } from "./loaded-accounts.ts";
import { createMailbox, deleteMailbox, normalizeMailboxName, renameMailbox, setSubscribed } from "./mailbox-names.ts";
import { setMetadata } from "./metadata.ts";
import { OpenMailbox } from "./open-mailbox.ts";
import { DEFAULT_SCRAM_ITERATIONS, type ScramHash } from "./scram-keys.ts";
import { saveRecentFrom } from "./recent-marks.ts";
import { replace } from "./replace.ts";
import type { RightsChange } from "./mailbox-rights.ts";
import { DEFAULT_SCRYPT_COST, type ScryptCost } from "./scrypt-text.ts";
import { Secrets } from "./secrets.ts";
import { dropNotes, NotedSharers, setRights, sharersWith } from "./sharing.ts";
import { SnapshotKeeper } from "./snapshot-keeper.ts";
import { steadyNow } from "./steady-clock.ts";
import type * as port from "./store.ts";
import type { StoreContext } from "./store-context.ts";
import { TailRoom } from "./tail-rows.ts";
import { expunge, transfer, type TransferRequest } from "./transfer.ts";
import { replaceAcross, transferAcross } from "./transfer-across.ts";
import { TurnQueue } from "./turn-queue.ts";
import { normalizeUidSet, type UidSet } from "./uid-set.ts";

export interface MailStoreOptions {
  readonly limits?: Partial<StoreLimits>;
  readonly scryptCost?: ScryptCost;
  readonly scramIterations?: number;
  readonly now?: () => number;
  /** Told of trouble that fails no request: a snapshot that will be tried again, records that could not be understood. */
  readonly onTrouble?: (error: unknown) => void;
}

/** The mail store on a driver; closing it closes the driver. */
export function openMailStore(driver: StoreDriver, options: MailStoreOptions = {}): port.MailStore {
  return new DriverMailStore(driver, options);
}

class DriverMailStore implements port.MailStore {
  readonly #context: StoreContext;
  readonly #accounts: Accounts;
  readonly #onTrouble: (error: unknown) => void;
  readonly #snapshots: SnapshotKeeper;
  readonly #closing = new AbortController();
  readonly #compactions = new TurnQueue();
  #closed: Promise<void> | undefined;

  constructor(driver: StoreDriver, options: MailStoreOptions) {
    const limits = limitsGiven(DEFAULT_STORE_LIMITS, options.limits, STORE_ZEROS);
    const indexes = new IdleIndexes(limits.idleIndexMessagesMax);
    const now = options.now ?? Date.now;
    this.#context = {
      driver,
      limits,
      indexes,
      accounts: new LoadedAccounts(
        { driver, limits, indexes, now },
        { grown: (...record) => this.#snapshots.grown(...record), onTrouble: (error) => this.#onTrouble(error) },
      ),
      cache: new ChunkCache(limits.chunkCacheBytes),
      tailRoom: new TailRoom(limits),
      now,
      inTurns: new Set(),
      snapshotTurns: new TurnQueue(),
      closing: this.#closing.signal,
      loaded: (mailbox) => void this.#snapshots.loaded(mailbox),
      sharers: new NotedSharers(),
      copiedWhileCounting: null,
    };
    const secrets = new Secrets(options.scryptCost ?? DEFAULT_SCRYPT_COST, limits, this.#closing.signal);
    const iterations = options.scramIterations ?? DEFAULT_SCRAM_ITERATIONS;
    this.#accounts = new Accounts(this.#context, new Credentials(secrets, driver.directory, iterations));
    this.#onTrouble = options.onTrouble ?? (() => undefined);
    this.#snapshots = new SnapshotKeeper(this.#context, this.#onTrouble, options.now ?? steadyNow);
  }

  createAccount(account: port.NewAccount): Promise<port.AccountInfo> {
    return this.#accounts.create(account);
  }

  updateAccount(account: AccountId, update: port.AccountUpdate): Promise<port.AccountInfo> {
    return this.#accounts.update(account, update);
  }

  accounts(): AsyncIterable<port.AccountInfo> {
    return this.#accounts.all();
  }

  findAccount(address: string): Promise<port.AccountInfo | undefined> {
    return this.#accounts.find(address);
  }

  findOwner(address: string): Promise<port.AccountInfo | undefined> {
    return this.#accounts.findOwn(address);
  }

  resolve(address: string): Promise<port.Recipient | undefined> {
    return this.#accounts.resolve(address);
  }

  authenticate(address: string, password: string): Promise<port.AccountInfo> {
    return this.#accounts.authenticate(address, password);
  }

  scramLogin(address: string, hash: ScramHash): Promise<port.ScramLogin> {
    return this.#accounts.scramLogin(address, hash);
  }

  addAppPassword(account: AccountId, name: string): Promise<string> {
    return this.#accounts.addAppPassword(account, name);
  }

  appPasswords(account: AccountId): Promise<readonly port.AppPassword[]> {
    return this.#accounts.appPasswords(account);
  }

  removeAppPassword(account: AccountId, name: string): Promise<boolean> {
    return this.#accounts.removeAppPassword(account, name);
  }

  async quota(account: AccountId): Promise<port.Quota> {
    const { bytes, messages, limits } = await this.#accounts.load(account);
    return { bytes, messages, bytesMax: limits.bytesMax, messagesMax: limits.messagesMax };
  }

  async mailboxes(account: AccountId): Promise<readonly port.MailboxStatus[]> {
    const state = await this.#accounts.load(account);
    return Array.from(state.mailboxes.values(), (mailbox) =>
      mailbox.status(state.isSubscribed(mailbox.properties.name)),
    );
  }

  async mailbox(account: AccountId, name: string): Promise<port.MailboxStatus | undefined> {
    const state = await this.#accounts.load(account);
    const normal = normalizeMailboxName(name, this.#context.limits);
    return state.named(normal)?.status(state.isSubscribed(normal));
  }

  async hasInferiors(account: AccountId, name: string): Promise<boolean> {
    return (await this.#accounts.load(account)).hasInferiors(name);
  }

  async mailboxAt({ account, mailbox }: port.MailboxAt): Promise<port.MailboxStatus | undefined> {
    const state = await this.#accounts.load(account);
    const found = state.mailboxes.get(mailbox);
    return found?.status(state.isSubscribed(found.properties.name));
  }

  async createMailbox(
    account: AccountId,
    name: string,
    options: { readonly specialUse?: port.SpecialUse } = {},
  ): Promise<port.MailboxStatus> {
    const state = await this.#accounts.load(account);
    return createMailbox(this.#context, state, { name, specialUse: options.specialUse ?? null });
  }

  async renameMailbox(account: AccountId, from: string, to: string): Promise<Cursor> {
    return renameMailbox(this.#context, await this.#accounts.load(account), { from, to });
  }

  async deleteMailbox(account: AccountId, name: string): Promise<Cursor> {
    const state = await this.#accounts.load(account);
    const { cursor, rights } = await deleteMailbox(this.#context, state, name);
    await dropNotes(this.#context, state, rights);
    return cursor;
  }

  async setSubscribed(account: AccountId, name: string, subscribed: boolean): Promise<Cursor> {
    return setSubscribed(this.#context, await this.#accounts.load(account), { name, subscribed });
  }

  async subscriptions(account: AccountId): Promise<readonly string[]> {
    return (await this.#accounts.load(account)).directory.subscriptions;
  }

  async metadata(account: AccountId, mailbox: MailboxId | null): Promise<readonly port.MetadataEntry[]> {
    return (await this.#accounts.load(account)).metadata.of(mailbox ?? ACCOUNT_DIRECTORY);
  }

  async setMetadata(
    account: AccountId,
    mailbox: MailboxId | null,
    changes: readonly port.MetadataChange[],
    options: { readonly specialUse?: port.SpecialUse | null } = {},
  ): Promise<Cursor | undefined> {
    return setMetadata(this.#context, await this.#accounts.load(account), {
      mailbox: mailbox ?? ACCOUNT_DIRECTORY,
      changes,
      ...options,
    });
  }

  setRights(at: port.MailboxAt, change: RightsChange): Promise<Cursor> {
    return setRights(this.#context, this.#accounts, at, change);
  }

  sharersWith(account: port.AccountInfo): Promise<readonly port.AccountInfo[]> {
    return sharersWith(this.#context, this.#accounts, account);
  }

  sharersVersion(): number {
    return this.#context.sharers.version;
  }

  stage(body: AsyncIterable<Uint8Array>, options: { readonly bytesMax: number }): Promise<port.StagedMessage> {
    return stage(this.#context, body, options);
  }

  append(messages: readonly port.NewMessage[]): Promise<readonly port.Appended[]> {
    return append(this.#context, messages);
  }

  replace(
    at: port.MailboxAt,
    uid: Uid,
    message: port.NewMessage,
    options?: Pick<port.TransferOptions, "byRightsFrom">,
  ): Promise<port.Appended> {
    const within = message.account === at.account ? replace : replaceAcross;
    return within(this.#context, at, { uid, message, ...options });
  }

  setFlags(
    at: port.MailboxAt,
    uids: UidSet,
    change: port.FlagChange,
    options: port.ChangeOptions & { readonly unchangedSince?: Cursor } = {},
  ): Promise<port.FlagsResult> {
    return setFlags(this.#context, at, { uids: normalizeUidSet(uids), change, ...options });
  }

  copy(
    at: port.MailboxAt,
    uids: UidSet,
    to: port.MailboxAt,
    options?: port.TransferOptions,
  ): Promise<port.Transferred> {
    return this.#transfer(at, { uids, to, mode: "copy", options });
  }

  move(
    at: port.MailboxAt,
    uids: UidSet,
    to: port.MailboxAt,
    options?: port.TransferOptions,
  ): Promise<port.Transferred> {
    return this.#transfer(at, { uids, to, mode: "move", options });
  }

  expunge(at: port.MailboxAt, uids: UidSet = [[1, 2 ** 32 - 1]], options?: port.ChangeOptions): Promise<port.Expunged> {
    return expunge(this.#context, at, normalizeUidSet(uids), options);
  }

  async open(at: port.MailboxAt): Promise<port.MailboxHandle> {
    const account = await this.#accounts.load(at.account);
    return new OpenMailbox(this.#context, account, account.mailbox(at.mailbox));
  }

  body(
    blob: Parameters<port.MailStore["body"]>[0],
    range?: { readonly start?: number; readonly end?: number },
  ): AsyncIterable<Uint8Array> {
    return this.#context.driver.blobs.read(blob, range);
  }

  bodies(ranges: readonly BlobRange[], room?: RoomToRead): Promise<readonly (Uint8Array | undefined)[]> {
    return this.#context.driver.blobs.readRanges(ranges, room);
  }

  async cursor(account: AccountId): Promise<Cursor> {
    return (await this.#accounts.load(account)).cursor;
  }

  async changes(account: AccountId, since: Cursor, limit: number, mailbox?: MailboxId): Promise<ChangesPage> {
    if (this.#closed !== undefined) throw new Error("the store is closed");
    const state = await this.#accounts.load(account);
    const { cursor: end } = state;
    if (since > end) return { tooOld: true, through: end };
    let records = state.recentSince(since, limit);
    if (records === undefined) {
      const page = await this.#context.driver.log(
        account,
        since,
        mailbox === undefined ? { limit } : { limit, mailbox },
      );
      if (since < page.floor) return { tooOld: true, through: state.cursor };
      records = page.records.map((record) => changeRecordOf(record));
    }
    const last = records.at(-1)?.cursor ?? since;
    // The last of a mailbox may lie far before the end.
    const through = records.length < limit && last < end ? end : last;
    return { tooOld: false, records, through, more: through < state.cursor };
  }

  watch(account: AccountId, wake: () => void): () => void {
    return this.#context.accounts.watch(account, wake);
  }

  giveWay(): Promise<void> {
    return giveWay(this.#context.driver);
  }

  compact(): Promise<number> {
    return this.#compactions.run(() => collect(this.#context, this.#accounts));
  }

  holdCompaction(): Promise<() => void> {
    return new Promise((resolve) => void this.#compactions.run(() => new Promise<void>(resolve)));
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#snapshots.close();
    const { accounts, driver } = this.#context;
    try {
      const all = accounts.loaded().map((account) => ({ account, mailboxes: account.mailboxes.values() }));
      await saveRecentFrom(driver, all);
    } catch (error) {
      // Messages are announced once more, no harm else.
      this.#onTrouble(error);
    }
    accounts.close();
    await driver.close();
  }

  #transfer(at: port.MailboxAt, request: TransferRequest): Promise<port.Transferred> {
    const within = request.to.account === at.account ? transfer : transferAcross;
    return within(this.#context, at, { ...request, uids: normalizeUidSet(request.uids) });
  }
}
