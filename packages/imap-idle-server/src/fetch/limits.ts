// Every bound of FETCH, by name.

export interface FetchLimits {
  /** Messages that are looked up, and set `\Seen`, at once. */
  readonly batchMessagesMax: number;
  /** How much of a header is looked at for its fields; those beyond are not found. */
  readonly headerBytesMax: number;
}

export const FETCH_LIMITS: FetchLimits = {
  batchMessagesMax: 500,
  headerBytesMax: 1_048_576,
};
