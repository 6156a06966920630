// The accounts in memory and the way committed records reach them and those who watch.
// Idle accounts and indexes are let go beyond named bounds; whoever is watched or open stays.
import { AccountState } from "./account-state.ts";
import type { IdleIndexes } from "./idle-indexes.ts";
import type { LogRecord, StoreDriver } from "./driver.ts";
import type { AccountId } from "./ids.ts";
import type { StoreLimits } from "./limits.ts";
import { readRecentFrom } from "./recent-marks.ts";
import { Refusal } from "./refusal.ts";
import { RestoredAccounts } from "./restored-accounts.ts";
import { SharedRoom } from "./shared-room.ts";

const RECORDS_PER_READ = 1_000;

/** Told of each record, so that somebody looks after the snapshots and the log. */
export type Grown = (account: AccountState, record: LogRecord) => void;

export interface LoadedAccountsOptions {
  readonly driver: StoreDriver;
  readonly limits: StoreLimits;
  readonly indexes: IdleIndexes;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/** Of the longest unused accounts, so many are looked at for each that is loaded. */
const LOOKS_PER_LOAD = 4;

interface Entry {
  readonly loading: Promise<AccountState>;
  state: AccountState | null;
  /** Records that came while the head was being read. */
  held: LogRecord[];
}

interface Watcher {
  readonly wake: () => void;
  /** How often others had been woken when it came. */
  readonly since: number;
}

export class LoadedAccounts {
  readonly #driver: StoreDriver;
  readonly #restored: RestoredAccounts;
  readonly #limits: StoreLimits;
  readonly #indexes: IdleIndexes;
  /** Loads since accounts were last let go. */
  #loads = 0;
  readonly #entries = new Map<AccountId, Entry>();
  /** The records in memory of all accounts together. */
  readonly #recent: SharedRoom<AccountState>;
  readonly #watchers = new Map<AccountId, Set<Watcher>>();
  /** How often those who watch were woken. */
  #wakes = 0;
  readonly #stopListening: () => void;
  readonly #grown: Grown;
  readonly #onTrouble: (error: unknown) => void;

  constructor(
    { driver, limits, indexes, now }: LoadedAccountsOptions,
    listeners: { readonly grown: Grown; readonly onTrouble: (error: unknown) => void },
  ) {
    this.#driver = driver;
    this.#restored = new RestoredAccounts(driver, now);
    this.#limits = limits;
    this.#indexes = indexes;
    this.#recent = new SharedRoom<AccountState>(limits.recentRangesMax, (account) => account.forgetRecent());
    this.#grown = listeners.grown;
    this.#onTrouble = listeners.onTrouble;
    this.#stopListening = driver.listen((record) => this.#hear(record));
  }

  /** The account, read in where it is not in memory. Refuses an account that the driver does not know. */
  get(account: AccountId): Promise<AccountState> {
    const known = this.#entries.get(account);
    if (known !== undefined) {
      this.#entries.delete(account);
      this.#entries.set(account, known);
      return known.loading;
    }
    const entry: Entry = { loading: this.#load(account, () => entry), state: null, held: [] };
    this.#entries.set(account, entry);
    entry.loading.catch(() => {
      if (this.#entries.get(account) === entry) this.#entries.delete(account);
    });
    return entry.loading;
  }

  loaded(): AccountState[] {
    return [...this.#entries.values()].flatMap(({ state }) => state ?? []);
  }

  watch(account: AccountId, wake: () => void): () => void {
    let watchers = this.#watchers.get(account);
    if (watchers === undefined) this.#watchers.set(account, (watchers = new Set()));
    // An object of its own, so that one function may watch twice and stop once.
    const watcher = { wake, since: this.#wakes };
    watchers.add(watcher);
    return () => {
      const left = this.#watchers.get(account);
      if (left?.delete(watcher) === true && left.size === 0) this.#watchers.delete(account);
    };
  }

  /** Reads on from the log where hints were missed (law 8). */
  async catchUp(account: AccountState): Promise<void> {
    for (;;) {
      const page = await this.#driver.log(account.id, account.cursor, { limit: RECORDS_PER_READ });
      if (account.cursor < page.floor) throw new Error(`the log of account ${account.id} was cut behind a reader`);
      for (const record of page.records) {
        const next = account.cursor + 1;
        if (record.cursor > next) throw new Error(`the log of account ${account.id} lacks the change ${next}`);
        this.#apply(account, record);
      }
      if (page.records.length < RECORDS_PER_READ) return;
    }
  }

  /** Who waits looks once more, and learns that it is over. */
  close(): void {
    this.#stopListening();
    // Who watches anew in his wake is not met again.
    const watched = [...this.#watchers.keys()];
    for (const account of watched) this.wake(account);
    this.#watchers.clear();
  }

  async #load(id: AccountId, entryOf: () => Entry): Promise<AccountState> {
    const head = await this.#restored.head(id);
    if (head === undefined) throw new Refusal("accountNotFound", "no such account");
    const recent = await readRecentFrom(this.#driver, head);
    const account = new AccountState(head, this.#limits.recentRecordsMax, recent);
    for (const loss of account.losses) this.#onTrouble(loss);
    const entry = entryOf();
    entry.state = account;
    for (const record of entry.held) this.#apply(account, record);
    entry.held = [];
    // Not at once: whoever waits for an account that was loaded before has to begin using it first.
    if (this.#loads++ === 0) setImmediate(() => this.#letGo());
    return account;
  }

  #hear(record: LogRecord): void {
    const entry = this.#entries.get(record.account);
    if (entry !== undefined) {
      if (entry.state === null) entry.held.push(record);
      else this.#apply(entry.state, record);
    }
    this.wake(record.account);
  }

  /** What is in memory can no longer be trusted: it is read anew, and whoever has a mailbox open must open it again. */
  #abandon(account: AccountState, error: unknown): void {
    if (this.#entries.get(account.id)?.state === account) this.#entries.delete(account.id);
    this.#recent.delete(account);
    for (const mailbox of account.mailboxes.values()) mailbox.deleted = true;
    this.#onTrouble(error);
    this.wake(account.id);
  }

  /** Has those look who watch an account. One that throws keeps no other from it; one that comes meanwhile is not among them. */
  wake(account: AccountId): void {
    const wakes = ++this.#wakes;
    for (const { wake, since } of this.#watchers.get(account) ?? []) {
      if (since >= wakes) continue;
      try {
        wake();
      } catch (error) {
        this.#onTrouble(error);
      }
    }
  }

  #apply(account: AccountState, record: LogRecord): void {
    if (record.cursor <= account.cursor) return;
    if (record.cursor > account.cursor + 1) {
      void this.catchUp(account).then(
        () => this.wake(account.id),
        (error: unknown) => this.#abandon(account, error),
      );
      return;
    }
    try {
      const isOpen = record.parts.some(({ mailbox }) => (account.mailboxes.get(mailbox)?.holders ?? 0) > 0);
      account.apply(record, { remembered: isOpen || this.#watchers.has(account.id) });
    } catch (error) {
      // It is committed whatever happens here: nobody may be told that it failed.
      this.#abandon(account, error);
      return;
    }
    this.#recent.set(account, account.recentRanges);
    this.#grown(account, record);
    for (const part of record.parts) {
      const mailbox = account.mailboxes.get(part.mailbox);
      if (mailbox !== undefined) this.#indexes.grown(mailbox);
    }
  }

  #forget(account: AccountState): void {
    this.#recent.delete(account);
    for (const mailbox of account.mailboxes.values()) this.#indexes.drop(mailbox);
  }

  /** Lets go of accounts that nobody uses, the longest unused first. */
  #letGo(): void {
    let looks = this.#loads * LOOKS_PER_LOAD;
    this.#loads = 0;
    for (const [id, entry] of this.#entries) {
      if (this.#entries.size <= this.#limits.idleAccountsMax || looks-- === 0) return;
      this.#entries.delete(id);
      if (entry.state === null || this.#watchers.has(id) || inUse(entry.state)) this.#entries.set(id, entry);
      else this.#forget(entry.state);
    }
  }
}

function inUse({ holders, mailboxes }: AccountState): boolean {
  return holders > 0 || [...mailboxes.values()].some((mailbox) => mailbox.holders > 0);
}
