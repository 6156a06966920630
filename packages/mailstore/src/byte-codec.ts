// Compact binary values: variable-length integers, strings and byte runs, written to one growing buffer.

/** Appends values to a buffer that doubles as it fills. */
export class ByteWriter {
  #bytes: Buffer = Buffer.allocUnsafe(256);
  #length = 0;

  /** An integer from 0 to 2^53 - 1, seven bits a byte, the lowest first. */
  integer(value: number): this {
    // Of what has no end there would be none.
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER))
      throw new RangeError(`not a number that is stored: ${value}`);
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
    return this;
  }

  bytes(value: Uint8Array): this {
    this.integer(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  string(value: string): this {
    return this.bytes(Buffer.from(value, "utf8"));
  }

  strings(values: readonly string[]): this {
    this.integer(values.length);
    for (const value of values) this.string(value);
    return this;
  }

  /** What another has written. */
  append(written: Uint8Array): this {
    this.#reserve(written.length);
    this.#bytes.set(written, this.#length);
    this.#length += written.length;
    return this;
  }

  /** What was written so far, without a copy. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}

/** Reads what a ByteWriter wrote; bytes come as views, not copies. Running past the end is an error. */
export class ByteReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#offset;
  }

  get left(): number {
    return this.#bytes.length - this.#offset;
  }

  get done(): boolean {
    return this.#offset >= this.#bytes.length;
  }

  integer(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#bytes[this.#offset++];
      if (byte === undefined) throw new RangeError("a stored record ends too soon");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  }

  bytes(): Buffer {
    const length = this.integer();
    const end = this.#offset + length;
    if (end > this.#bytes.length) throw new RangeError("a stored record ends too soon");
    const value = this.#bytes.subarray(this.#offset, end);
    this.#offset = end;
    return value;
  }

  string(): string {
    return this.bytes().toString("utf8");
  }

  strings(): string[] {
    return Array.from({ length: this.integer() }, () => this.string());
  }

  /** Whether what was read since `from` is what was read at an earlier place. */
  repeats(from: number, earlier: { readonly from: number; readonly end: number }): boolean {
    if (this.#offset - from !== earlier.end - earlier.from) return false;
    for (let at = from, other = earlier.from; at < this.#offset; at++, other++) {
      if (this.#bytes[at] !== this.#bytes[other]) return false;
    }
    return true;
  }

  /** What was read since `from`, an octet a character. */
  latin1From(from: number): string {
    return this.#bytes.toString("latin1", from, this.#offset);
  }

  skipInteger(): void {
    while ((this.#bytes[this.#offset++] as number) >= 0x80) continue;
  }

  /** Passes by a string or a run of bytes; gives its length. */
  skip(): number {
    const length = this.integer();
    this.#offset += length;
    return length;
  }

  /** What `pass` passes by. */
  passed(pass: () => void): Buffer {
    const from = this.#offset;
    pass();
    if (this.#offset > this.#bytes.length) throw new RangeError("a stored record ends too soon");
    return this.#bytes.subarray(from, this.#offset);
  }
}
