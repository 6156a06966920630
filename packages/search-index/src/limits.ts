// Every bound of the index, by name.

export interface SearchIndexLimits {
  /** Octets of one message's filter; a message whose text would need more is looked at in each search. */
  readonly filterBytesMax: number;
  /** Messages, and about so many octets, that are stored together. */
  readonly packMessagesMax: number;
  readonly packBytesMax: number;
  /** Octets on disk in all, about; beyond, nothing more is indexed. */
  readonly diskBytesMax: number;
  /** Mailboxes that are kept indexed; beyond, the one that has not been searched for the longest time is left as it is. */
  readonly mailboxesMax: number;
  /** Change records that are read at once. */
  readonly changeRecordsMax: number;
  /** How long it waits for more before it looks at what came. */
  readonly lagMs: number;
  /** How long indexing may keep the event loop to itself, and how long it rests then: longer while others are busy. */
  readonly sliceMs: number;
  readonly restMs: number;
  readonly restMsMax: number;
  /** How long it is left alone once it could not be used. */
  readonly retryMs: number;
}

export const SEARCH_INDEX_LIMITS: SearchIndexLimits = {
  filterBytesMax: 32_768,
  packMessagesMax: 64,
  packBytesMax: 262_144,
  diskBytesMax: 8 * 1024 * 1024 * 1024,
  mailboxesMax: 1_000,
  changeRecordsMax: 1_000,
  lagMs: 1_000,
  sliceMs: 2,
  restMs: 4,
  restMsMax: 100,
  retryMs: 60_000,
};

/** Those that may be 0: without a wait or a rest, and where nothing is to be indexed. */
export const SEARCH_INDEX_ZEROS: readonly (keyof SearchIndexLimits)[] = [
  "diskBytesMax",
  "lagMs",
  "sliceMs",
  "restMs",
  "restMsMax",
  "retryMs",
];
