// Every bound of FETCH, by name.

export interface FetchLimits {
  /** Messages that are looked up, and marked as `\Seen` when they were told, at once. */
  readonly batchMessagesMax: number;
  /** How much of a header is looked at for its fields; those beyond are not found, nor told in ASCII. */
  readonly headerBytesMax: number;
  /** Octets of a message's sections that are held; more are passed on as they are read. */
  readonly heldOctetsMax: number;
  /** Octets of several messages that are read at once; as many again are being told. */
  readonly groupOctetsMax: number;
}

export const FETCH_LIMITS: FetchLimits = {
  batchMessagesMax: 500,
  headerBytesMax: 1_048_576,
  heldOctetsMax: 131_072,
  groupOctetsMax: 131_072,
};
