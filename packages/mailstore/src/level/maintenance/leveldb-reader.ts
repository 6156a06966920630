// Reads the parts that LevelDB's files are made of: variable-length integers, runs of bytes, compressed blocks.

export class LeveldbReader {
  readonly #bytes: Buffer;
  #at: number;

  constructor(bytes: Buffer, at: number = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  byte(): number {
    const byte = this.#bytes[this.#at++];
    if (byte === undefined) throw new RangeError("the bytes end too soon");
    return byte;
  }

  /** Seven bits a byte, the lowest first. */
  integer(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  /** A fixed integer of so many bytes, the lowest first. */
  fixed(bytes: number): number {
    return this.take(bytes).readUIntLE(0, bytes);
  }

  /** As many bytes as the integer before them says. */
  bytes(): Buffer {
    return this.take(this.integer());
  }

  take(length: number): Buffer {
    const from = this.#at;
    this.skip(length);
    return this.#bytes.subarray(from, this.#at);
  }

  skip(length: number): void {
    if (length > this.#bytes.length - this.#at) throw new RangeError("the bytes end too soon");
    this.#at += length;
  }
}

/** Undoes Snappy's compression. */
export function uncompress(bytes: Buffer): Buffer {
  const reader = new LeveldbReader(bytes);
  const out = Buffer.alloc(reader.integer());
  let at = 0;
  while (!reader.done) {
    const tag = reader.byte();
    if ((tag & 3) === 0) {
      const short = tag >>> 2;
      const literal = reader.take((short < 60 ? short : reader.fixed(short - 59)) + 1);
      at += literal.copy(out, at);
      continue;
    }
    const length = (tag & 3) === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    const back = (tag & 3) === 1 ? ((tag >>> 5) << 8) | reader.byte() : reader.fixed((tag & 3) === 2 ? 2 : 4);
    if (back === 0 || back > at) throw new RangeError("a copy from before the beginning");
    // Byte by byte: a copy may run into what it writes.
    const end = at + length;
    for (; at < end; at++) out[at] = out[at - back] as number;
  }
  return out;
}
