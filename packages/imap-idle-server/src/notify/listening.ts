// What a client listens to, and how far it was told: one cursor for each account.
import type { AccountId, AccountInfo, Cursor, MailboxId } from "@pushmail/mailstore";
import type { Subscription } from "./subscription.ts";

/** What the client has asked for, of its own mailboxes and of those of others. */
export interface Listening {
  readonly subscription: Subscription;
  /** Whether it is told between the client's commands too. */
  readonly isNotify: boolean;
  readonly feeds: Map<AccountId, Feed>;
  /** That of the others of whom there are feeds. */
  sharersVersion: number;
}

/** How far the changes of an account were told: a cursor. */
export interface Feed {
  readonly owner: AccountInfo;
  readonly stop: () => void;
  /** Whether there may be something to tell: of a thousand others that share something, few have. */
  isWoken: boolean;
  through: Cursor;
  /** Changes that the client itself has made since it was told (RFC 5465 5). */
  readonly own: Set<Cursor>;
  /** Mailboxes that were left before all of their changes were told. */
  left: ReadonlySet<MailboxId>;
  /** Of the mailboxes of another those that the client knows, by its names for them. */
  readonly known: Map<MailboxId, string>;
}

type Feeds = ReadonlyMap<AccountId, Feed> | undefined;

/** Those of these accounts: they go on, so that nothing falls between. */
export function feedsOf(feeds: Feeds, owners: readonly AccountInfo[]): Map<AccountId, Feed> {
  return new Map(
    owners.flatMap(({ id }) => {
      const feed = feeds?.get(id);
      return feed === undefined ? [] : [[id, feed]];
    }),
  );
}

/** Follows no longer what is not among others. */
export function stopFeeds(feeds: Feeds, others: Feeds): void {
  for (const [id, { stop }] of feeds ?? []) if (others?.has(id) !== true) stop();
}
