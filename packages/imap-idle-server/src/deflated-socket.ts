// A connection whose octets are deflated in both directions (RFC 4978). What is sent at once is deflated by itself, up to
// a full flush: between two writes nothing is kept of it, so that a session that waits costs no window. What comes is
// inflated a bounded piece at a time, and no more than is taken.
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

type Written = (error?: Error | null) => void;

export class DeflatedSocket extends Duplex {
  readonly #socket: Socket;
  readonly #inflate: InflateRaw;

  constructor(socket: Socket) {
    super({ readableHighWaterMark: INFLATED_OCTETS });
    this.#socket = socket;
    this.#inflate = createInflateRaw(INFLATE);
    socket.on("data", (chunk: Buffer) => {
      if (!this.#inflate.write(chunk)) socket.pause();
    });
    socket.on("end", () => this.#inflate.end());
    socket.on("error", (error) => this.destroy(error)).on("close", () => this.destroy());
    this.#inflate.on("drain", () => socket.resume()).on("end", () => this.push(null));
    this.#inflate.on("data", (octets: Buffer) => {
      if (!this.push(octets)) this.#inflate.pause();
    });
    // What cannot be inflated is the end of what can be read.
    this.#inflate.on("error", () => this.push(null));
    socket.resume();
  }

  /** Ends it when all is sent. */
  destroySoon(): void {
    this.end(() => this.destroy());
  }

  override _read(): void {
    this.#inflate.resume();
  }

  override _write(octets: Buffer, _encoding: BufferEncoding, written: Written): void {
    this.#socket.write(deflateRawSync(octets, octets.length > SMALL_OCTETS_MAX ? LARGE : SMALL), written);
  }

  override _writev(pieces: { readonly chunk: Buffer }[], written: Written): void {
    this._write(Buffer.concat(pieces.map(({ chunk }) => chunk)), "buffer" as BufferEncoding, written);
  }

  override _final(done: Written): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: Written): void {
    this.#inflate.destroy();
    this.#socket.destroy();
    done(error);
  }
}
