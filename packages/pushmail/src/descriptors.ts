// What the file descriptors of the process allow. They are shared out once, at the start: some for the store, some for
// mail coming in, the rest for IMAP. So a flood on one side leaves the other its places, and none meets the end of all.
import { readFileSync } from "node:fs";
import type { Limits } from "./settings.ts";

/** Places for connections, shared by listeners. */
export class ConnectionRoom {
  readonly max: number;
  readonly #makers: (() => boolean)[] = [];
  #taken = 0;

  constructor(max: number) {
    this.max = max;
  }

  /** A listener says how it ends a connection to make room, where it has one to end. */
  share(makeRoom: () => boolean): void {
    this.#makers.push(makeRoom);
  }

  /** Takes a place; false where there is none, and no listener has one to give up. */
  take(): boolean {
    if (this.#taken >= this.max && !this.#makers.some((makeRoom) => makeRoom())) return false;
    this.#taken++;
    return true;
  }

  give(): void {
    this.#taken--;
  }
}

export interface ConnectionRooms {
  /** SMTP, submission and LMTP. */
  readonly mail: ConnectionRoom;
  readonly imap: ConnectionRoom;
}

/** The share of mail coming in; a large mail takes a descriptor of its own beside that of its connection. */
const MAIL_SHARE = 1 / 4;
const DESCRIPTORS_PER_MAIL = 2;

export function shareOut({ process: { descriptorsReserved } }: Limits, descriptors: number): ConnectionRooms {
  const free = descriptors - Math.min(descriptorsReserved, descriptors / 2);
  const mail = new ConnectionRoom(Math.floor((free * MAIL_SHARE) / DESCRIPTORS_PER_MAIL));
  return { mail, imap: new ConnectionRoom(Math.floor(free * (1 - MAIL_SHARE))) };
}

/** How many descriptors the process may have; without a bound where the system does not say. */
export function descriptorsMax(): number {
  try {
    return Number(/^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"))?.[1] ?? Infinity);
  } catch {
    return Infinity;
  }
}
