// The bytes of an encoded summary: first all numbers, seven bits a byte, then all text in one piece.
// So text is turned into a string once, and every string is cut out of it.
import { asBuffer } from "./as-buffer.ts";

export class SummaryWriter {
  readonly #numbers: number[] = [];
  readonly #texts: string[] = [];

  number(value: number): void {
    writeNumber(this.#numbers, value);
  }

  string(value: string): void {
    this.number(value.length);
    this.#texts.push(value);
  }

  nullable(value: string | null): void {
    this.number(value === null ? 0 : value.length + 1);
    if (value !== null) this.#texts.push(value);
  }

  list<T>(items: readonly T[], write: (item: T) => void): void {
    this.number(items.length);
    for (const item of items) write(item);
  }

  optional<T>(value: T | null, write: (value: T) => void): void {
    this.number(value === null ? 0 : 1);
    if (value !== null) write(value);
  }

  finish(version: number): Uint8Array {
    const text = this.#texts.join("");
    const head = [version];
    writeNumber(head, this.#numbers.length);
    const bytes = Buffer.allocUnsafe(head.length + this.#numbers.length + text.length);
    bytes.set(head);
    bytes.set(this.#numbers, head.length);
    bytes.write(text, head.length + this.#numbers.length, "latin1");
    return bytes;
  }
}

function writeNumber(bytes: number[], value: number): void {
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push(0x80 | (rest & 0x7f));
  bytes.push(rest);
}

export class SummaryReader {
  readonly #bytes: Buffer;
  readonly #numbersEnd: number;
  readonly #text: string;
  #at = 1;
  #textAt = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = asBuffer(bytes);
    this.#numbersEnd = bytes.length;
    const numbersLength = this.number();
    this.#numbersEnd = this.#at + numbersLength;
    this.#text = this.#bytes.toString("latin1", this.#numbersEnd);
  }

  number(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 0x80) {
      if (this.#at >= this.#numbersEnd) throw damaged();
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  }

  string(): string {
    return this.#take(this.number());
  }

  nullable(): string | null {
    const length = this.number();
    return length === 0 ? null : this.#take(length - 1);
  }

  list<T>(read: () => T): T[] {
    const items: T[] = [];
    for (let count = this.number(); count > 0; count--) items.push(read());
    return items;
  }

  optional<T>(read: () => T): T | null {
    return this.number() === 0 ? null : read();
  }

  /** Throws unless everything was read. */
  finish(): void {
    if (this.#at !== this.#numbersEnd || this.#textAt !== this.#text.length) throw damaged();
  }

  #take(length: number): string {
    const start = this.#textAt;
    this.#textAt += length;
    return this.#text.slice(start, this.#textAt);
  }
}

function damaged(): Error {
  return new Error("damaged message summary");
}
