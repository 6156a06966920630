// Every bound of the store's upper side, named. Tests pass smaller ones.

export interface StoreLimits {
  /** Distinct keywords of one mailbox; what would bring more, flags or messages, is refused as a whole. */
  readonly keywordsMax: number;
  /** Flags on one message; `\Seen` and the others of the system may be set beyond it. */
  readonly messageFlagsMax: number;
  /** Octets of one keyword. */
  readonly keywordBytesMax: number;
  /** Mailboxes of one account. */
  readonly mailboxesMax: number;
  /** Octets (UTF-8) of a mailbox name with all its levels. */
  readonly mailboxNameBytesMax: number;
  /** Levels of a mailbox name. */
  readonly mailboxLevelsMax: number;
  /** Subscribed names of one account. */
  readonly subscriptionsMax: number;
  /** What they come to in the record that is written anew with each of them, and with each new mailbox. */
  readonly subscriptionsBytesMax: number;
  /** Entries of metadata of one mailbox, and of the account itself (RFC 5464). */
  readonly metadataEntriesMax: number;
  /** What all entries of metadata of one account come to in memory. */
  readonly metadataBytesMax: number;
  /** Accounts and others that one mailbox has rights for. */
  readonly rightsEntriesMax: number;
  /** Aliases of one account. */
  readonly aliasesMax: number;
  /** App passwords of one account. */
  readonly appPasswordsMax: number;
  /**
   * Change records held in memory of an account that is watched or has the mailbox open, and as many again before the
   * oldest go; those are read from the log.
   */
  readonly recentRecordsMax: number;
  /** The same of all accounts together, in ranges of UIDs; those of accounts that changed longest ago go first. */
  readonly recentRangesMax: number;
  /** Records that an account's log keeps at least; below them `changes` answers "too old". */
  readonly logRecordsKept: number;
  /** Records, or bytes of them, behind a mailbox' snapshot before a new one is written. */
  readonly tailRecordsMax: number;
  readonly tailBytesMax: number;
  /** Records behind the snapshot of a mailbox in memory from which a store that closes writes a new one. */
  readonly closeTailRecordsMin: number;
  /** How long a store that closes begins such snapshots. */
  readonly closeSnapshotsMs: number;
  /** Bytes in memory of the messages behind the snapshots of all mailboxes together; beyond, they are read from the log. */
  readonly tailRowBytesMax: number;
  /** Bytes behind a snapshot under way at which appends wait for it: what is in memory only stays bounded. */
  readonly tailBytesStallMax: number;
  /** Ranges of expunged UIDs that a mailbox remembers with their cursor. */
  readonly vanishedRangesMax: number;
  /** Bytes of summaries that a copy carries along; beyond, they are made again from the body when asked for. */
  readonly copiedSummaryBytesMax: number;
  /** Bytes of decoded column chunks kept in memory. */
  readonly chunkCacheBytes: number;
  /** Accounts kept in memory while nobody uses them. */
  readonly idleAccountsMax: number;
  /** Mailbox indexes kept in memory while nobody has them open, in messages; what else they hold counts as so many. */
  readonly idleIndexMessagesMax: number;
  /** Rows, those that are alike and follow each other as one, that a request goes through before others get their turn. */
  readonly rowsPerTurnMax: number;
  /** Password checks at a time: they share the thread pool with the disk. */
  readonly passwordChecksAtOnce: number;
  /** Password checks that wait for that; a login beyond is refused at once. */
  readonly passwordChecksQueuedMax: number;
  /** Right passwords that are remembered, as keyed digests: the next login of the same client costs microseconds. */
  readonly verifiedPasswordsMax: number;
}

export const DEFAULT_STORE_LIMITS: StoreLimits = {
  keywordsMax: 1_000,
  messageFlagsMax: 128,
  keywordBytesMax: 200,
  mailboxesMax: 10_000,
  mailboxNameBytesMax: 1_000,
  mailboxLevelsMax: 50,
  subscriptionsMax: 10_000,
  subscriptionsBytesMax: 256 * 1024,
  metadataEntriesMax: 100,
  metadataBytesMax: 1024 * 1024,
  rightsEntriesMax: 1_000,
  aliasesMax: 1_000,
  appPasswordsMax: 100,
  recentRecordsMax: 100,
  recentRangesMax: 5_000,
  logRecordsKept: 10_000,
  tailRecordsMax: 1_000,
  tailBytesMax: 2 * 1024 * 1024,
  closeTailRecordsMin: 200,
  closeSnapshotsMs: 500,
  tailRowBytesMax: 16 * 1024 * 1024,
  tailBytesStallMax: 16 * 1024 * 1024,
  vanishedRangesMax: 10_000,
  copiedSummaryBytesMax: 1024 * 1024,
  chunkCacheBytes: 64 * 1024 * 1024,
  idleAccountsMax: 10_000,
  idleIndexMessagesMax: 4_000_000,
  rowsPerTurnMax: 100_000,
  passwordChecksAtOnce: 2,
  passwordChecksQueuedMax: 500,
  verifiedPasswordsMax: 10_000,
};

/** Those that may be 0: no record is kept, each appends a snapshot, none is begun at the end; what nobody is to have. */
export const STORE_ZEROS: readonly (keyof StoreLimits)[] = [
  "logRecordsKept",
  "tailRecordsMax",
  "closeSnapshotsMs",
  "metadataEntriesMax",
  "rightsEntriesMax",
  "aliasesMax",
  "appPasswordsMax",
  "verifiedPasswordsMax",
];

/** Change records that `follow` reads at a time. */
export const FOLLOWED_RECORDS_MAX = 1_000;

/** What slows down who guesses passwords. */
export interface LoginLimits {
  /** The wait after the first failed login of a client network for an account; it doubles with each, up to the maximum. */
  readonly loginDelayMs: number;
  readonly loginDelayMsMax: number;
  /** Failed logins of a client network, for whatever accounts, before all of its logins wait likewise. */
  readonly loginFailuresPerNetworkMax: number;
  /** How long failed logins are remembered, and how many networks and accounts. */
  readonly loginMemoryMs: number;
  readonly loginMemoryMax: number;
  /** How much of a name that somebody tries to log in with is remembered, and logged. */
  readonly loginNameCharsMax: number;
}

export const LOGIN_LIMITS: LoginLimits = {
  loginDelayMs: 250,
  loginDelayMsMax: 8_000,
  loginFailuresPerNetworkMax: 50,
  loginMemoryMs: 15 * 60_000,
  loginMemoryMax: 10_000,
  loginNameCharsMax: 320,
};

/** Nobody waits, or the first ones do not. */
export const LOGIN_ZEROS: readonly (keyof LoginLimits)[] = ["loginDelayMs"];
