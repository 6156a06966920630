// One client's socket: input cut into frames, output gathered and sent with back-pressure, and one signal for whatever
// a session may wait for. Memory is bounded: reading stops while input waits, and writing while the client does not read.
import type { Socket } from "node:net";
import { setImmediate as turnOfEventLoop } from "node:timers/promises";
import { TLSSocket, type SecureContext } from "node:tls";
import { Framer, type FrameEvent } from "@pushmail/imap-wire";
import { DeflatedSocket } from "./deflated-socket.ts";
import { wireLimitsBeforeLogin, type ImapLimits } from "./limits.ts";
import { Output } from "./output.ts";
import { Bye, PeerGone } from "./replies.ts";
import type { Rounds } from "./rounds.ts";
import { Signal } from "./signal.ts";

export interface ConnectionOptions {
  readonly limits: ImapLimits;
  readonly now: () => number;
  /** Who calls `tick`. */
  readonly rounds: Rounds<Connection>;
}

export interface TlsTerms {
  readonly secureContext: SecureContext;
  /** Whether the client may show a certificate; what it is good for is decided when it logs in. */
  readonly requestCert: boolean;
}

export interface ReadOptions {
  /** Called whenever something happened and nothing is read; gives when it is to be called at the latest. */
  readonly pause?: () => number | Promise<number>;
}

/** One for all: thousands are told at once, and nobody reads a stack of it. */
const SHUTTING_DOWN = new Bye("The server is shutting down");

export class Connection {
  readonly signal: Signal = new Signal();
  readonly framer: Framer;
  readonly address: string;
  readonly #options: ConnectionOptions;
  #socket: Socket | DeflatedSocket;
  /** Undefined where there is none, which is nearly always. */
  #output: Output | undefined;
  #sentAtMs: number;
  #sendCount = 0;
  #isAwaited = false;
  #isSendDue = false;
  #isEndAsked = false;
  #isHandshaking = false;
  #isTrusted = false;
  #isDismissed = false;
  #wakeAtMs = Infinity;

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#sentAtMs = options.now();
    this.framer = new Framer(wireLimitsBeforeLogin(options.limits));
    this.address = socket.remoteAddress ?? "";
    this.#listen();
  }

  /** Undefined in clear. */
  get tls(): TLSSocket | undefined {
    const socket = this.#socket instanceof DeflatedSocket ? this.#socket.socket : this.#socket;
    return socket instanceof TLSSocket ? socket : undefined;
  }

  /** Nothing can be sent any more. */
  get isClosed(): boolean {
    return this.#socket.closed;
  }

  /** Whether its client has logged in. */
  get isTrusted(): boolean {
    return this.#isTrusted;
  }

  /** Whether output is gathered that was not sent. */
  get hasOutput(): boolean {
    return this.#output !== undefined;
  }

  /** When output was last handed to the network. */
  get sentAtMs(): number {
    return this.#sentAtMs;
  }

  /** How often that was. */
  get sendCount(): number {
    return this.#sendCount;
  }

  /** Waits until something happened, or until about `untilMs`. Look at everything again after it. */
  wait(untilMs: number): Promise<void> {
    this.#sleep(untilMs);
    return this.signal.wait();
  }

  #sleep(untilMs: number): void {
    this.#wakeAtMs = untilMs;
    this.#options.rounds.add(this, untilMs);
  }

  /** Called now and then for all connections, in place of a timer for each. */
  tick(nowMs: number): void {
    const { lingerMs, stallMs } = this.#options.limits;
    const stalledMs = nowMs - this.#sentAtMs;
    if (stalledMs >= (this.#isDismissed ? lingerMs : stallMs) && this.#socket.writableLength > 0) this.destroy();
    if (nowMs < this.#wakeAtMs) return;
    this.#wakeAtMs = Infinity;
    this.signal.raise();
  }

  /** It has logged in: from now on it may send as much as the limits allow. */
  trust(): void {
    this.#isTrusted = true;
    this.framer.setLimits(this.#options.limits.wire);
  }

  /** It is no longer logged in. */
  distrust(): void {
    this.#isTrusted = false;
    this.framer.setLimits(wireLimitsBeforeLogin(this.#options.limits));
  }

  /** Ends it at once, with a last word where one can be said: for one that its session does not serve at this time. */
  dismiss(farewell: string): void {
    const { writable, writableNeedDrain } = this.#socket;
    // One that was told good-bye already, or does not read, is not waited for.
    if (!writable || writableNeedDrain || this.#isHandshaking) return this.destroy();
    this.#isDismissed = true;
    this.#gather(farewell);
    this.#send();
    this.#options.rounds.add(this, this.#sentAtMs + this.#options.limits.lingerMs);
    this.#socket.destroySoon();
  }

  /** Ends it as soon as no command is under way that has come in whole. */
  askToEnd(): void {
    // Nothing can be said to one that is in the midst of a handshake.
    if (this.#isHandshaking) return this.destroy();
    this.#isEndAsked = true;
    this.signal.raise();
  }

  /** Whether all output has left. Where not, the signal is raised as soon as it has. */
  hasLeft(): boolean {
    this.#isAwaited = this.#socket.writableLength > 0;
    return !this.#isAwaited;
  }

  /** Throws where the client has gone, or is to go: for what it is no use to wait for then. */
  checkOpen(): void {
    if (this.isClosed) throw new PeerGone();
    if (this.#isEndAsked) throw SHUTTING_DOWN;
  }

  /** What the client sent next, if it is here. Throws where nothing will come, or nothing more is wanted. */
  take(): FrameEvent | undefined {
    const event = this.framer.next();
    if (event !== undefined) return event;
    if (this.isClosed || this.#socket.readableEnded) throw new PeerGone();
    // RFC 9051 7.1.5: in the midst of a literal, too.
    if (this.#isEndAsked) throw SHUTTING_DOWN;
    if (this.#socket instanceof DeflatedSocket) this.#socket.goOn();
    if (this.#socket.isPaused()) this.#socket.resume();
    return undefined;
  }

  /** The same, waited for. */
  read(timeoutMs: number, options?: ReadOptions): Promise<FrameEvent> {
    const untilMs = this.#options.now() + timeoutMs;
    return this.signal.until(() => {
      const event = this.take();
      if (event !== undefined) return event;
      if (this.#options.now() >= untilMs) throw new Bye("Silent for too long");
      const dueMs = options?.pause?.() ?? Infinity;
      if (typeof dueMs !== "number") return dueMs.then((ms) => this.#sleep(Math.min(untilMs, ms)));
      this.#sleep(Math.min(untilMs, dueMs));
      return undefined;
    });
  }

  /** Gathers output; undefined where there is room for more, else a promise to await before the next write. */
  write(...output: readonly (string | Uint8Array)[]): Promise<void> | undefined {
    for (const piece of output) this.#gather(piece);
    const bytes = this.#output?.bytes ?? 0;
    return bytes < this.#options.limits.outputBytesMax ? undefined : this.#makeRoom();
  }

  /** Sends what is gathered, in one write, with a last word; while the client does not read, a promise to await. */
  flush(lastWord = ""): Promise<void> | undefined {
    if (this.isClosed) throw new PeerGone();
    this.#gather(lastWord);
    this.#send();
    return this.#socket.writableNeedDrain ? this.#drained() : undefined;
  }

  /** Whether more has come that is to be carried out, from a client that reads what it is told. */
  get hasMore(): boolean {
    return this.framer.pendingBytes > 0 && !this.#socket.writableNeedDrain;
  }

  /** Sends what is gathered until the end of this turn of the event loop, whatever is waited for then. */
  sendSoon(): void {
    if (this.#isSendDue) return;
    this.#isSendDue = true;
    setImmediate(() => {
      this.#isSendDue = false;
      if (!this.isClosed) this.#send();
    });
  }

  async #drained(): Promise<void> {
    while (this.#socket.writableNeedDrain && !this.isClosed) {
      this.#isAwaited = true;
      await this.signal.wait();
    }
    // What was raised meanwhile was not for this wait alone: whoever waits next looks at everything once more.
    this.signal.raise();
    if (this.isClosed) throw new PeerGone();
  }

  /** Sends what is gathered and a last word, and ends. Further input is dropped, and a client that stays is cut off. */
  async end(farewell = ""): Promise<void> {
    this.#gather(farewell);
    if (!this.isClosed) this.#send();
    this.#socket.removeListener("data", this.#onData).resume().end();
    const { limits, now } = this.#options;
    const saidMs = now();
    while (!this.isClosed) {
      const untilMs = saidMs + (this.#isEndAsked ? limits.closeLingerMs : limits.lingerMs);
      if (now() >= untilMs) break;
      await this.wait(untilMs);
    }
    this.destroy();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  /** Sends what is gathered and goes on in TLS; what came in clear so far is not read any more. */
  async startTls({ secureContext, requestCert }: TlsTerms): Promise<void> {
    // RFC 9051 6.2.1: commands that were slipped in behind STARTTLS are not carried out.
    const clear = this.#stopReading();
    this.#send();
    this.#isHandshaking = true;
    while (!this.hasLeft() && !this.isClosed) await this.signal.wait();
    if (clear.destroyed) throw new PeerGone();
    const secured = new TLSSocket(clear, { isServer: true, secureContext, requestCert, rejectUnauthorized: false });
    secured.once("secure", () => {
      this.#isHandshaking = false;
      this.signal.raise();
    });
    // Behind the handshake Node says of a record that does not verify only this, and leaves the socket open.
    secured.on("_tlsError", cutOff);
    this.#socket = secured;
    this.#listen();
    while (this.#isHandshaking) {
      if (this.isClosed || secured.readableEnded) throw new PeerGone("no TLS handshake");
      await this.signal.wait();
    }
    // What is said in the turn of the handshake waits behind its tickets, for which Node keeps 16 KiB more for good.
    await turnOfEventLoop();
  }

  /** Whether compression is on. */
  get isDeflated(): boolean {
    return this.#socket instanceof DeflatedSocket;
  }

  /** Sends what is gathered and goes on deflated; what came in clear behind the command is not read any more. */
  startCompression(): void {
    const clear = this.#stopReading();
    this.#send();
    this.#socket = new DeflatedSocket(clear, this.#raise);
    this.#listen();
  }

  /** Sends what is gathered and goes on in clear, with what comes behind the flush that ended the command. */
  async endCompression(): Promise<void> {
    const deflated = this.#socket;
    if (!(deflated instanceof DeflatedSocket)) return;
    this.#send();
    for (; !(this.hasLeft() && deflated.isAtFlush); await this.signal.wait()) this.checkOpen();
    if (this.isClosed) throw new PeerGone();
    this.framer.push(deflated.release());
    this.#socket = deflated.socket;
    // The other listeners are there since before compression began.
    this.#socket.on("data", this.#onData).on("end", this.#raise).resume();
  }

  /** Forgets what has come and was not read, and gives the socket for another layer. */
  #stopReading(): Socket {
    if (this.#socket instanceof DeflatedSocket) throw new Error("nothing lies on top of compression");
    // Its ends are told once: another layer would wait for them.
    if (this.#socket.readableEnded || this.#socket.destroyed) throw new PeerGone();
    this.framer.discardPending();
    this.#socket.removeListener("data", this.#onData).removeListener("end", this.#raise);
    return this.#socket.pause();
  }

  #listen(): void {
    // An error is always followed by `close`, which says all that matters: the client is gone.
    this.#socket.on("data", this.#onData).on("end", this.#raise).on("close", this.#raise).on("error", ignore);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.framer.push(chunk);
    const { inputBytesMax, bytesBeforeLoginMax } = this.#options.limits;
    if (this.framer.pendingBytes > (this.#isTrusted ? inputBytesMax : bytesBeforeLoginMax)) this.#socket.pause();
    this.signal.raise();
  };

  /** For all that may happen but input: a function for each event took 0.1 KiB more of every session. */
  readonly #raise = (): void => {
    this.signal.raise();
  };

  readonly #onSent = (): void => {
    if (this.#isAwaited) this.signal.raise();
  };

  /** Sends, and gives way: a long answer to a quick reader would keep all others waiting. */
  async #makeRoom(): Promise<void> {
    await this.flush();
    await turnOfEventLoop();
  }

  #gather(piece: string | Uint8Array): void {
    if (piece.length > 0) (this.#output ??= new Output()).add(piece);
  }

  #send(): void {
    const output = this.#output;
    if (output === undefined) return;
    this.#output = undefined;
    this.#sentAtMs = this.#options.now();
    this.#sendCount++;
    output.sendTo(this.#socket, this.#onSent);
  }
}

function ignore(): void {}

function cutOff(this: TLSSocket): void {
  this.destroy();
}
