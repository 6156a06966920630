// The index of texts: it tells a search which messages cannot have what is looked for, and follows the mailboxes that
// are searched. What it does not know is looked at, so it may be behind, or lost: no answer depends on it.
import { limitsGiven, type MailboxAt, type MailStore, type Uid } from "@pushmail/mailstore";
import { FollowedIndex } from "./followed-index.ts";
import { SEARCH_INDEX_LIMITS, SEARCH_INDEX_ZEROS, type SearchIndexLimits } from "./limits.ts";
import type { DescribeMessages } from "./mailbox-follower.ts";
import type { SoughtGrams } from "./sought-grams.ts";

/** What the index needs of a logger; pino fits. */
export interface IndexLog {
  debug(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface SearchIndexOptions {
  readonly store: MailStore;
  /** Made if it is not there; nobody else may have it open. */
  readonly directory: string;
  readonly describe: DescribeMessages;
  /** What the filters of a message depend on beside the message: those made otherwise are made again. */
  readonly format: string;
  readonly limits?: Partial<SearchIndexLimits>;
  readonly log: IndexLog;
}

export interface SearchIndexStatus {
  /** Mailboxes that are kept indexed. */
  readonly mailboxes: number;
  /** Messages in them that are not indexed yet: these are looked at in each search. */
  readonly behind: number;
}

export interface SearchIndex {
  readonly status: SearchIndexStatus;
  /**
   * For a message of a mailbox from `first` to `last` the texts that it does not have: bit `i` for text `i`. From now on
   * the mailbox is kept indexed. Undefined where nothing is known.
   */
  ruledOut(
    at: MailboxAt,
    texts: readonly SoughtGrams[],
    range: readonly [first: Uid, last: Uid],
  ): Promise<((uid: Uid) => number) | undefined>;
  /** Resolves when nothing is left to do. */
  caughtUp(): Promise<void>;
  /** Lets go of what was expunged in mailboxes that are not kept indexed. */
  sweep(): Promise<void>;
  /** Resolves when the index is no longer used; the store is closed behind it. */
  close(): Promise<void>;
}

/** The index of a directory: one that is there is opened at once, else it is made with the first search. One that cannot be used begins anew. */
export function openSearchIndex({ limits, ...options }: SearchIndexOptions): SearchIndex {
  return new FollowedIndex({ ...options, limits: limitsGiven(SEARCH_INDEX_LIMITS, limits, SEARCH_INDEX_ZEROS) });
}
