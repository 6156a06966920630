// Every bound of FETCH, by name.

export interface FetchLimits {
  /** Messages that are looked up, and set `\Seen`, at once. */
  readonly batchMessagesMax: number;
  /** How much of a header is looked at for its fields; those beyond are not found. */
  readonly headerBytesMax: number;
  /** Octets of a literal that are put together with the response around them; more are passed on as they are read. */
  readonly textOctetsMax: number;
}

export const FETCH_LIMITS: FetchLimits = {
  batchMessagesMax: 500,
  headerBytesMax: 1_048_576,
  textOctetsMax: 16_384,
};
