// What a framer holds of a line between two chunks.

const NO_BYTES = Buffer.alloc(0);

/** The beginning of a line whose end has not come: a copy, so that a few bytes do not hold a whole socket buffer. */
export class HeldLine {
  #buffer: Buffer = NO_BYTES;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The memory that it takes. */
  get capacity(): number {
    return this.#buffer.length;
  }

  append(bytes: Buffer): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#length));
      this.#buffer.copy(grown, 0, 0, this.#length);
      this.#buffer = grown;
    }
    bytes.copy(this.#buffer, this.#length);
    this.#length = needed;
  }

  /** Lets go of all but the last `length` bytes. */
  keepEnd(length: number): void {
    if (this.#length <= length) return;
    this.#buffer = Buffer.copyBytesFrom(this.#buffer, this.#length - length, length);
    this.#length = length;
  }

  /** The line as latin1, with the rest that has come; nothing is held any more. */
  take(rest: Buffer): string {
    const line = this.#buffer.toString("latin1", 0, this.#length) + rest.toString("latin1");
    this.clear();
    return line;
  }

  clear(): void {
    this.#buffer = NO_BYTES;
    this.#length = 0;
  }
}
