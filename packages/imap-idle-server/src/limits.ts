// Every bound of the server, by name. Tests and configuration lower or raise them.
import { DEFAULT_WIRE_LIMITS, type WireLimits } from "@pushmail/imap-wire";
import { FETCH_LIMITS, type FetchLimits } from "./fetch/limits.ts";
import { SEARCH_LIMITS, type SearchLimits } from "./search/limits.ts";

export interface ImapLimits {
  /** The bounds of the grammar: lines, literals other than messages, nesting. */
  readonly wire: WireLimits;
  readonly fetch: FetchLimits;
  readonly search: SearchLimits;
  /** One message in APPEND. */
  readonly messageBytesMax: number;
  /** The value of one entry of metadata (at least 1,024: RFC 5464 4.1). */
  readonly metadataValueBytesMax: number;
  /** Octets of other messages that one command puts into new ones (RFC 4469). */
  readonly catenatedBytesMax: number;
  /** Input that waits while a command is carried out. */
  readonly inputBytesMax: number;
  /** Output that is gathered before it goes to the socket. */
  readonly outputBytesMax: number;
  /** Change records that are read at once; where more are due, the states are compared instead. */
  readonly changeRecordsMax: number;
  /** Change records that a client with NOTIFY may lag behind before it is told of an overflow instead. */
  readonly notifyRecordsMax: number;
  /** Mailboxes of others that LIST tells, and that are searched and told of where no names are given. */
  readonly sharedMailboxesMax: number;
  /** Groups of events in one NOTIFY. */
  readonly notifyGroupsMax: number;
  /** SELECT loads mailboxes of up to so many messages, to tell their keywords and the first unseen message. */
  readonly selectLoadMax: number;
  /** The least that a batch of UIDBATCHES may have. */
  readonly uidBatchMessagesMin: number;
  /** Messages in the batches that one UIDBATCHES names. */
  readonly uidBatchedMessagesMax: number;

  /** Connections that wait to be accepted. */
  readonly backlog: number;
  /** Sessions in all, of one account, from one address (of IPv6: from one /64). */
  readonly sessionsMax: number;
  readonly sessionsPerAccountMax: number;
  readonly sessionsPerAddressMax: number;
  /** Connections that have not logged in; beyond, the one that has been there longest gives way to a new one. */
  readonly sessionsBeforeLoginMax: number;
  /** How long a connection has at least before it may have to give way. */
  readonly loginGraceMs: number;
  /** Text of one command before login, its literals, and input that waits behind it: each up to so much. */
  readonly bytesBeforeLoginMax: number;
  /** Faulty commands in a row before the connection ends. */
  readonly faultsMax: number;
  /** Commands before login. */
  readonly commandsBeforeLoginMax: number;
  /** Failed logins on one connection before it ends. */
  readonly loginFailuresMax: number;

  /** All the time before login, however busy the client is. */
  readonly loginTimeoutMs: number;
  /** Silence after login outside of IDLE (at least 30 minutes: RFC 9051 5.4). */
  readonly autologoutMs: number;
  /** How long the end of a connection waits for the client's. */
  readonly lingerMs: number;
  /** How long a client may leave what was sent to it unread. */
  readonly stallMs: number;
  /** Silence in IDLE before the client is told that the line is still up. */
  readonly keepAliveMs: number;
  /** Silence before TCP itself asks whether the client is still there. */
  readonly tcpKeepAliveMs: number;
  /** How often time-outs are looked at that are near. These ticks are all that wakes a process whose sessions idle. */
  readonly tickMs: number;
  /** In how long all connections are looked at once: as late may be those whose time was further off than that. */
  readonly roundMs: number;
  /** How long a client with a command under way hears nothing before it is told how far that is; 0 at each rest. */
  readonly inProgressIntervalMs: number;
  /** How long `close` waits for commands in flight. */
  readonly closeMs: number;
  /** How long a client that was told good-bye may take to close its side where the server ends, in place of `lingerMs`. */
  readonly closeLingerMs: number;
}

export const DEFAULT_LIMITS: ImapLimits = {
  wire: DEFAULT_WIRE_LIMITS,
  fetch: FETCH_LIMITS,
  search: SEARCH_LIMITS,
  messageBytesMax: 64 * 1024 * 1024,
  metadataValueBytesMax: 16_384,
  catenatedBytesMax: 64 * 1024 * 1024,
  inputBytesMax: 65_536,
  outputBytesMax: 65_536,
  changeRecordsMax: 1_000,
  notifyRecordsMax: 10_000,
  sharedMailboxesMax: 10_000,
  notifyGroupsMax: 100,
  selectLoadMax: 100_000,
  uidBatchMessagesMin: 500,
  uidBatchedMessagesMax: 100_000,

  backlog: 4_096,
  sessionsMax: 100_000,
  sessionsPerAccountMax: 10_000,
  sessionsPerAddressMax: 20_000,
  sessionsBeforeLoginMax: 1_000,
  loginGraceMs: 1_000,
  bytesBeforeLoginMax: 16_384,
  faultsMax: 20,
  commandsBeforeLoginMax: 50,
  loginFailuresMax: 5,

  loginTimeoutMs: 60_000,
  autologoutMs: 30 * 60_000,
  lingerMs: 5_000,
  stallMs: 30 * 60_000,
  keepAliveMs: 120_000,
  tcpKeepAliveMs: 120_000,
  tickMs: 1_000,
  roundMs: 5_000,
  inProgressIntervalMs: 10_000,
  closeMs: 3_000,
  closeLingerMs: 1_000,
};

/** Those that may be 0: none of them, or without a wait. */
export const IMAP_ZEROS: readonly (keyof ImapLimits | keyof SearchLimits)[] = [
  "scannedMessagesMax",
  "factBytesMax",
  "liveSearchesMax",
  "notifyRecordsMax",
  "sharedMailboxesMax",
  "loginGraceMs",
  "lingerMs",
  "inProgressIntervalMs",
  "closeMs",
  "closeLingerMs",
];

/** The bounds of the grammar for who has not logged in: enough for a password in any form. */
export function wireLimitsBeforeLogin({ wire, bytesBeforeLoginMax }: ImapLimits): WireLimits {
  return {
    ...wire,
    lineBytesMax: Math.min(wire.lineBytesMax, bytesBeforeLoginMax),
    literalBytesMax: Math.min(wire.literalBytesMax, bytesBeforeLoginMax),
  };
}
