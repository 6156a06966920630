// One listener: smtp-server's, with its callbacks turned into calls of a Receiver.
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { createSecureContext } from "node:tls";
import { Refusal } from "@pushmail/mailstore";
import type { AccountInfo } from "@pushmail/mailstore";
import { SMTPServer } from "smtp-server";
import type {
  SMTPServerAddress,
  SMTPServerAuthentication,
  SMTPServerAuthenticationResponse,
  SMTPServerDataStream,
  SMTPServerEnvelope,
  SMTPServerSession,
} from "smtp-server";
import type { SMTPConnectionOptions } from "smtp-server/lib/smtp-connection.js";
import { NegativeReply, replyTo } from "../replies.ts";
import { ConnectionGate } from "./connection-gate.ts";
import { EngineConnection } from "./engine-connection.ts";
import { contextOptions, smtpServerOptions } from "./engine-settings.ts";
import type { EngineSettings, TlsCredentials } from "./engine-settings.ts";
import { mailCommand, refuseParameters } from "./mail-command.ts";
import type { Answer, Receiver } from "./receiver.ts";

type Callback<Value> = (error: Error | null, value?: Value) => void;

const MAIL_PARAMETERS = ["SIZE", "BODY", "SMTPUTF8"];

/** A listener that puts every question of mail to a receiver. */
export class EngineServer<Transaction = unknown> extends SMTPServer {
  readonly settings: EngineSettings;
  readonly #receiver: Receiver<Transaction>;
  readonly #gate: ConnectionGate;
  readonly #transactions = new WeakMap<SMTPServerEnvelope, Transaction>();
  readonly #failedLogins = new WeakMap<SMTPServerSession, number>();
  readonly #connections = new Set<EngineConnection>();
  readonly #deliveries = new Set<Promise<void>>();
  readonly #stop = new AbortController();

  constructor(settings: EngineSettings, receiver: Receiver<Transaction>) {
    super(smtpServerOptions(settings));
    this.settings = settings;
    this.#receiver = receiver;
    this.#gate = new ConnectionGate(settings.limits);
    // A handshake that failed or a peer that vanished; the socket is closed already.
    this.on("error", (error) => settings.log.debug({ err: error }, "connection failed"));
  }

  /** Listens; returns the port. */
  async start(host: string, port: number): Promise<number> {
    await once(this.listen(port, host), "listening");
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
      for (const connection of this.#connections) connection._socket.destroy();
    }, this.settings.limits.closeGraceMs);
    for (const connection of this.#connections) if (!connection.delivering) connection.retire();
    await Promise.race([closed, Promise.all(this.#deliveries)]);
    for (const connection of this.#connections) connection.retire();
    await closed;
    clearTimeout(cutOff);
  }

  /** For handshakes from now on; throws, and keeps what was, where the certificate is of no use. */
  useTls(tls: TlsCredentials): void {
    const options = contextOptions(tls);
    // smtp-server would forget the old context before it looks at the new one.
    createSecureContext(options);
    this.updateSecureContext(options);
  }

  override _acceptSocket(socket: Socket, handshake: boolean): (() => void) | false {
    if (this.#gate.admit(socket)) return super._acceptSocket(socket, handshake);
    this.settings.log.info({ client: socket.remoteAddress }, "too many connections");
    socket.on("error", () => {});
    // Nothing can be said in clear to a client that expects a handshake.
    if (handshake) socket.destroy();
    else socket.end(`421 ${this.settings.hostname} Too many connections\r\n`, () => socket.destroy());
    return false;
  }

  override connect(socket: Socket, options?: SMTPConnectionOptions | null): void {
    if (this.stopping) {
      socket.destroy();
      return;
    }
    const connection = new EngineConnection(this, socket, options);
    this.connections.add(connection);
    this.#connections.add(connection);
    connection.on("error", (error) => this._onError(error));
    connection.init();
  }

  /** The connection's socket is closed. */
  forget(connection: EngineConnection): void {
    this.#connections.delete(connection);
  }

  override onAuth(
    auth: SMTPServerAuthentication,
    session: SMTPServerSession,
    callback: Callback<SMTPServerAuthenticationResponse>,
  ): void {
    void this.#answer(callback, async () => ({ user: await this.#login(auth, session) }));
  }

  override onMailFrom(address: SMTPServerAddress, session: SMTPServerSession, callback: Callback<void>): void {
    void this.#answer(callback, async () => {
      refuseParameters(address, this.settings.authentication ? [...MAIL_PARAMETERS, "AUTH"] : MAIL_PARAMETERS);
      this.#transactions.set(session.envelope, await this.#receiver.begin(mailCommand(address, session)));
    });
  }

  override onRcptTo(address: SMTPServerAddress, session: SMTPServerSession, callback: Callback<void>): void {
    void this.#answer(callback, async () => {
      refuseParameters(address, []);
      await this.#receiver.addRecipient(this.#transaction(session), address.address);
    });
  }

  override onData(content: SMTPServerDataStream, session: SMTPServerSession, callback: Callback<Answer[]>): void {
    const delivery = this.#answer(callback, async () => [
      // smtp-server sends one reply an entry, under SMTP as under LMTP.
      ...(await this.#receiver.receive(this.#transaction(session), content)),
    ]).finally(() => this.#deliveries.delete(delivery));
    this.#deliveries.add(delivery);
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

  #transaction(session: SMTPServerSession): Transaction {
    const transaction = this.#transactions.get(session.envelope);
    if (transaction === undefined) throw new Error("a mail transaction that was never begun");
    return transaction;
  }

  async #login(auth: SMTPServerAuthentication, session: SMTPServerSession): Promise<AccountInfo> {
    const { limits } = this.settings;
    try {
      // RFC 4616 2: to act for somebody else is nobody's right.
      if (auth.authzid && auth.authcid && auth.authzid.toLowerCase() !== auth.authcid.toLowerCase()) {
        throw new Refusal("authenticationFailed", "to act for another account is not allowed");
      }
      return await this.#receiver.authenticate(auth.username ?? "", auth.password ?? "");
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== "authenticationFailed") throw error;
      const failed = (this.#failedLogins.get(session) ?? 0) + 1;
      this.#failedLogins.set(session, failed);
      this.settings.log.warn({ client: session.remoteAddress, username: auth.username, failed }, "login failed");
      await this.#delay(limits.authFailureDelayMs);
      throw failed < limits.authAttemptsMax ? error : new NegativeReply("421 4.7.0", "Too many failed logins");
    }
  }

  /** Waits, or until the listener stops. */
  async #delay(delayMs: number): Promise<void> {
    await wait(delayMs, undefined, { signal: this.#stop.signal, ref: false }).catch(() => {});
  }
}
