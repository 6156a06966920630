// What every operation of the store works on, and the one way in which they commit.
import type { AccountState } from "./account-state.ts";
import type { ChunkCache } from "./chunk-cache.ts";
import type { CommitResult, StoreDriver, Transaction } from "./driver.ts";
import type { IdleIndexes } from "./idle-indexes.ts";
import type { StoreLimits } from "./limits.ts";
import type { LoadedAccounts } from "./loaded-accounts.ts";
import type { MailboxContents } from "./mailbox-contents.ts";
import type { MailboxState } from "./mailbox-state.ts";
import { Refusal } from "./refusal.ts";
import type { NotedSharers } from "./sharing.ts";
import type { TailRoom } from "./tail-rows.ts";
import type { TurnQueue } from "./turn-queue.ts";

export interface StoreContext {
  readonly driver: StoreDriver;
  readonly limits: StoreLimits;
  readonly accounts: LoadedAccounts;
  readonly indexes: IdleIndexes;
  readonly cache: ChunkCache;
  readonly tailRoom: TailRoom;
  readonly now: () => number;
  /** What has a turn of a mailbox, or waits for one. */
  readonly inTurns: Set<Promise<unknown>>;
  /** Snapshots are written one after the other. */
  readonly snapshotTurns: TurnQueue;
  /** Aborted when the store closes: work in the background that can be done again is left. */
  readonly closing: AbortSignal;
  /** Told of each mailbox that was read in. */
  readonly loaded: (mailbox: MailboxState) => void;
  readonly sharers: NotedSharers;
  /** Bodies that copies referred to while references are being counted; null when they are not. */
  copiedWhileCounting: Set<number> | null;
}

export type Committed = Extract<CommitResult, { ok: true }>;

/** Times that a transaction is decided again because another node changed the mailbox first. */
const GUARD_TRIES_MAX = 100;

export async function contentsOf(context: StoreContext, mailbox: MailboxState): Promise<MailboxContents> {
  const release = context.indexes.hold(mailbox);
  const fresh = mailbox.contents === null;
  try {
    const contents = await mailbox.load(context);
    // Another store may have written the chunks that the contents rest on.
    if (fresh) {
      context.cache.deleteAll(mailbox.at);
      context.loaded(mailbox);
    }
    return contents;
  } finally {
    release();
  }
}

/** Runs `task` in the turn of a mailbox, with its contents, which stay in memory and current meanwhile. */
export function inTurn<T>(
  context: StoreContext,
  mailbox: MailboxState,
  task: (contents: MailboxContents) => Promise<T>,
): Promise<T> {
  const release = context.indexes.hold(mailbox);
  const work = mailbox.turns
    .run(async () => {
      // Deleted meanwhile, it may still have contents.
      if (mailbox.deleted) throw refusalOf("gone");
      return task(await contentsOf(context, mailbox));
    })
    .finally(() => {
      context.inTurns.delete(work);
      release();
    });
  context.inTurns.add(work);
  return work;
}

/**
 * Commits what `decide` makes of the current state; it is asked again where another node was quicker (law 4).
 * Null from `decide` means that nothing has to change.
 */
export async function commitDecided(
  context: StoreContext,
  account: AccountState,
  decide: () => Transaction | null | Promise<Transaction | null>,
): Promise<Committed | null> {
  const [committed = null] = await commitAllDecided(context, async () => {
    const transaction = await decide();
    return transaction === null ? [] : [{ account, transaction }];
  });
  return committed;
}

export interface Decided {
  readonly account: AccountState;
  readonly transaction: Transaction;
}

/** The same for several accounts, all or none of them. */
export async function commitAllDecided(
  context: StoreContext,
  decide: () => Promise<readonly Decided[]>,
): Promise<readonly Committed[]> {
  for (let tries = 0; tries < GUARD_TRIES_MAX; tries++) {
    const decided = await decide();
    if (decided.length === 0) return [];
    const transactions = decided.map(({ transaction }) => transaction);
    const results = await context.driver.commit(transactions, { allOrNone: true });
    const refused = results.find((result) => !result.ok && result.why !== "sibling");
    if (refused === undefined || refused.ok) return results as readonly Committed[];
    if (refused.why !== "guard") throw refusalOf(refused.why);
    for (const { account } of decided) await context.accounts.catchUp(account);
  }
  throw new Refusal("storeUnavailable", "the mailbox changes faster than this request could be decided");
}

export function refusalOf(why: Extract<CommitResult, { ok: false }>["why"]): Refusal {
  switch (why) {
    case "quota":
      return new Refusal("overQuota", "the account is over its quota");
    case "gone":
      return new Refusal("mailboxNotFound", "no such mailbox");
    case "guard":
    case "sibling":
      return new Refusal("storeUnavailable", "the transaction was refused");
  }
}
