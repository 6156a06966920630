// The IMAP server: takes connections, gives each a session, and ends them all when it closes.
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import { createSecureContext, type SecureContext } from "node:tls";
import { printUntagged } from "@pushmail/imap-wire";
import type { AccountId, MailStore } from "@pushmail/mailstore";
import { Connection } from "./connection.ts";
import { DEFAULT_LIMITS, type ImapLimits } from "./limits.ts";
import type { Log } from "./log.ts";
import { LoginThrottle } from "./login-throttle.ts";
import type { ServerContext } from "./server-context.ts";
import { ImapSession } from "./session.ts";
import { Tally } from "./tally.ts";

/** A key with its certificate, in PEM. */
export interface TlsFiles {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
}

export interface ImapServerOptions {
  readonly store: MailStore;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The name that the greeting gives. */
  readonly hostname: string;
  readonly log: Log;
  /** Allows STARTTLS. */
  readonly tls?: TlsFiles;
  /** Whether connections begin with TLS; `tls` must be given. */
  readonly implicitTls?: boolean;
  readonly limits?: Partial<ImapLimits>;
  /** The clock, in milliseconds since 1970. */
  readonly now?: () => number;
  /** From 0 to below 1: spreads keep-alives. */
  readonly random?: () => number;
}

export interface ImapServer {
  readonly address: { readonly host: string; readonly port: number };
  /** How many connections are open. */
  readonly connections: number;
  /** New connections and STARTTLS take this certificate from now on. */
  setTls(tls: TlsFiles): void;
  /** Says BYE to all, waits within a bound for commands under way, and closes. */
  close(): Promise<void>;
}

export async function startImapServer(options: ImapServerOptions): Promise<ImapServer> {
  const server = new ConnectionServer(options);
  await server.listen(options.host, options.port);
  return server;
}

class ConnectionServer implements ImapServer {
  readonly #context: ServerContext;
  readonly #isTlsImplicit: boolean;
  readonly #listener: Server;
  readonly #ends: Map<Connection, Promise<void>> = new Map();
  readonly #connectionsOfAddress: Tally<string>;
  readonly #ticker: NodeJS.Timeout;

  constructor(options: ImapServerOptions) {
    const { store, log, hostname, tls, now = Date.now, random = Math.random } = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const throttle = new LoginThrottle(limits);
    const sessionsOfAccount = new Tally<AccountId>(limits.sessionsPerAccountMax);
    const secureContext = tls === undefined ? undefined : contextOf(tls);
    this.#context = { store, limits, log, hostname, throttle, sessionsOfAccount, secureContext, now, random };
    this.#isTlsImplicit = options.implicitTls === true;
    if (this.#isTlsImplicit && tls === undefined) throw new Error("implicit TLS needs a key and a certificate");
    this.#connectionsOfAddress = new Tally(limits.sessionsPerAddressMax);
    // A client may close its side early and still wants its answers. Nagle's algorithm would hold back each wake.
    this.#listener = createServer({
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: limits.tcpKeepAliveMs,
    });
    this.#listener.on("connection", (socket) => this.#accept(socket));
    this.#ticker = setInterval(() => this.#tick(), limits.tickMs).unref();
  }

  get address(): { readonly host: string; readonly port: number } {
    const { address, port } = this.#listener.address() as AddressInfo;
    return { host: address, port };
  }

  get connections(): number {
    return this.#ends.size;
  }

  async listen(host: string, port: number): Promise<void> {
    this.#listener.listen({ host, port, backlog: this.#context.limits.backlog });
    await once(this.#listener, "listening");
    this.#listener.on("error", (err) => this.#context.log.error({ err }, "cannot accept a connection"));
  }

  setTls(tls: TlsFiles): void {
    this.#context.secureContext = contextOf(tls);
  }

  async close(): Promise<void> {
    this.#listener.close();
    for (const connection of this.#ends.keys()) connection.askToEnd();
    const ends = Promise.all(this.#ends.values());
    await Promise.race([ends, setTimeout(this.#context.limits.closeMs, undefined, { ref: false })]);
    for (const connection of this.#ends.keys()) connection.destroy();
    await ends;
    clearInterval(this.#ticker);
  }

  #accept(socket: Socket): void {
    const { limits, now } = this.#context;
    const connection = new Connection(socket, { limits, now });
    const { address } = connection;
    const isWelcome = this.#ends.size < limits.sessionsMax && this.#connectionsOfAddress.add(address);
    const end = isWelcome ? this.#serve(connection) : this.#turnAway(connection);
    this.#ends.set(connection, end);
    void end.finally(() => {
      this.#ends.delete(connection);
      if (isWelcome) this.#connectionsOfAddress.remove(address);
    });
  }

  async #serve(connection: Connection): Promise<void> {
    const { secureContext, limits, log } = this.#context;
    if (this.#isTlsImplicit && secureContext !== undefined) {
      try {
        await connection.startTls(secureContext, limits.loginTimeoutMs);
      } catch (err) {
        log.debug({ client: connection.address, err }, "TLS handshake failed");
        return;
      }
    }
    await new ImapSession(connection, this.#context).run();
  }

  async #turnAway(connection: Connection): Promise<void> {
    this.#context.log.warn({ client: connection.address }, "too many connections");
    if (!this.#isTlsImplicit) void connection.write(printUntagged("BYE", "Too many connections"));
    await connection.end();
  }

  #tick(): void {
    const now = this.#context.now();
    for (const connection of this.#ends.keys()) connection.tick(now);
  }
}

function contextOf({ key, cert }: TlsFiles): SecureContext {
  return createSecureContext({ key, cert, minVersion: "TLSv1.2" });
}
