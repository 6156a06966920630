// Every bound of SEARCH, by name.

export interface SearchLimits {
  /** Messages that are looked up at once. */
  readonly batchMessagesMax: number;
  /** How much of a header is looked at; a text behind it is not found. */
  readonly headerBytesMax: number;
  /** Messages up to this size are read at once, larger ones part by part in pieces. */
  readonly wholeBytesMax: number;
  /** Decoded octets of a body that are looked at together: at a line end where they have one. */
  readonly lineBytesMax: number;
  /** Messages that are read at once, in advance. */
  readonly readAheadMax: number;
}

export const SEARCH_LIMITS: SearchLimits = {
  batchMessagesMax: 1_000,
  headerBytesMax: 1_048_576,
  wholeBytesMax: 65_536,
  lineBytesMax: 65_536,
  readAheadMax: 8,
};
