// The IMAP server: takes connections, gives each a session, and ends them all when it closes.
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setImmediate as turnOfEventLoop, setTimeout } from "node:timers/promises";
import { createSecureContext } from "node:tls";
import { harmless, limitsGiven, LoginThrottle, type MailStore, steadyNow, TaskSlots } from "@pushmail/mailstore";
import { Sasl, tlsContextOptions, type TlsCredentials } from "@pushmail/sasl";
import type { SearchIndex } from "@pushmail/search-index";
import { Admission, type Room } from "./admission.ts";
import { KeptFacts } from "./arrange/kept-facts.ts";
import { Connection, type ConnectionOptions, type TlsTerms } from "./connection.ts";
import { DEFAULT_LIMITS, IMAP_ZEROS, type ImapLimits } from "./limits.ts";
import type { Log } from "./log.ts";
import type { ServerMetadata } from "./metadata.ts";
import { Rounds } from "./rounds.ts";
import { searchRooms } from "./search/search-texts.ts";
import type { ServerContext } from "./server-context.ts";
import { ImapSession } from "./session.ts";
import { Signal } from "./signal.ts";
import { Tally } from "./tally.ts";
import type { ImapStrictness } from "./tolerances.ts";

export interface ImapServerOptions {
  readonly store: MailStore;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The name that the greeting gives. */
  readonly hostname: string;
  readonly log: Log;
  /** Allows STARTTLS. */
  readonly tls?: TlsCredentials;
  /** Whether connections begin with TLS; `tls` must be given. */
  readonly implicitTls?: boolean;
  readonly limits?: Partial<ImapLimits>;
  /** What GETMETADATA says of the server; nothing by default. */
  readonly metadata?: ServerMetadata;
  /** Whether there is UNAUTHENTICATE (RFC 8437): "on" by default. */
  readonly unauthenticate?: "on" | "off";
  /** The tolerances that are done without; none by default. */
  readonly strict?: ImapStrictness;
  /** How clients may log in; with the passwords of the store by default. */
  readonly sasl?: Sasl;
  /** What spares searches to look at every message. */
  readonly searchIndex?: SearchIndex;
  /** What SORT and THREAD know of messages: several listeners on one store share it. */
  readonly facts?: KeptFacts;
  /** For the searches that work on summaries and texts: several listeners share them too. */
  readonly searchSlots?: TaskSlots;
  /** Slows failed logins down; one that several listeners share leaves a guesser no way around it. */
  readonly throttle?: LoginThrottle;
  /** What this listener shares with others. */
  readonly room?: Room;
  /** Addresses from which passwords are taken in clear; those of loopback by default. */
  readonly isLocal?: (address: string) => boolean;
  /** The clock for all, in milliseconds since 1970: by default the system's for dates, a steady one for what waits. */
  readonly now?: () => number;
  /** From 0 to below 1: spreads keep-alives. */
  readonly random?: () => number;
}

export interface ImapServer {
  readonly address: { readonly host: string; readonly port: number };
  /** How many connections are open. */
  readonly connections: number;
  /** New connections and STARTTLS take this certificate from now on. */
  setTls(tls: TlsCredentials): void;
  /** Says BYE to all, waits within a bound for commands under way, and closes. */
  close(): Promise<void>;
}

/** Of thousands so many are ended before others have a turn: commands under way, and the time that all of them have. */
const ENDS_PER_TURN = 100;

export async function startImapServer(options: ImapServerOptions): Promise<ImapServer> {
  const server = new ConnectionServer(options);
  await server.listen(options.host, options.port);
  return server;
}

class ConnectionServer implements ImapServer {
  readonly #context: ServerContext;
  readonly #listener: Server;
  readonly #connections: Set<Connection> = new Set();
  readonly #rounds: Rounds<Connection>;
  readonly #terms: ConnectionOptions;
  readonly #admission: Admission;
  #ticker: NodeJS.Timeout | undefined;
  /** Raised whenever a connection has come to its end. */
  readonly #ended: Signal = new Signal();
  #closing: Promise<void> | undefined;

  constructor(options: ImapServerOptions) {
    const { store, hostname, tls, implicitTls = false } = options;
    const { isLocal = isLoopback, now = steadyNow, random = Math.random } = options;
    if (implicitTls && tls === undefined) throw new Error("implicit TLS needs a key and a certificate");
    const limits = limitsGiven(DEFAULT_LIMITS, options.limits, IMAP_ZEROS);
    const log = harmless(options.log);
    this.#rounds = new Rounds(this.#connections, { roundMs: limits.roundMs, nowMs: now() });
    this.#terms = { limits, now, rounds: this.#rounds };
    this.#admission = new Admission({ ...options, log, limits, now, isTlsImplicit: implicitTls });
    this.#context = {
      store,
      sasl: options.sasl ?? new Sasl({ store }),
      searchIndex: options.searchIndex,
      facts: options.facts ?? new KeptFacts(limits.search.factBytesMax),
      searchSlots: options.searchSlots ?? new TaskSlots(limits.search.detailedSearchesMax),
      searchRooms: searchRooms(limits.search),
      limits,
      log,
      hostname,
      metadata: options.metadata ?? {},
      allowsUnauthenticate: options.unauthenticate !== "off",
      strict: options.strict ?? new Set(),
      admission: this.#admission,
      throttle: options.throttle ?? new LoginThrottle({ now }),
      sessionsOfAccount: new Tally(limits.sessionsPerAccountMax),
      isTlsImplicit: implicitTls,
      tls: tls && tlsTerms(tls),
      isLocal,
      ended: (connection) => this.#forget(connection),
      now,
      dateMs: options.now ?? Date.now,
      random,
    };
    // A client may close its side early and still wants its answers. Nagle's algorithm would hold back each wake.
    this.#listener = createServer({
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      // Node takes whole seconds of it, and leaves it to the system (two hours) where there is none.
      keepAliveInitialDelay: Math.max(limits.tcpKeepAliveMs, 1_000),
    });
    this.#listener.on("connection", (socket) => this.#accept(socket));
  }

  get address(): { readonly host: string; readonly port: number } {
    const { address, port } = this.#listener.address() as AddressInfo;
    return { host: address, port };
  }

  get connections(): number {
    return this.#connections.size;
  }

  async listen(host: string, port: number): Promise<void> {
    this.#listener.listen({ host, port, backlog: this.#context.limits.backlog });
    await once(this.#listener, "listening");
    this.#ticker = setInterval(() => this.#tick(), this.#context.limits.tickMs).unref();
    this.#listener.on("error", (err) => this.#context.log.error({ err }, "cannot accept a connection"));
  }

  setTls(tls: TlsCredentials): void {
    this.#context.tls = tlsTerms(tls);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = once(this.#listener, "close");
    this.#listener.close();
    const allEnded = this.#endAll();
    await Promise.race([allEnded, setTimeout(this.#context.limits.closeMs, undefined, { ref: false })]);
    for (const connection of this.#connections) {
      connection.destroy();
      // A password may wait for its check behind hundreds of others: nobody is there to be let in by it.
      if (!connection.isTrusted) this.#forget(connection);
    }
    await Promise.all([allEnded, closed]);
    clearInterval(this.#ticker);
  }

  async #endAll(): Promise<void> {
    let asked = 0;
    for (const connection of this.#connections) {
      connection.askToEnd();
      if (++asked % ENDS_PER_TURN === 0) await turnOfEventLoop();
    }
    while (this.#connections.size > 0) await this.#ended.wait();
  }

  #accept(socket: Socket): void {
    if (!this.#admission.admit(socket)) return;
    const connection = new Connection(socket, this.#terms);
    this.#connections.add(connection);
    this.#admission.enter(connection);
    void new ImapSession(connection, this.#context).run();
  }

  /** May be called again. */
  #forget(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    this.#rounds.delete(connection);
    this.#admission.leave(connection);
    this.#ended.raise();
  }

  #tick(): void {
    const now = this.#context.now();
    this.#admission.tick(now);
    this.#rounds.tick(now);
  }
}

function isLoopback(address: string): boolean {
  return address === "::1" || address.startsWith("127.") || address.startsWith("::ffff:127.");
}

function tlsTerms(tls: TlsCredentials): TlsTerms {
  return { secureContext: createSecureContext(tlsContextOptions(tls)), requestCert: tls.clientCa !== undefined };
}
