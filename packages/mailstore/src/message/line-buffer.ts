// A line that comes in pieces. It keeps the first bytes up to a bound and forgets the rest of a longer line.

const EMPTY: Buffer = Buffer.alloc(0);

export class LineBuffer {
  readonly #bytesMax: number;
  #bytes: Buffer = EMPTY;
  #length = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  append(source: Buffer, start: number, end: number): void {
    const length = Math.min(this.#length + end - start, this.#bytesMax);
    if (length > this.#bytes.length) {
      // Doubling keeps the copying linear however small the pieces are.
      const larger = Buffer.allocUnsafe(Math.min(Math.max(256, 2 * length), this.#bytesMax));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    source.copy(this.#bytes, this.#length, start, start + length - this.#length);
    this.#length = length;
  }

  /** What is kept of the line, good until the next `append`; the buffer is empty afterwards. */
  take(): Buffer {
    const line = this.#bytes.subarray(0, this.#length);
    this.#length = 0;
    return line;
  }
}
