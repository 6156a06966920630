// What all sessions of a server share.
import type { AccountId, LoginThrottle, MailStore, TaskSlots } from "@pushmail/mailstore";
import type { Sasl } from "@pushmail/sasl";
import type { SearchIndex } from "@pushmail/search-index";
import type { Admission } from "./admission.ts";
import type { KeptFacts } from "./arrange/kept-facts.ts";
import type { Connection, TlsTerms } from "./connection.ts";
import type { ReadRooms } from "./fetch/read-rooms.ts";
import type { ImapLimits } from "./limits.ts";
import type { Log } from "./log.ts";
import type { ServerMetadata } from "./metadata.ts";
import type { Tally } from "./tally.ts";
import type { ImapStrictness } from "./tolerances.ts";

export interface ServerContext {
  readonly store: MailStore;
  readonly sasl: Sasl;
  readonly searchIndex: SearchIndex | undefined;
  readonly facts: KeptFacts;
  readonly searchSlots: TaskSlots;
  readonly searchRooms: ReadRooms;
  readonly limits: ImapLimits;
  readonly log: Log;
  /** The name that the greeting gives. */
  readonly hostname: string;
  readonly metadata: ServerMetadata;
  readonly allowsUnauthenticate: boolean;
  readonly strict: ImapStrictness;
  readonly admission: Admission;
  readonly throttle: LoginThrottle;
  readonly sessionsOfAccount: Tally<AccountId>;
  /** Whether connections begin with TLS. */
  readonly isTlsImplicit: boolean;
  /** Undefined where TLS is not set up; replaced when the certificate is. */
  tls: TlsTerms | undefined;
  /** Whether what comes from an address in clear passes through nobody else's hands. */
  readonly isLocal: (address: string) => boolean;
  /** Takes note that a session has come to its end. */
  readonly ended: (connection: Connection) => void;
  /** For what waits: see steadyNow. */
  readonly now: () => number;
  /** For what is held against dates. */
  readonly dateMs: () => number;
  /** From 0 to below 1. */
  readonly random: () => number;
}
