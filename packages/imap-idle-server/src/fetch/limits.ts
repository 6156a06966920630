// Every bound of FETCH, by name.

export interface FetchLimits {
  /** Messages that are looked up, and set `\Seen`, at once. */
  readonly batchMessagesMax: number;
  /** How much of a header is looked at for its fields; those beyond are not found, nor told in ASCII. */
  readonly headerBytesMax: number;
  /** How much of a text is looked at for a PREVIEW, still in its transfer encoding; characters that are made of it. */
  readonly previewOctetsMax: number;
  readonly previewCharsMax: number;
  /** Octets of a message's sections that are held; more are passed on as they are read. */
  readonly heldOctetsMax: number;
  /** Octets of several messages that are read at once; as many again are being told. */
  readonly groupOctetsMax: number;
}

export const FETCH_LIMITS: FetchLimits = {
  batchMessagesMax: 500,
  headerBytesMax: 1_048_576,
  previewOctetsMax: 8_192,
  // RFC 8970 3.2: at most 256, and better no more than 200.
  previewCharsMax: 200,
  heldOctetsMax: 131_072,
  groupOctetsMax: 131_072,
};
