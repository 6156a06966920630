// Every bound of the server, by name. Tests and configuration lower or raise them.

export interface ImapLimits {
  /** One line of a command, without its literals. */
  readonly lineBytesMax: number;
  /** All literals of one command together, other than a message. */
  readonly literalBytesMax: number;
  /** One message in APPEND. */
  readonly messageBytesMax: number;
  /** Output that is gathered before it goes to the socket. */
  readonly outputBytesMax: number;
  /** Change records that are read at once; where more are due, the states are compared instead. */
  readonly changeRecordsMax: number;
  /** SELECT looks for the first unseen message in mailboxes of up to this many. */
  readonly unseenScanMax: number;

  /** Sessions in all, of one account, from one address. */
  readonly sessionsMax: number;
  readonly sessionsPerAccountMax: number;
  readonly sessionsPerAddressMax: number;
  /** Faulty commands in a row before the connection ends. */
  readonly faultsMax: number;
  /** Failed logins on one connection before it ends. */
  readonly loginFailuresMax: number;
  /** The wait after the first failed login; it doubles with each one, up to the maximum. */
  readonly loginDelayMs: number;
  readonly loginDelayMsMax: number;
  /** How long failed logins of an address and account are remembered, and how many of them. */
  readonly loginMemoryMs: number;
  readonly loginMemoryMax: number;

  /** Silence before login, and after it outside of IDLE (at least 30 minutes: RFC 9051 5.4). */
  readonly loginTimeoutMs: number;
  readonly autologoutMs: number;
  /** Silence in IDLE before the client is told that the line is still up. */
  readonly keepAliveMs: number;
  /** How often time-outs are looked at. */
  readonly tickMs: number;
  /** How long `close` waits for commands in flight. */
  readonly closeMs: number;
}

export const DEFAULT_LIMITS: ImapLimits = {
  lineBytesMax: 65_536,
  literalBytesMax: 262_144,
  messageBytesMax: 64 * 1024 * 1024,
  outputBytesMax: 65_536,
  changeRecordsMax: 1_000,
  unseenScanMax: 100_000,

  sessionsMax: 100_000,
  sessionsPerAccountMax: 10_000,
  sessionsPerAddressMax: 20_000,
  faultsMax: 20,
  loginFailuresMax: 5,
  loginDelayMs: 250,
  loginDelayMsMax: 8_000,
  loginMemoryMs: 15 * 60_000,
  loginMemoryMax: 10_000,

  loginTimeoutMs: 60_000,
  autologoutMs: 30 * 60_000,
  keepAliveMs: 120_000,
  tickMs: 1_000,
  closeMs: 3_000,
};
