// The bounds of everything that reads messages: whatever the bytes are, work is linear and memory stays below these.

/** How much of a message's headers and structure is kept; what lies beyond stays in the message as an opaque part. */
export interface MessageLimits {
  /** Bytes of one header line and of one unfolded field; the rest of a longer one is not looked at. */
  readonly fieldBytesMax: number;
  /** Bytes of all fields that are kept; once reached, the next part takes the rest of the message as it is. */
  readonly fieldBytesTotalMax: number;
  /** Addresses of one field. */
  readonly addressesMax: number;
  /** Message ids that a message refers to; of more the last are kept. */
  readonly referencesMax: number;
  /** Parameters of one Content-Type or Content-Disposition, and languages of one Content-Language. */
  readonly parametersMax: number;
  /** Multiparts and messages within one another; a deeper one is not looked into. */
  readonly depthMax: number;
  /** Parts in all; the last one takes the rest of the message as it is. */
  readonly partsMax: number;
  /** How much of a text is looked at for a preview, still in its transfer encoding; characters that are made of it. */
  readonly previewOctetsMax: number;
  readonly previewCharsMax: number;
}

export const MESSAGE_LIMITS: MessageLimits = {
  fieldBytesMax: 65_536,
  fieldBytesTotalMax: 524_288,
  addressesMax: 2_000,
  referencesMax: 100,
  parametersMax: 64,
  depthMax: 100,
  partsMax: 1_000,
  previewOctetsMax: 8_192,
  // RFC 8970 3.2: at most 256, and better no more than 200.
  previewCharsMax: 200,
};

/** How much is decoded for SEARCH, SORT and THREAD; what lies beyond is not found, and makes no difference. */
export interface DecodeLimits {
  /** Characters of a header value. */
  readonly headerCharactersMax: number;
  /** Characters of a text by which messages are put in order; of what is made of them, four octets for each. */
  readonly collatedCharactersMax: number;
  /** Bytes of a part's body, still in its transfer encoding. */
  readonly bodyBytesMax: number;
}

export const DECODE_LIMITS: DecodeLimits = {
  headerCharactersMax: 65_536,
  // RFC 5322 2.1.1: no line is longer.
  collatedCharactersMax: 998,
  bodyBytesMax: 4_194_304,
};
