// What is gathered for a client, to be sent with one write: three writes to a socket cost three times one.
import type { Duplex } from "node:stream";

export class Output {
  readonly #pieces: (string | Uint8Array)[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  add(piece: string | Uint8Array): void {
    const last = this.#pieces.length - 1;
    const before = this.#pieces[last];
    // A list of very many short ones would take longer to be joined.
    if (typeof piece === "string" && typeof before === "string") this.#pieces[last] = before + piece;
    else this.#pieces.push(piece);
    this.#bytes += piece.length;
  }

  /** Calls `onSent` each time that the network has taken some of it. */
  sendTo(socket: Duplex, onSent: () => void): void {
    const [first] = this.#pieces;
    if (this.#pieces.length === 1 && typeof first === "string") {
      socket.write(first, "latin1", onSent);
      return;
    }
    socket.cork();
    for (const piece of this.#pieces) socket.write(piece, "latin1", onSent);
    socket.uncork();
  }
}
