// Every bound of the receivers, by name; a caller may lower or raise each of them.

/** The bounds of one listener. */
export interface SmtpLimits {
  /** Bytes of one message as its sender gives it, dots un-stuffed, without the trace header put in front. */
  readonly messageBytesMax: number;
  /** Recipients of one mail. */
  readonly recipientsMax: number;
  /** Open connections of the listener. */
  readonly connectionsMax: number;
  /** Open connections of one client address (of IPv6: of one /64). */
  readonly connectionsPerAddressMax: number;
  /** How long a connection has at least before it may have to give way to a new one. */
  readonly connectionGraceMs: number;
  /** The same for one whose mail comes in, from where its content begins. */
  readonly dataGraceMs: number;
  /** Connections that wait to be accepted. */
  readonly backlog: number;
  /** Commands of a connection since it was opened, or the content of a mail last began. */
  readonly commandsWithoutMailMax: number;
  /** Commands before AUTH succeeds, where AUTH is required; each line of a login is one. */
  readonly unauthenticatedCommandsMax: number;
  /** Bytes of a command line, long enough for an AUTH response (RFC 4954 4). */
  readonly commandBytesMax: number;
  /** Failed logins of one connection before it is closed. */
  readonly authAttemptsMax: number;
  /** How long the answer to a failed login is held back. */
  readonly authFailureDelayMs: number;
  /** `Received` fields of a message; more of them are a loop (RFC 5321 6.3). */
  readonly receivedFieldsMax: number;
  /** How much of a message's header is searched for trace fields. */
  readonly headerBytesMax: number;
  /** How old the list of local domains may be, which words the refusal of a recipient. */
  readonly localDomainsAgeMaxMs: number;
  /** How long a client may be silent when it is its turn (RFC 5321 4.5.3.2.7). */
  readonly idleTimeoutMs: number;
  /** All the time before AUTH succeeds, where AUTH is required, however busy the client is. */
  readonly loginTimeoutMs: number;
  /** All the time until the content of a mail begins: from the start, and from the answer to the mail before. */
  readonly mailTimeoutMs: number;
  /** How long a client may take to send the whole content of one message. */
  readonly dataTimeoutMs: number;
  /** How often it is looked at who has had all of its time. */
  readonly tickMs: number;
  /** How long `close` waits for deliveries under way and for clients to leave before it cuts them off. */
  readonly closeGraceMs: number;
}

/** The bounds where the caller sets none. */
export const SMTP_LIMITS: SmtpLimits = {
  messageBytesMax: 50 * 1024 * 1024,
  recipientsMax: 100,
  connectionsMax: 1_000,
  connectionsPerAddressMax: 200,
  connectionGraceMs: 1_000,
  dataGraceMs: 60_000,
  backlog: 4_096,
  commandsWithoutMailMax: 1_000,
  unauthenticatedCommandsMax: 20,
  commandBytesMax: 12_288,
  authAttemptsMax: 5,
  authFailureDelayMs: 1_000,
  receivedFieldsMax: 100,
  headerBytesMax: 256 * 1024,
  localDomainsAgeMaxMs: 10_000,
  idleTimeoutMs: 300_000,
  loginTimeoutMs: 60_000,
  mailTimeoutMs: 600_000,
  dataTimeoutMs: 1_800_000,
  tickMs: 5_000,
  closeGraceMs: 2_000,
};

/** Those that may be 0: without a delay, a grace period or a memory. */
export const SMTP_ZEROS: readonly (keyof SmtpLimits)[] = [
  "connectionGraceMs",
  "dataGraceMs",
  "authFailureDelayMs",
  "localDomainsAgeMaxMs",
  "closeGraceMs",
];
