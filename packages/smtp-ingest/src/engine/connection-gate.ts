// Who gets in. There is room for so many connections in all and from one network. Where it is full, the one that we have
// waited for longest gives way to a newcomer, else the one whose mail takes longest to come; and none may keep us waiting
// for long: so whoever only holds connections, or sends a mail byte by byte, locks nobody out.
import type { Socket } from "node:net";
import { clientNetwork } from "@pushmail/mailstore";
import type { SmtpLimits } from "../limits.ts";
import type { Logger } from "../logger.ts";
import type { Status } from "../replies.ts";

/** Room for connections that several listeners share. */
export interface Room {
  /** A listener says how it ends a connection to make room; false where it has none to end. */
  share(makeRoom: () => boolean): void;
  /** Takes a place; false where there is none, and no listener has one to give up. */
  take(): boolean;
  /** Gives a place back. */
  give(): void;
}

export interface GateOptions {
  readonly limits: Pick<
    SmtpLimits,
    "connectionsMax" | "connectionsPerAddressMax" | "connectionGraceMs" | "dataGraceMs"
  >;
  /** How long a connection may keep us waiting for what it is there for. */
  readonly patienceMs: number;
  readonly hostname: string;
  /** Whether connections begin with TLS: then nothing can be said to those who do not get in. */
  readonly implicitTls: boolean;
  readonly log: Logger;
  readonly now: () => number;
  readonly room: Room | undefined;
}

/** Why a connection ends, and the status that says so. */
export interface Farewell {
  readonly status: Status;
  readonly why: string;
}

/** What a connection takes up as long as its socket is open. */
export class Place {
  readonly network: string;
  /** When we began to wait for it, or its mail to come. */
  sinceMs: number;
  #isServed = false;
  /** Whether its mail has come in whole, and waits for its answer. */
  isDelivering: () => boolean = () => false;
  /** Ends the connection. */
  end: (farewell: Farewell) => void;

  constructor(socket: Socket, sinceMs: number) {
    this.network = clientNetwork(socket.remoteAddress ?? "");
    this.sinceMs = sinceMs;
    this.end = () => socket.destroy();
  }

  /** Whether it is we who keep the client waiting. */
  get isServed(): boolean {
    return this.#isServed || this.isDelivering();
  }

  /** Does something that the client waits for: meanwhile it is not sent away. */
  async serve<Result>(work: () => Promise<Result>): Promise<Result> {
    this.#isServed = true;
    try {
      return await work();
    } finally {
      this.#isServed = false;
    }
  }
}

/** How often it is said at most that connections are turned away. */
const LOG_EVERY_MS = 10_000;
const FULL: Farewell = { status: "421 4.3.2", why: "Too many connections, try again later" };
const FULL_FOR_NETWORK: Farewell = { status: "421 4.7.0", why: "Too many connections from your address" };
const TOO_SLOW: Farewell = { status: "421 4.4.2", why: "Nothing came of this connection for too long" };

export class ConnectionGate {
  readonly #options: GateOptions;
  readonly #places: Set<Place> = new Set();
  readonly #ofNetwork: Map<string, number> = new Map();
  /** Those that we wait for, the one that we wait for longest at the front. */
  readonly #awaited: Set<Place> = new Set();
  /** Those whose mail comes in, the one whose mail takes longest at the front. */
  readonly #receiving: Set<Place> = new Set();
  #turnedAway = 0;
  #loggedAtMs = -Infinity;

  constructor(options: GateOptions) {
    this.#options = options;
    options.room?.share(() => this.#makeRoom());
  }

  /** A place for `socket`, to be left when it is closed. Where there is none the client is told, and the socket ended. */
  admit(socket: Socket): Place | undefined {
    const { limits, now, room } = this.#options;
    const place = new Place(socket, now());
    if (this.#openOf(place.network) >= limits.connectionsPerAddressMax) return this.#turnAway(socket, FULL_FOR_NETWORK);
    if (this.#places.size >= limits.connectionsMax && !this.#makeRoom()) return this.#turnAway(socket, FULL);
    if (room?.take() === false) return this.#turnAway(socket, FULL);
    this.#places.add(place);
    // Who gave way may have been of the same network.
    this.#ofNetwork.set(place.network, this.#openOf(place.network) + 1);
    this.#awaited.add(place);
    return place;
  }

  #openOf(network: string): number {
    return this.#ofNetwork.get(network) ?? 0;
  }

  /** The client does what it is there for: it stays. */
  keep(place: Place): void {
    this.#awaited.delete(place);
    this.#receiving.delete(place);
  }

  /** The content of a mail begins: it stays, unless that takes long and others find no room. */
  receive(place: Place): void {
    this.#renew(place, this.#receiving);
  }

  /** The client has done what it is there for, and may do more. */
  await(place: Place): void {
    this.#renew(place, this.#awaited);
  }

  /** May be called again. */
  leave(place: Place): void {
    this.keep(place);
    if (!this.#places.delete(place)) return;
    const left = this.#openOf(place.network) - 1;
    if (left > 0) this.#ofNetwork.set(place.network, left);
    else this.#ofNetwork.delete(place.network);
    this.#options.room?.give();
  }

  /** Ends those that have kept us waiting for too long. */
  tick(): void {
    const untilMs = this.#options.now() - this.#options.patienceMs;
    for (const place of this.#awaited) {
      if (place.sinceMs > untilMs) return;
      if (!place.isServed) this.#end(place, TOO_SLOW);
    }
  }

  #renew(place: Place, among: Set<Place>): void {
    if (!this.#places.has(place)) return;
    this.keep(place);
    place.sinceMs = this.#options.now();
    among.add(place);
  }

  #makeRoom(): boolean {
    const { connectionGraceMs, dataGraceMs } = this.#options.limits;
    return this.#endFirst(this.#awaited, connectionGraceMs) || this.#endFirst(this.#receiving, dataGraceMs);
  }

  /** Ends the first of those that have had so much time; false where none has. */
  #endFirst(places: Iterable<Place>, graceMs: number): boolean {
    const untilMs = this.#options.now() - graceMs;
    for (const place of places) {
      if (place.sinceMs > untilMs) return false;
      if (place.isServed) continue;
      this.#end(place, FULL);
      return true;
    }
    return false;
  }

  #end(place: Place, farewell: Farewell): void {
    this.leave(place);
    place.end(farewell);
  }

  #turnAway(socket: Socket, { status, why }: Farewell): undefined {
    // It may be gone already.
    socket.on("error", () => {});
    // RFC 5321 4.2.1: 421 may stand in place of the greeting. In clear it means nothing to who waits for a handshake.
    const { hostname, implicitTls, log, now } = this.#options;
    if (!implicitTls) socket.end(`${status} ${hostname} ${why}\r\n`);
    socket.destroySoon();
    this.#turnedAway++;
    if (now() < this.#loggedAtMs + LOG_EVERY_MS) return;
    log.warn({ client: socket.remoteAddress, why, connections: this.#turnedAway }, "turned away");
    this.#turnedAway = 0;
    this.#loggedAtMs = now();
  }
}
