// What is known of a message without reading it: made once, at append, by one scan over its bytes.
// Strings are the header's own bytes as latin1 ("binary strings"): nothing decoded, nothing lost.

/** One address of an ENVELOPE (RFC 9051 7.5.2). A group starts with host null and ends with both null. */
export interface EnvelopeAddress {
  readonly name: string | null;
  readonly mailbox: string | null;
  readonly host: string | null;
}

/** The fields of an ENVELOPE (RFC 9051 7.5.2); null where the header is absent. */
export interface Envelope {
  readonly date: string | null;
  readonly subject: string | null;
  readonly from: readonly EnvelopeAddress[];
  readonly sender: readonly EnvelopeAddress[];
  readonly replyTo: readonly EnvelopeAddress[];
  readonly to: readonly EnvelopeAddress[];
  readonly cc: readonly EnvelopeAddress[];
  readonly bcc: readonly EnvelopeAddress[];
  readonly inReplyTo: string | null;
  readonly messageId: string | null;
}

/** A header parameter such as charset=utf-8; names in the case in which they came. */
export type Parameter = readonly [name: string, value: string];

/** A Content-Disposition with its parameters. */
export interface Disposition {
  readonly type: string;
  readonly parameters: readonly Parameter[];
}

/**
 * One node of a message's MIME tree. Offsets are bytes from the start of the whole message:
 * the header with its blank line is [headerStart, bodyStart), the body [bodyStart, bodyEnd).
 */
export interface BodyPart {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly Parameter[];
  readonly id: string | null;
  readonly description: string | null;
  readonly encoding: string;
  readonly md5: string | null;
  readonly disposition: Disposition | null;
  readonly language: readonly string[] | null;
  readonly location: string | null;
  readonly headerStart: number;
  readonly bodyStart: number;
  readonly bodyEnd: number;
  /** Line feeds in the body (BODYSTRUCTURE gives them for text and message/rfc822). */
  readonly lines: number;
  /** The parts of a multipart, in order; empty for every other type. */
  readonly parts: readonly BodyPart[];
  /** The message inside a message/rfc822 or message/global part; its offsets too count from the outermost start. */
  readonly message: EmbeddedMessage | null;
}

export interface EmbeddedMessage {
  readonly envelope: Envelope;
  readonly structure: BodyPart;
}

/** What one scan over a message yields. */
export interface MessageSummary extends EmbeddedMessage {
  readonly sizeBytes: number;
  /** The message ids that it refers to, the oldest first (RFC 5322 3.6.4); of very many the last. */
  readonly references: readonly string[];
  /** Whether a header of it, or of what is in it, has octets beyond ASCII (RFC 6532), or may have. */
  readonly isInternationalized: boolean;
  /** Its first words, in UTF-8; undefined where they have to be made from its text. */
  readonly preview: string | undefined;
}
