// Gathers the pieces of a body. Small bodies share slabs of memory: an allocation each would cost more than their commit.

const SLAB_BYTES = 256 * 1024;
const SHARED_BYTES_MAX = SLAB_BYTES / 4;
const NO_BYTES: Buffer = Buffer.alloc(0);

let slab: Buffer = NO_BYTES;

/** Copies what it is given: whoever streams may use his pieces again. */
export class BodyBuffer {
  #bytes = NO_BYTES;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  append(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#bytes.length) {
      const grown = allocate(this.#length === 0 ? length : Math.max(length, 2 * this.#length));
      grown.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = grown;
    }
    this.#bytes.set(piece, this.#length);
    this.#length = length;
  }

  /** The bytes; empty from now on. */
  take(): Buffer {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#bytes = NO_BYTES;
    this.#length = 0;
    return bytes;
  }
}

function allocate(length: number): Buffer {
  if (length > SHARED_BYTES_MAX) return Buffer.allocUnsafeSlow(length);
  if (length > slab.length) slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  const bytes = slab.subarray(0, length);
  slab = slab.subarray(length);
  return bytes;
}
