// Every bound of SEARCH, by name.

export interface SearchLimits {
  /** Messages that are looked up at once. */
  readonly batchMessagesMax: number;
  /** Messages whose summaries are held at once, until their texts have been read and searched. */
  readonly detailedMessagesMax: number;
  /** Searches, of all sessions, that work on summaries and texts at a time: the others wait, and hold numbers alone. */
  readonly detailedSearchesMax: number;
  /** How much of a header is looked at; a text behind it is not found. */
  readonly headerBytesMax: number;
  /** Messages whose texts lie within so many octets are read at once, others text by text in pieces. */
  readonly heldOctetsMax: number;
  /** Octets of several messages that are read at once; as many again are being searched. */
  readonly groupOctetsMax: number;
  /** Decoded octets of a body that are looked at together: at a line end where they have one. */
  readonly lineBytesMax: number;
  /** Messages that are looked at without asking the index; mailboxes of no more are not indexed. */
  readonly scannedMessagesMax: number;
  /** Messages that SORT and THREAD put in order: each is held as a few numbers and texts meanwhile. */
  readonly arrangedMessagesMax: number;
  /** Messages that `$` stands for: each session holds their UIDs. */
  readonly savedMessagesMax: number;
  /** What is kept of messages that were put in order, those of all sessions together. */
  readonly factBytesMax: number;
  /** Searches of a mailbox whose results are told as they change. */
  readonly liveSearchesMax: number;
  /** What is held of their results together: a number each, of a SORT with the values that it is sorted by. */
  readonly liveBytesMax: number;
}

/** Octets of a group that lie in memory which is used again; those beyond have memory of their own. */
export const READ_ROOM_OCTETS_MAX = 262_144;

export const SEARCH_LIMITS: SearchLimits = {
  batchMessagesMax: 1_000,
  detailedMessagesMax: 32,
  detailedSearchesMax: 2,
  headerBytesMax: 1_048_576,
  heldOctetsMax: 65_536,
  groupOctetsMax: 131_072,
  lineBytesMax: 65_536,
  scannedMessagesMax: 100,
  arrangedMessagesMax: 1_000_000,
  savedMessagesMax: 1_000_000,
  factBytesMax: 32 * 1024 * 1024,
  liveSearchesMax: 10,
  liveBytesMax: 16 * 1024 * 1024,
};
