// One connection: smtp-server's, with our greeting, our parser, and our bounds.
import { isIPv4 } from "node:net";
import type { Socket } from "node:net";
import { StringDecoder } from "node:string_decoder";
import { TLSSocket } from "node:tls";
import { domainToASCII } from "node:url";
import { SMTPConnection } from "smtp-server/lib/smtp-connection.js";
import type { SMTPStream } from "smtp-server/lib/smtp-stream.js";
import type { SaslChannel } from "@pushmail/sasl";
import { replyTo } from "../replies.ts";
import { AuthDialogue } from "./auth-dialogue.ts";
import { CommandStream } from "./command-stream.ts";
import type { Place } from "./connection-gate.ts";
import { endInHandshake } from "./end-in-handshake.ts";
import type { EngineServer } from "./engine-server.ts";
import { STAND_IN, takeDottedPath, takeQuotedPath } from "./quoted-path.ts";

const BLANK = Buffer.from(" ");
/** RFC 5321 4.5.3.1.5: a line of a reply has 512 octets, of which the code, a status of smtp-server's and CRLF need some. */
const REFUSAL_BYTES_MAX = 500;
const ENHANCED_STATUS = /^[245]\.\d{1,3}\.\d{1,3} /;

type ParsedAddress = Exclude<ReturnType<SMTPConnection["_parseAddressCommand"]>, false>;

/** A connection that CommandStream parses, and that keeps to the listener's settings. */
export class EngineConnection extends SMTPConnection {
  declare _server: EngineServer;
  #commands = 0;
  #place: Place | undefined;
  /** TLS on its way, behind STARTTLS. */
  #handshaking: Socket | undefined;

  /** What the connection takes up of what the listener has. */
  get place(): Place {
    if (this.#place === undefined) throw new Error("a connection without a place");
    return this.#place;
  }

  occupy(place: Place): void {
    this.#place = place;
    place.isDelivering = () => this.delivering;
    place.end = ({ status, why }) => {
      this.send(Number(status.slice(0, 3)), `${status.slice(4)} ${why}`);
      // smtp-server would wait for the client to end its side; for one that does not read it waits for 5 s.
      if (this._upgrading) this.cutOff();
      else this._socket.destroySoon();
    };
  }

  /** Ends it without a word. To take the socket away from below a handshake is not safe. */
  cutOff(): void {
    const socket = this._upgrading ? (this.#handshaking ?? this._socket) : this._socket;
    socket.destroy();
  }

  /** Whether a mail has come in whole and waits for its answer. */
  get delivering(): boolean {
    return Boolean(this._dataStream) && this._parser !== false && !this._parser._dataMode;
  }

  get channel(): SaslChannel {
    const { _socket: socket, secure, remoteAddress } = this;
    const mayBeClear = this._server.settings.authInClear === "loopback" && isLoopback(remoteAddress);
    return { tls: socket instanceof TLSSocket ? socket : undefined, isPrivate: secure || mayBeClear };
  }

  /** Greets at once: smtp-server would wait 100 ms for clients that speak first. */
  override init(): void {
    this._setListeners(() => this.connectionReady());
  }

  override _createParser(): SMTPStream {
    const { limits, lineEnds, log } = this._server.settings;
    const stream = new CommandStream({ commandBytesMax: limits.commandBytesMax, lineEnds });
    stream.oncommand = (command, done) => this._onCommand(command, done);
    // The client has ended its side, and has its answers.
    stream.on("finish", () => this.close());
    stream.on("error", (error) => {
      const reply = replyTo(error, log);
      this.send(reply.responseCode, reply.message);
      this.close();
    });
    return stream;
  }

  override _onCommand(command: Buffer, done?: () => void): void {
    if (this._server.stopping) return this.send(421, "4.3.2 Shutting down");
    if (++this.#commands > this.#commandsMax) return this.send(421, "4.7.0 Too many commands");
    if (/^auth\b/i.test(command.toString("latin1")) && super._isSupported("AUTH") && !this.channel.isPrivate) {
      // RFC 4954 6
      this.send(538, "5.7.11 AUTH needs encryption: issue STARTTLS first");
      return done?.();
    }
    // Where a response is awaited smtp-server still looks whether it spells MAIL, RCPT or DATA: behind a blank none does.
    super._onCommand(this._nextHandler ? Buffer.concat([BLANK, command]) : command, done);
  }

  get #commandsMax(): number {
    const { limits, authentication } = this._server.settings;
    return authentication && !this.session.user ? limits.unauthenticatedCommandsMax : limits.commandsWithoutMailMax;
  }

  /** AUTH is not even announced where it would show the password to the network (RFC 4954 4). */
  override _isSupported(command: string): boolean {
    return super._isSupported(command) && (command !== "AUTH" || this.channel.isPrivate);
  }

  override handler_AUTH(command: Buffer, done: () => void): void {
    if (this.session.user) {
      this.send(503, "5.5.1 You have logged in already");
      return done();
    }
    const attempt: AuthDialogue["attempt"] = (name, check) => this._server.attempt(this, name, check);
    void this.#authenticate(command.toString("latin1"), new AuthDialogue(this, { attempt, done }));
  }

  async #authenticate(command: string, dialogue: AuthDialogue): Promise<void> {
    const { sasl, log } = this._server.settings;
    try {
      const account = await dialogue.run(sasl, command);
      this.session.user = account;
      this.session.transmissionType = this._transmissionType();
      log.info({ client: this.remoteAddress, account: account.address }, "logged in");
      this._server.welcome(this.place);
      this.send(235, "2.7.0 Authentication successful");
    } catch (error) {
      const reply = replyTo(error, log);
      this.send(reply.responseCode, reply.message);
    }
    dialogue.end();
  }

  override _parseAddressCommand(name: string, command: Buffer | string): ParsedAddress | false {
    // RFC 5321 3.3: no blank stands on either side of the colon.
    const { strict } = this._server.settings;
    const line = command.toString();
    if (strict.has("blankAfterColon") && /^[^:<]*:[ \t]/.test(line)) return false;
    const quoted = takeQuotedPath(line) ?? (strict.has("oddDots") ? undefined : takeDottedPath(line));
    const read = quoted?.command ?? line;
    const parsed = super._parseAddressCommand(name, read);
    if (parsed === false) return false;
    const address = withDomainAsGiven(parsed.address, read);
    return { ...parsed, address: quoted === undefined ? address : quoted.localPart + address.slice(STAND_IN.length) };
  }

  /** RFC 5321 4.2.4: known, and not done here. */
  handler_EXPN(_command: Buffer, done: () => void): void {
    this.send(502, "5.5.1 Lists are not expanded");
    done();
  }

  override handler_DATA(command: Buffer, done: () => void): void {
    super.handler_DATA(command, done);
    if (!this._dataStream) return;
    this.#commands = 0;
    this._server.begin(this.place);
    const { dataTimeoutMs } = this._server.settings.limits;
    const late = (): void => {
      if (!this.delivering) this.send(421, "4.4.2 The message took too long");
    };
    const timer = setTimeout(late, dataTimeoutMs);
    this._dataStream.once("close", () => clearTimeout(timer));
  }

  /** Ends the connection because the listener ends; does nothing where it is closing already, or closed. */
  retire(): void {
    if (!this._closing && !this._closed) this.send(421, "4.3.2 Shutting down");
  }

  /** What was said in clear leaves before TLS takes the socket. */
  override upgrade(callback: () => void, secureCallback?: () => void): void {
    while (this._socket.writableCorked > 0) this._socket.uncork();
    super.upgrade(callback, secureCallback);
  }

  /** In the midst of an upgrade it is called with the socket that TLS is spoken on. */
  override _armTimeout(socket?: Socket): void {
    super._armTimeout(socket);
    if (!this._upgrading) return;
    this.#handshaking = socket;
    endInHandshake(socket);
  }

  /** A text that begins with an enhanced status code goes out with this one, others get smtp-server's. */
  override send(code: number, words?: string | string[] | null, context?: string | false): void {
    const text = code >= 400 && typeof words === "string" ? fittingLine(words) : words;
    if (code >= 400 && !this._closed) {
      const { log } = this._server.settings;
      // 500 to 504: the client broke the grammar or the order of commands.
      log[code >= 500 && code < 505 ? "debug" : "info"]({ client: this.remoteAddress, code, text }, "refused");
    }
    answerHalfClosed(this._socket);
    // RFC 2920 3.2: what is answered in one turn of the event loop leaves in one write, and waits for nothing more.
    const socket = this._socket;
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    super.send(
      code,
      Array.isArray(text) ? text.map((line) => this.#announced(line)) : text,
      typeof text === "string" && ENHANCED_STATUS.test(text) ? false : context,
    );
  }

  /** What this connection may log in with stands where smtp-server puts what its listener may. */
  #announced(line: string): string {
    return line.startsWith("AUTH ") ? `AUTH ${this._server.settings.sasl.mechanisms(this.channel).join(" ")}` : line;
  }

  override _onClose(): void {
    super._onClose();
    this._server.forget(this);
  }
}

/** A refusal may quote what the client sent, however long that is. */
function fittingLine(text: string): string {
  if (Buffer.byteLength(text) <= REFUSAL_BYTES_MAX) return text;
  const octets = Buffer.from(text).subarray(0, REFUSAL_BYTES_MAX - 3);
  // It keeps the octets of a character that was cut for a next piece.
  return `${new StringDecoder("utf8").write(octets)}...`;
}

/** smtp-server decodes Punycode of any kind; a domain that IDNA (RFC 5891) does not give back stays as it was written. */
function withDomainAsGiven(address: string, command: string): string {
  const at = address.lastIndexOf("@") + 1;
  const path = command.slice(0, command.indexOf(">"));
  const given = path.slice(path.lastIndexOf("@") + 1);
  const isGivenBack = !/xn--/i.test(given) || domainToASCII(address.slice(at)) === given.toLowerCase();
  return isGivenBack ? address : address.slice(0, at) + given;
}

/** smtp-server writes to none but sockets that are open both ways; a client that has ended its side is to be answered. */
function answerHalfClosed(socket: Socket): void {
  if (socket.readyState !== "writeOnly") return;
  Object.defineProperty(socket, "readyState", { get: () => (socket.writable ? "open" : "closed"), configurable: true });
}

/** Whether an address, IPv4 not mapped, is this machine's own (RFC 1122 3.2.1.3, RFC 4291 2.5.3). */
export function isLoopback(address: string): boolean {
  return address === "::1" || (isIPv4(address) && address.startsWith("127."));
}
