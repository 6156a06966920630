// Gathers the pieces of a body. Large ones are kept as they came: each copy of them costs as much as their checksum.
// Small ones share slabs of memory: an allocation each would cost more than their commit.

const SLAB_BYTES = 256 * 1024;
const SHARED_BYTES_MAX = SLAB_BYTES / 4;
/** Pieces from here on are kept, unless they hold far more memory than their own. */
const KEPT_BYTES_MIN = 16 * 1024;
const NO_BYTES: Buffer = Buffer.alloc(0);

let slab: Buffer = NO_BYTES;

/** What it is given may become part of the body: nobody changes that any more. */
export class BodyBuffer {
  #pieces: Uint8Array[] = [];
  /** The small pieces behind those, and how much of them there is. */
  #bytes = NO_BYTES;
  #length = 0;
  #total = 0;

  get length(): number {
    return this.#total;
  }

  append(piece: Uint8Array): void {
    this.#total += piece.length;
    if (isKept(piece)) {
      this.#seal();
      this.#pieces.push(piece);
      return;
    }
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
  take(): readonly Uint8Array[] {
    this.#seal();
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#total = 0;
    return pieces;
  }

  #seal(): void {
    if (this.#length > 0) this.#pieces.push(this.#bytes.subarray(0, this.#length));
    this.#bytes = NO_BYTES;
    this.#length = 0;
  }
}

function isKept({ length, buffer }: Uint8Array): boolean {
  return length >= KEPT_BYTES_MIN && 4 * length >= 3 * buffer.byteLength;
}

function allocate(length: number): Buffer {
  if (length > SHARED_BYTES_MAX) return Buffer.allocUnsafeSlow(length);
  if (length > slab.length) slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
  const bytes = slab.subarray(0, length);
  slab = slab.subarray(length);
  return bytes;
}
