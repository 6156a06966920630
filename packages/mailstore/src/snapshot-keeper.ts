// When snapshots are written: behind the commits where enough has come, and of what is in memory when the store closes. They
// keep what a mailbox reads of the log when it is opened, and the log itself, within their bounds.
import { setImmediate as turnOfEventLoop } from "node:timers/promises";
import type { AccountState } from "./account-state.ts";
import type { LogRecord } from "./driver.ts";
import type { Cursor } from "./ids.ts";
import type { MailboxState } from "./mailbox-state.ts";
import { trimLog, writeSnapshot } from "./snapshots.ts";
import type { StoreContext } from "./store-context.ts";
import { wantsSnapshot, type Tail } from "./tail-rows.ts";

export class SnapshotKeeper {
  readonly #context: StoreContext;
  readonly #onTrouble: (error: unknown) => void;
  readonly #now: () => number;
  /** What came behind the snapshots of mailboxes whose contents are not in memory. */
  readonly #unloadedTails = new WeakMap<MailboxState, Tail>();
  /** The records behind a snapshot that could not be written. */
  readonly #failedTails = new WeakMap<MailboxState, number>();
  /** Where accounts stood when their logs were cut last. */
  readonly #trimmedAt = new WeakMap<AccountState, Cursor>();
  readonly #background = new Set<Promise<void>>();

  constructor(context: StoreContext, onTrouble: (error: unknown) => void, now: () => number) {
    this.#context = context;
    this.#onTrouble = onTrouble;
    this.#now = now;
  }

  /** A record has come. */
  grown(account: AccountState, { cursor, parts }: LogRecord): void {
    for (const part of parts) {
      const mailbox = account.mailboxes.get(part.mailbox);
      if (mailbox === undefined) continue;
      if (mailbox.contents === null) this.#growUnloaded(mailbox, part.record.length);
      this.#writeWhereDue(account, mailbox);
    }
    // Of what an account has besides messages, or of mailboxes that come and go, no snapshot is due, behind which it is cut.
    const every = this.#context.limits.tailRecordsMax + 1;
    if (cursor % every === 0 && cursor - (this.#trimmedAt.get(account) ?? 0) >= every) {
      this.#inBackground(account, this.#trim(account));
    }
  }

  /** A mailbox was read in. A snapshot that an end of the store left out is written as soon as whoever asked has his answer. */
  async loaded(mailbox: MailboxState): Promise<void> {
    await turnOfEventLoop();
    if (this.#due(mailbox) === undefined) return;
    // Its account goes when the store closes, or was let go: then it is not needed.
    const account = await this.#context.accounts.get(mailbox.at.account).catch(() => undefined);
    if (account?.mailboxes.get(mailbox.at.mailbox) === mailbox) this.#writeWhereDue(account, mailbox);
  }

  /**
   * Waits for the snapshot under way, and writes those of mailboxes in memory behind which much has come, those of accounts
   * that were used last first, for as long as an end may take: what is left out is in the log.
   */
  async close(): Promise<void> {
    await Promise.all(this.#background);
    const { accounts, limits } = this.#context;
    const context = { ...this.#context, closing: new AbortController().signal };
    const endMs = this.#now() + limits.closeSnapshotsMs;
    try {
      for (const account of accounts.loaded().reverse()) {
        for (const mailbox of account.mailboxes.values()) {
          if ((mailbox.contents?.tail.records ?? 0) < limits.closeTailRecordsMin) continue;
          if (this.#now() >= endMs) return;
          await writeSnapshot(context, mailbox);
        }
      }
    } catch (error) {
      // The others would meet the same trouble.
      this.#onTrouble(error);
    }
  }

  /** What has come of a mailbox whose snapshot is due. */
  #due(mailbox: MailboxState): Tail | undefined {
    const tail = mailbox.contents?.tail ?? this.#unloadedTails.get(mailbox);
    if (tail === undefined || !wantsSnapshot(this.#context.limits, tail)) return undefined;
    // A mailbox that was deleted meanwhile needs no snapshot.
    if (this.#context.closing.aborted || mailbox.deleted || mailbox.snapshotRunning !== null) return undefined;
    // After a failure, only when as much again has come.
    return tail.records < 2 * (this.#failedTails.get(mailbox) ?? 0) ? undefined : tail;
  }

  #writeWhereDue(account: AccountState, mailbox: MailboxState): void {
    const tail = this.#due(mailbox);
    if (tail === undefined) return;
    const { records } = tail;
    this.#unloadedTails.delete(mailbox);
    const written = writeSnapshot(this.#context, mailbox).then(
      () => this.#failedTails.delete(mailbox),
      (error: unknown) => {
        this.#failedTails.set(mailbox, records);
        throw error;
      },
    );
    this.#inBackground(
      account,
      written.then(() => this.#trim(account)),
    );
  }

  #trim(account: AccountState): Promise<void> {
    this.#trimmedAt.set(account, account.cursor);
    return trimLog(this.#context, account);
  }

  /** Let go meanwhile, an account would hear of no record more, and a snapshot of what it knows might lack what one has that is there. */
  #inBackground(account: AccountState, task: Promise<unknown>): void {
    account.holders++;
    const work = task
      .catch((error: unknown) => {
        if (!this.#context.closing.aborted) this.#onTrouble(error);
      })
      .then(() => {
        this.#background.delete(work);
        // One that fell due meanwhile, here or where the log was cut, waits for no record to come.
        for (const each of account.mailboxes.values()) this.#writeWhereDue(account, each);
        account.holders--;
      });
    this.#background.add(work);
  }

  #growUnloaded(mailbox: MailboxState, recordBytes: number): void {
    const before = this.#unloadedTails.get(mailbox);
    const records = (before?.records ?? 0) + 1;
    this.#unloadedTails.set(mailbox, { records, recordBytes: (before?.recordBytes ?? 0) + recordBytes });
  }
}
