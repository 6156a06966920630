// One listener: smtp-server's, with its callbacks turned into calls of a Receiver.
import { once, setMaxListeners } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { createSecureContext } from "node:tls";
import type { TLSSocket } from "node:tls";
import { SMTPServer } from "smtp-server";
import type { SMTPServerAddress, SMTPServerDataStream, SMTPServerEnvelope, SMTPServerSession } from "smtp-server";
import type { SMTPConnectionOptions, TLSError } from "smtp-server/lib/smtp-connection.js";
import type { AccountInfo } from "@pushmail/mailstore";
import type { TlsCredentials } from "@pushmail/sasl";
import { replyTo } from "../replies.ts";
import { ConnectionGate } from "./connection-gate.ts";
import type { Place } from "./connection-gate.ts";
import { endInHandshake } from "./end-in-handshake.ts";
import { EngineConnection } from "./engine-connection.ts";
import { smtpServerOptions, tlsServerOptions } from "./engine-settings.ts";
import type { EngineSettings } from "./engine-settings.ts";
import { Logins } from "./logins.ts";
import { mailCommand, refuseParameters } from "./mail-command.ts";
import type { Answer, Receiver } from "./receiver.ts";

type Callback<Value> = (error: Error | null, value?: Value) => void;

const MAIL_PARAMETERS = ["SIZE", "BODY", "SMTPUTF8"];

/** A listener that puts every question of mail to a receiver. */
export class EngineServer<Transaction = unknown> extends SMTPServer {
  readonly settings: EngineSettings;
  readonly #receiver: Receiver<Transaction>;
  readonly #gate: ConnectionGate;
  readonly #logins: Logins;
  #ticker: NodeJS.Timeout | undefined;
  /** By the client's socket, with TLS and without. */
  readonly #places = new WeakMap<Socket, Place>();
  /** The one of each session, which ends with its envelope. A new key each mail would cost more than its MAIL command. */
  readonly #transactions = new WeakMap<SMTPServerSession, { envelope: SMTPServerEnvelope; transaction: Transaction }>();
  readonly #connections = new Set<EngineConnection>();
  readonly #connectionOf = new WeakMap<SMTPServerSession, EngineConnection>();
  readonly #stop = new AbortController();

  constructor(settings: EngineSettings, receiver: Receiver<Transaction>) {
    super(smtpServerOptions(settings));
    this.settings = settings;
    // Every login that waits listens to it.
    setMaxListeners(0, this.#stop.signal);
    this.#receiver = receiver;
    const { limits } = settings;
    const patienceMs = settings.authentication ? limits.loginTimeoutMs : limits.mailTimeoutMs;
    this.#gate = new ConnectionGate({ ...settings, patienceMs });
    this.#logins = new Logins({
      settings,
      stop: this.#stop.signal,
    });
    // A handshake that failed or a peer that vanished; the socket is closed already.
    this.on("error", (error) => settings.log.debug({ err: error }, "connection failed"));
  }

  /** Listens; returns the port. */
  async start(host: string, port: number): Promise<number> {
    await once(this.listen({ port, host, backlog: this.settings.limits.backlog }), "listening");
    this.#ticker = setInterval(() => this.#gate.tick(), this.settings.limits.tickMs).unref();
    return (this.server.address() as AddressInfo).port;
  }

  /** Whether the listener is about to close. */
  get stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** Answers what has come in whole, says 421 to everybody, and is done when the last connection is gone. */
  async stop(): Promise<void> {
    this.#stop.abort();
    const closed = new Promise<void>((resolve) => this.close(resolve));
    const cutOff = setTimeout(() => {
      for (const connection of this.#connections) connection.cutOff();
    }, this.settings.limits.closeGraceMs);
    // The others have their turn once their mail is answered.
    for (const connection of this.#connections) if (!connection.delivering) connection.retire();
    await closed;
    clearTimeout(cutOff);
    clearInterval(this.#ticker);
  }

  /** For handshakes from now on; throws, and keeps what was, where the certificate is of no use. */
  useTls(tls: TlsCredentials): void {
    const options = tlsServerOptions(this.settings, tls);
    // smtp-server would forget the old context before it looks at the new one.
    createSecureContext(options);
    this.updateSecureContext(options);
  }

  override _acceptSocket(socket: Socket, handshake: boolean): (() => void) | false {
    const place = this.#gate.admit(socket);
    if (place === undefined) return false;
    this.#places.set(socket, place);
    socket.once("close", () => this.#gate.leave(place));
    // Until there is a connection. To take the socket away from below a handshake is not safe.
    place.end = () => (this._pendingSockets.get(socket) ?? socket).destroy();
    return super._acceptSocket(socket, handshake);
  }

  override _upgrade(socket: Socket, callback: (error: TLSError | null, secured?: TLSSocket) => void): void {
    // Where it was ended since it came in, Node would crash on what is put on top of it.
    if (socket.destroyed) return;
    super._upgrade(socket, (error, secured) => {
      const place = this.#places.get(socket);
      if (secured !== undefined && place !== undefined) this.#places.set(secured, place);
      // Behind the handshake Node says of a record that does not verify only this, and leaves the socket open.
      secured?.once("_tlsError", () => secured.destroy());
      callback(error, secured);
    });
    endInHandshake(this._pendingSockets.get(socket));
  }

  override connect(socket: Socket, options?: SMTPConnectionOptions | null): void {
    if (this.stopping) {
      socket.destroy();
      return;
    }
    const place = this.#places.get(socket);
    if (place === undefined) throw new Error("a connection that was never admitted");
    const connection = new EngineConnection(this, socket, options);
    connection.occupy(place);
    this.connections.add(connection);
    this.#connections.add(connection);
    this.#connectionOf.set(connection.session, connection);
    connection.on("error", (error) => this._onError(error));
    connection.init();
  }

  /** The connection's socket is closed. */
  forget(connection: EngineConnection): void {
    this.#connections.delete(connection);
    // STARTTLS takes a socket's own listeners away.
    this.#gate.leave(connection.place);
  }

  /** The content of a mail begins: as long as it comes, the connection is of use. */
  begin(place: Place): void {
    this.#gate.receive(place);
  }

  /** At once: smtp-server would wait a turn, and end the connection of who speaks meanwhile. */
  override onConnect(_session: SMTPServerSession, callback: Callback<void>): void {
    callback(null);
  }

  override onSecure(_socket: Socket, _session: SMTPServerSession, callback: Callback<void>): void {
    callback(null);
  }

  /** What somebody has shown for himself is checked in his turn. */
  attempt(connection: EngineConnection, name: string, check: () => Promise<AccountInfo>): Promise<AccountInfo> {
    return this.#logins.attempt(connection, name, check);
  }

  /** Somebody has logged in: he stays. */
  welcome(place: Place): void {
    this.#gate.keep(place);
  }

  override onMailFrom(address: SMTPServerAddress, session: SMTPServerSession, callback: Callback<void>): void {
    void this.#answer(callback, async () => {
      refuseParameters(address, this.settings.authentication ? [...MAIL_PARAMETERS, "AUTH"] : MAIL_PARAMETERS);
      const { envelope } = session;
      const transaction = await this.#receiver.begin(mailCommand(address, session));
      this.#transactions.set(session, { envelope, transaction });
    });
  }

  override onRcptTo(address: SMTPServerAddress, session: SMTPServerSession, callback: Callback<void>): void {
    void this.#answer(callback, async () => {
      refuseParameters(address, []);
      await this.#receiver.addRecipient(this.#transaction(session), address.address);
    });
  }

  override onData(content: SMTPServerDataStream, session: SMTPServerSession, callback: Callback<Answer[]>): void {
    void this.#answer(callback, async () => [
      // smtp-server sends one reply an entry, under SMTP as under LMTP.
      ...(await this.#receiver.receive(this.#transaction(session), content)),
    ]).finally(() => {
      const connection = this.#connectionWith(session);
      if (this.stopping) connection.retire();
      // Who has logged in may stay.
      if (this.settings.authentication) this.#gate.keep(connection.place);
      else this.#gate.await(connection.place);
    });
  }

  async #answer<Value>(callback: Callback<Value>, work: () => Promise<Value>): Promise<void> {
    let value: Value | undefined;
    let failure: Error | null = null;
    try {
      value = await work();
    } catch (error) {
      failure = replyTo(error, this.settings.log);
    }
    callback(failure, value);
  }

  #connectionWith(session: SMTPServerSession): EngineConnection {
    const connection = this.#connectionOf.get(session);
    if (connection === undefined) throw new Error("a session without a connection");
    return connection;
  }

  #transaction(session: SMTPServerSession): Transaction {
    const begun = this.#transactions.get(session);
    if (begun?.envelope !== session.envelope) throw new Error("a mail transaction that was never begun");
    return begun.transaction;
  }
}
