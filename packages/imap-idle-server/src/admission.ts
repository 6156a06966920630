// Who gets in. There is room for so many connections in all and from one network, and for so many that have not logged
// in: of those the one that has been there longest gives way to a newcomer, and none may stay for long. So whoever only
// holds connections locks nobody out, and what strangers hold of the memory has a bound.
import type { Socket } from "node:net";
import { printUntagged, type ResponseCode } from "@pushmail/imap-wire";
import { clientNetwork } from "@pushmail/mailstore";
import type { Connection } from "./connection.ts";
import type { ImapLimits } from "./limits.ts";
import type { Log } from "./log.ts";
import { Tally } from "./tally.ts";

/** Room for connections that several listeners share. */
export interface Room {
  /** A listener says how it ends a connection to make room; false where it has none to end. */
  share(makeRoom: () => boolean): void;
  /** Takes a place; false where there is none, and no listener has one to give up. */
  take(): boolean;
  /** Gives a place back. */
  give(): void;
}

export interface AdmissionOptions {
  readonly limits: ImapLimits;
  readonly log: Log;
  readonly now: () => number;
  /** Whether connections begin with TLS: then nothing can be said to those who do not get in. */
  readonly isTlsImplicit: boolean;
  readonly room?: Room;
}

interface Guest {
  readonly sinceMs: number;
  /** Whether its password is being checked: work that is under way is not thrown away. */
  isChecked: boolean;
}

/** How often it is said at most that connections are turned away. */
const LOG_EVERY_MS = 10_000;

export class Admission {
  readonly #options: AdmissionOptions;
  readonly #ofNetwork: Tally<string>;
  #open = 0;
  /** Those that have not logged in, the one that came first at the front. */
  readonly #guests: Map<Connection, Guest> = new Map();
  #turnedAway = 0;
  #loggedAtMs = -Infinity;

  constructor(options: AdmissionOptions) {
    this.#options = options;
    this.#ofNetwork = new Tally(options.limits.sessionsPerAddressMax);
    options.room?.share(() => this.#makeRoom());
  }

  /** Counts a socket in, or tells it why not and ends it. One that is counted must `leave`. */
  admit(socket: Socket): boolean {
    const { limits, room } = this.#options;
    const network = clientNetwork(socket.remoteAddress ?? "");
    if (this.#ofNetwork.count(network) >= limits.sessionsPerAddressMax) {
      return this.#turnAway(socket, "LIMIT", "Too many connections from your address");
    }
    if (this.#guests.size >= limits.sessionsBeforeLoginMax && !this.#makeRoom()) {
      return this.#turnAway(socket, "UNAVAILABLE", "Too many logins at once, try again later");
    }
    if (this.#open >= limits.sessionsMax || room?.take() === false) {
      return this.#turnAway(socket, "UNAVAILABLE", "Too many connections, try again later");
    }
    this.#open++;
    this.#ofNetwork.add(network);
    return true;
  }

  /** The connection of a socket that was admitted. */
  enter(connection: Connection): void {
    this.#guests.set(connection, { sinceMs: this.#options.now(), isChecked: false });
  }

  /** One that has logged in is a guest again; false where there is no room for it, so that it must go. */
  readmit(connection: Connection): boolean {
    if (this.#guests.size >= this.#options.limits.sessionsBeforeLoginMax && !this.#makeRoom()) return false;
    connection.distrust();
    this.enter(connection);
    return true;
  }

  /** Does something that a guest waits for, and during which it is not sent away. */
  async check<Result>(connection: Connection, work: () => Promise<Result>): Promise<Result> {
    const guest = this.#guests.get(connection);
    if (guest !== undefined) guest.isChecked = true;
    try {
      return await work();
    } finally {
      if (guest !== undefined) guest.isChecked = false;
    }
  }

  /** It has logged in. */
  welcome(connection: Connection): void {
    this.#guests.delete(connection);
    connection.trust();
  }

  leave(connection: Connection): void {
    this.#guests.delete(connection);
    this.#ofNetwork.remove(clientNetwork(connection.address));
    this.#open--;
    this.#options.room?.give();
  }

  /** Ends those whose time for logging in is over. */
  tick(nowMs: number): void {
    const untilMs = nowMs - this.#options.limits.loginTimeoutMs;
    for (const [connection, { sinceMs, isChecked }] of this.#guests) {
      if (sinceMs > untilMs) return;
      if (!isChecked) this.#dismiss(connection, "Too long without a login");
    }
  }

  #makeRoom(): boolean {
    const untilMs = this.#options.now() - this.#options.limits.loginGraceMs;
    for (const [connection, { sinceMs, isChecked }] of this.#guests) {
      if (sinceMs > untilMs) return false;
      if (isChecked) continue;
      this.#dismiss(connection, "Others wait for a login, try again later");
      return true;
    }
    return false;
  }

  #dismiss(connection: Connection, why: string): void {
    this.#guests.delete(connection);
    connection.dismiss(printUntagged("BYE", why, "UNAVAILABLE"));
  }

  #turnAway(socket: Socket, code: ResponseCode, why: string): false {
    // It may be gone already.
    socket.on("error", () => undefined);
    // RFC 9051 7.1.5: a BYE may stand in place of the greeting. In clear it means nothing to who waits for a handshake.
    if (!this.#options.isTlsImplicit) socket.end(printUntagged("BYE", why, code), "latin1");
    socket.destroySoon();
    this.#log(socket, why);
    return false;
  }

  #log(socket: Socket, why: string): void {
    const nowMs = this.#options.now();
    this.#turnedAway++;
    if (nowMs < this.#loggedAtMs + LOG_EVERY_MS) return;
    this.#options.log.warn({ client: socket.remoteAddress, why, connections: this.#turnedAway }, "turned away");
    this.#turnedAway = 0;
    this.#loggedAtMs = nowMs;
  }
}
