// A connection whose octets are deflated in both directions (RFC 4978). What is sent at once is deflated by itself, up to
// a full flush: between two writes nothing is kept of it, so that a session that waits costs no window. What comes is
// inflated a bounded piece at a time, and no more than is taken; behind each flush of the client's it waits until the
// reader wants more, so that the client may end its compression there (RFC 8437 4.1).
import type { Socket } from "node:net";
import { Duplex, type TransformOptions } from "node:stream";
import { constants, createInflateRaw, deflateRawSync, type InflateRaw, type ZlibOptions } from "node:zlib";

/** Up to so many octets a small window does, which is quicker made. */
const SMALL_OCTETS_MAX = 1_024;
const FULL_FLUSH = constants.Z_FULL_FLUSH;
const SMALL: ZlibOptions = { level: 1, windowBits: 10, memLevel: 3, finishFlush: FULL_FLUSH };
const LARGE: ZlibOptions = { level: 1, finishFlush: FULL_FLUSH };
/** Octets that are inflated at once, and that wait to be taken. */
const INFLATED_OCTETS = 4_096;
const INFLATE: ZlibOptions & TransformOptions = {
  chunkSize: INFLATED_OCTETS,
  readableHighWaterMark: INFLATED_OCTETS,
  writableHighWaterMark: INFLATED_OCTETS,
};

/** What stands at the end of a flush (RFC 1951 3.2.4: an empty stored block). */
const FLUSHED = Buffer.from([0, 0, 0xff, 0xff]);
const NOTHING = Buffer.alloc(0);

type Written = (error?: Error | null) => void;

interface Piece {
  readonly octets: Buffer;
  /** Whether it ends in what looks like a flush. */
  readonly isFlushed: boolean;
}

export class DeflatedSocket extends Duplex {
  readonly socket: Socket;
  readonly #inflate: InflateRaw;
  /** Called when what is inflated may be gone on with. */
  readonly #wake: () => void;
  /** What has come and was not inflated. */
  #waiting: Piece[] = [];
  /** The last octets that came, where a flush begins with them. */
  #begun: Buffer = NOTHING;
  #current: Piece = { octets: NOTHING, isFlushed: false };
  #isInflating = false;
  #inflatedOctets = 0;
  #hasEnded = false;

  constructor(socket: Socket, wake: () => void) {
    super({ readableHighWaterMark: INFLATED_OCTETS });
    this.socket = socket;
    this.#wake = wake;
    this.#inflate = createInflateRaw(INFLATE);
    socket.on("data", this.#onData).on("end", this.#onEnd).on("error", this.#onError).on("close", this.#onClose);
    this.#inflate.on("end", () => this.push(null));
    this.#inflate.on("data", (octets: Buffer) => {
      if (!this.push(octets)) this.#inflate.pause();
    });
    // What cannot be inflated is the end of what can be read.
    this.#inflate.on("error", () => this.push(null));
    socket.resume();
  }

  /** Whether all that came up to a flush, or to the end of the stream, is inflated and given away. */
  get isAtFlush(): boolean {
    const isLeft = this.#isInflating || this.#inflate.readableLength + this.readableLength > 0;
    return !isLeft && (this.#current.isFlushed || this.#inflate.readableEnded);
  }

  /** The reader has carried out all that it got: what came behind a flush is deflated too. */
  goOn(): void {
    if (this.#waiting.length === 0 || !this.isAtFlush) return;
    this.#current = { octets: NOTHING, isFlushed: false };
    this.#feed();
  }

  /** Ends compression where it is at a flush: leaves the socket to others, and returns what came behind. */
  release(): Buffer {
    const { socket } = this;
    socket.off("data", this.#onData).off("end", this.#onEnd).off("error", this.#onError).off("close", this.#onClose);
    const { octets } = this.#current;
    const unused = octets.subarray(octets.length - (this.#inflatedOctets - this.#inflate.bytesWritten));
    this.#inflate.destroy();
    return Buffer.concat([unused, ...this.#waiting.map((piece) => piece.octets)]);
  }

  /** Ends it when all is sent. */
  destroySoon(): void {
    this.end(() => this.destroy());
  }

  override _read(): void {
    this.#inflate.resume();
  }

  override _write(octets: Buffer, _encoding: BufferEncoding, written: Written): void {
    this.socket.write(deflateRawSync(octets, octets.length > SMALL_OCTETS_MAX ? LARGE : SMALL), written);
  }

  override _writev(pieces: { readonly chunk: Buffer }[], written: Written): void {
    this._write(Buffer.concat(pieces.map(({ chunk }) => chunk)), "buffer" as BufferEncoding, written);
  }

  override _final(done: Written): void {
    this.socket.end(done);
  }

  override _destroy(error: Error | null, done: Written): void {
    this.#inflate.destroy();
    this.socket.destroy();
    done(error);
  }

  /** Inflates what waits, a piece at a time and up to a flush. */
  #feed(): void {
    const isHeld = this.#isInflating || this.#current.isFlushed || this.#inflate.readableEnded;
    const piece = isHeld ? undefined : this.#waiting.shift();
    if (piece !== undefined) {
      this.#current = piece;
      this.#isInflating = true;
      this.#inflatedOctets += piece.octets.length;
      this.#inflate.write(piece.octets, this.#onInflated);
    }
    if (this.#waiting.length > 0 || this.#isInflating) this.socket.pause();
    else if (this.#hasEnded) this.#inflate.end();
    else this.socket.resume();
  }

  readonly #onInflated = (): void => {
    this.#isInflating = false;
    // A session that waits keeps nothing of what it was sent.
    const { isFlushed } = this.#current;
    if (this.#inflate.bytesWritten === this.#inflatedOctets) this.#current = { octets: NOTHING, isFlushed };
    this.#feed();
    this.#wake();
  };

  readonly #onData = (octets: Buffer): void => {
    const { pieces, begun } = piecesOf(octets, this.#begun);
    for (const piece of pieces) this.#waiting.push(piece);
    this.#begun = begun;
    this.#feed();
    if (!this.#isInflating) this.#wake();
  };

  readonly #onEnd = (): void => {
    this.#hasEnded = true;
    this.#feed();
  };

  readonly #onError = (error: Error): void => void this.destroy(error);
  readonly #onClose = (): void => void this.destroy();
}

/** Cut behind each flush, which may have begun with the octets before; and the octets with which another begins. */
function piecesOf(octets: Buffer, before: Buffer): { readonly pieces: readonly Piece[]; readonly begun: Buffer } {
  const pieces: Piece[] = [];
  const all = before.length === 0 ? octets : Buffer.concat([before, octets]);
  let start = before.length;
  for (let at = all.indexOf(FLUSHED); at >= 0; at = all.indexOf(FLUSHED, start)) {
    pieces.push({ octets: all.subarray(start, at + FLUSHED.length), isFlushed: true });
    start = at + FLUSHED.length;
  }
  if (start < all.length) pieces.push({ octets: all.subarray(start), isFlushed: false });
  let begins = FLUSHED.length - 1;
  while (!all.subarray(-begins).equals(FLUSHED.subarray(0, begins)) && begins > 0) begins--;
  return { pieces, begun: FLUSHED.subarray(0, begins) };
}
