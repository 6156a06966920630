// How many connections are open, in all and from one address.
import type { Socket } from "node:net";

export interface ConnectionLimits {
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
}

/** Counts the sockets that are still there whenever a new one comes: STARTTLS takes a socket's listeners away. */
export class ConnectionGate {
  readonly #limits: ConnectionLimits;
  readonly #sockets = new Map<Socket, string | undefined>();

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Whether there is room for `socket`, which then counts until it is destroyed. */
  admit(socket: Socket): boolean {
    let sameAddress = 0;
    for (const [other, address] of this.#sockets) {
      if (other.destroyed) this.#sockets.delete(other);
      else if (address === socket.remoteAddress) sameAddress++;
    }
    if (this.#sockets.size >= this.#limits.connectionsMax) return false;
    if (sameAddress >= this.#limits.connectionsPerAddressMax) return false;
    this.#sockets.set(socket, socket.remoteAddress);
    return true;
  }
}
