// One client's session: one command at a time, answered in order. It alone writes to its connection.
import { setImmediate as turnOfEventLoop } from "node:timers/promises";
import { printContinuation, printTagged, printUntagged, type MailboxNameOptions } from "@pushmail/imap-wire";
import { Refusal, type AccountInfo, type Cursor, type MailStore, type MessageIndex } from "@pushmail/mailstore";
import type { Sasl, SaslChannel } from "@pushmail/sasl";
import { isTheSelected } from "./access.ts";
import { attemptLogin } from "./attempt-login.ts";
import { capabilitiesOf } from "./capabilities.ts";
import { lineOf, readCommand, type CommandOptions, type Incoming } from "./command-input.ts";
import type { Authenticated, Client, Extension, OwnChange, Selected, Session, SessionState } from "./command.ts";
import type { Connection } from "./connection.ts";
import { carryOut, holdsExpunge, readInvocation, type Invocation } from "./invocation.ts";
import type { ImapLimits } from "./limits.ts";
import type { Log } from "./log.ts";
import { endNumbered } from "./live/start-live.ts";
import { tellChanged } from "./live/tell-live.ts";
import type { Subscription } from "./notify/subscription.ts";
import { Patience } from "./patience.ts";
import { Progress } from "./progress.ts";
import { highestModSeq, Push } from "./push.ts";
import { loadIndex, tellUpdates, toldModSeq } from "./mailbox-sync.ts";
import { Bye, type Reply } from "./replies.ts";
import { answerError, farewellTo } from "./session-errors.ts";
import type { ServerContext } from "./server-context.ts";

const NOT_AUTHENTICATED: SessionState = { name: "notAuthenticated" };
const LOGOUT: SessionState = { name: "logout" };
const NONE_ENABLED: ReadonlySet<Extension> = new Set();
/** How long commands that came together are carried out one behind the other before others have a turn. */
const TURN_MS = 1;

export class ImapSession implements Session {
  readonly #server: ServerContext;
  readonly #connection: Connection;
  #state: SessionState = NOT_AUTHENTICATED;
  #enabled: ReadonlySet<Extension> = NONE_ENABLED;
  readonly #push: Push;
  readonly progress: Progress;
  /** What the octets behind the answer to this command are wrapped in. */
  #due: "tls" | "deflate" | "clear" | undefined;
  readonly #patience: Patience;

  constructor(connection: Connection, server: ServerContext) {
    this.#connection = connection;
    this.#server = server;
    this.#patience = new Patience(server.limits);
    this.progress = new Progress(this, connection);
    this.#push = new Push(this, connection, server.random());
  }

  get store(): MailStore {
    return this.#server.store;
  }
  get limits(): ImapLimits {
    return this.#server.limits;
  }
  get log(): Log {
    return this.#server.log;
  }
  get sasl(): Sasl {
    return this.#server.sasl;
  }
  get server(): Session["server"] {
    return this.#server;
  }
  get client(): Client {
    const { address, tls } = this.#connection;
    return { address, isSecure: tls !== undefined };
  }
  get channel(): SaslChannel {
    const { address, tls } = this.#connection;
    return { tls, isPrivate: tls !== undefined || this.#server.isLocal(address) };
  }

  now(): number {
    return this.#server.now();
  }

  /** Serves the client until one of the two ends it; never throws. */
  async run(): Promise<void> {
    let farewell = "";
    let turnEndsAtMs = 0;
    try {
      if (this.#server.isTlsImplicit) await this.#goOnInTls();
      const code = { code: "CAPABILITY", capabilities: this.capabilities() } as const;
      await this.write(printUntagged("OK", `${this.#server.hostname} ready`, code));
      await this.flush();
      while (this.#state.name !== "logout") {
        const incoming = await readCommand(this.#connection, this.limits, this.#waiting);
        // Not in a function of its own: each that waits for a command takes 0.4 KiB of every session in IDLE.
        let invocation: Invocation | undefined;
        let reply: Reply;
        try {
          invocation = readInvocation(incoming.frame, this.limits);
          const completion = await carryOut(this, this.#state, invocation, incoming.literal);
          reply = { status: "OK", text: `${invocation.name} completed`, ...completion };
        } catch (error) {
          reply = answerError(this, error, invocation?.name);
        } finally {
          this.progress.end();
          incoming.literal?.skip();
        }
        await this.#answer(incoming, invocation, reply);
        if (this.#connection.framer.pendingBytes === 0 || performance.now() < turnEndsAtMs) continue;
        await turnOfEventLoop();
        turnEndsAtMs = performance.now() + TURN_MS;
      }
    } catch (error) {
      farewell = farewellTo(this, error);
    }
    this.enter(LOGOUT);
    this.#push.stop();
    await this.#connection.end(farewell);
    this.#server.ended(this.#connection);
  }

  write(...output: readonly (string | Uint8Array)[]): Promise<void> | undefined {
    return this.#connection.write(...output);
  }

  flush(): Promise<void> | undefined {
    return this.#connection.flush();
  }

  index(state: Selected): Promise<MessageIndex> {
    return loadIndex(this, state);
  }

  get acceptsUtf8(): boolean {
    return this.isEnabled("UTF8=ACCEPT") || this.isEnabled("IMAP4rev2");
  }

  get names(): MailboxNameOptions {
    // RFC 9051 A: without ENABLE names are in modified UTF-7.
    return { utf8: this.acceptsUtf8 };
  }

  isEnabled(extension: Extension): boolean {
    return this.#enabled.has(extension);
  }

  async enable(extension: Extension): Promise<void> {
    if (this.isEnabled(extension)) return;
    // RFC 7162 3.2.3
    if (extension === "QRESYNC") await this.enable("CONDSTORE");
    const state = this.#state;
    // Where that fails, it is not enabled.
    if (extension === "METADATA" && "account" in state) await this.#push.listenToMetadata(state.account);
    this.#enabled = new Set([...this.#enabled, extension]);
    if (state.name !== "selected") return;
    if (extension === "IMAP4rev2") await tellChanged(this, state, state.view.forgetRecent());
    if (extension === "UIDONLY") await endNumbered(this, state.view);
    if (extension !== "CONDSTORE") return;
    await this.write(printUntagged("OK", "Highest", highestModSeq(toldModSeq(state))));
  }

  own(cursor: Cursor, of: OwnChange): void {
    this.#push.own(cursor, of.account);
    const state = this.#state;
    if (state.name === "selected" && isTheSelected(state, of)) {
      state.view.addOwnChange(cursor, this.limits.changeRecordsMax);
    }
  }

  enter(state: SessionState): void {
    const before = this.#state;
    this.#state = state;
    if (before.name === "selected") {
      this.#push.leave(before);
      before.handle.release();
    }
    this.#push.enter(state);
    if ("account" in before && !("account" in state)) this.#server.sessionsOfAccount.remove(before.account.id);
  }

  capabilities(): readonly string[] {
    const { tls, sasl } = this.#server;
    return capabilitiesOf({
      state: this.#state,
      client: this.client,
      hasTls: tls !== undefined,
      mechanisms: this.#state.name === "notAuthenticated" ? sasl.mechanisms(this.channel) : [],
      messageBytesMax: this.limits.messageBytesMax,
      allowsUnauthenticate: this.#server.allowsUnauthenticate,
    });
  }

  logIn(account: AccountInfo): void {
    const { admission, sessionsOfAccount } = this.#server;
    const isWelcome = sessionsOfAccount.add(account.id);
    this.enter({ name: "authenticated", account });
    if (!isWelcome) {
      this.enter(NOT_AUTHENTICATED);
      throw new Refusal("tooManyConnections", "Too many sessions of this account");
    }
    admission.welcome(this.#connection);
    this.log.info({ client: this.client.address, account: account.address }, "logged in");
  }

  logOut(): void {
    this.enter(NOT_AUTHENTICATED);
    this.#push.stop();
    this.#enabled = NONE_ENABLED;
    this.#patience.renew();
    this.#due = "clear";
    if (!this.#server.admission.readmit(this.#connection)) throw new Bye("Too many logins at once, try again later");
  }

  attempt(name: string, check: () => Promise<AccountInfo>): Promise<AccountInfo> {
    return attemptLogin(this.#server, { connection: this.#connection, patience: this.#patience, name, check });
  }

  startTls(): boolean {
    if (this.#server.tls !== undefined) this.#due = "tls";
    return this.#due === "tls";
  }

  startCompression(): boolean {
    if (!this.#connection.isDeflated) this.#due = "deflate";
    return this.#due === "deflate";
  }

  async askForLine(challenge: string): Promise<string> {
    await this.write(printContinuation(challenge));
    await this.flush();
    return lineOf(await this.#connection.read(this.#silenceMs), this.#connection);
  }

  idle(state: Authenticated | Selected): Promise<void> {
    this.progress.end();
    return this.#push.idle(state);
  }

  async listen(state: Authenticated | Selected, subscription: Subscription): Promise<void> {
    // RFC 5465 3.1: NOTIFY SET is a NOOP too.
    if (state.name === "selected" && subscription.isActive) {
      const highest = await tellUpdates(this, state, { holdsExpunge: false, wants: this.#push.wantsOfSelected });
      if (highest !== undefined) await this.write(printUntagged("OK", "Highest", highestModSeq(highest)));
    }
    await this.#push.listen(state, subscription);
  }

  /** How the next command is waited for. */
  get #waiting(): CommandOptions {
    const state = this.#state;
    if (!("account" in state) || !this.#push.isListening) return { timeoutMs: this.#silenceMs };
    // Who listens may be silent as long as he likes.
    return { timeoutMs: Infinity, pause: () => this.#push.pause(state, { holdsExpunge: true }) };
  }

  get #silenceMs(): number {
    // Before login all of the time counts, not only silence: see Admission.
    return this.#state.name === "notAuthenticated" ? Infinity : this.limits.autologoutMs;
  }

  /** Tells what is new, and how a command has ended. */
  async #answer({ tag }: Incoming, invocation: Invocation | undefined, outcome: Reply): Promise<void> {
    let reply = outcome;
    const state = this.#state;
    let failure: Error | undefined;
    if ("account" in state) {
      // What could not be read may have numbers in it, too.
      const holds = invocation === undefined || holdsExpunge(invocation);
      const hasExpunged = invocation?.row.tellsExpunge === true;
      let highest: Cursor | undefined;
      try {
        highest = await this.#push.tell(state, { holdsExpunge: holds, hasExpunged });
      } catch (error) {
        // What the command has done is done: not to say so would have it done once more.
        failure = error as Error;
      }
      // RFC 7162 3.2.7: in the tagged OK, where there is room for it.
      if (highest !== undefined && reply.status === "OK" && reply.code === undefined)
        reply = { ...reply, code: highestModSeq(highest) };
      else if (highest !== undefined) await this.write(printUntagged("OK", "Highest", highestModSeq(highest)));
    }
    await this.write(printTagged(tag ?? "*", reply.status, reply.text, reply.code));
    if (failure !== undefined) throw failure;
    // The answers to commands that came together are sent together: a write takes longer than most of these commands.
    if (this.#due === undefined && this.#connection.hasMore) this.#connection.sendSoon();
    else await (this.#due === "tls" ? this.#goOnInTls() : this.flush());
    if (this.#due === "deflate") this.#connection.startCompression();
    if (this.#due === "clear") await this.#connection.endCompression();
    this.#due = undefined;
    this.#patience.take({
      isCommand: invocation !== undefined,
      isFaulty: reply.status === "BAD",
      isBeforeLogin: this.#state.name === "notAuthenticated",
    });
  }

  async #goOnInTls(): Promise<void> {
    const { tls } = this.#server;
    if (tls === undefined) throw new Error("TLS is due without a certificate");
    await this.#connection.startTls(tls);
  }
}
