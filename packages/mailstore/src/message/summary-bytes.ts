// The bytes of an encoded summary: a version, then numbers, seven bits a byte, then all text in one piece.
import { asBuffer } from "./as-buffer.ts";

/** Joins the parts of an encoded summary. */
export function joinSummary(version: number, numbers: readonly number[], text: string): Uint8Array {
  const head = [version];
  writeNumber(head, numbers.length);
  const bytes = Buffer.allocUnsafe(head.length + numbers.length + text.length);
  bytes.set(head);
  bytes.set(numbers, head.length);
  bytes.write(text, head.length + numbers.length, "latin1");
  return bytes;
}

export function writeNumber(bytes: number[], value: number): void {
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push(0x80 | (rest & 0x7f));
  bytes.push(rest);
}

/** Reads the numbers; the text is left to whoever wants it. */
export class SummaryNumbers {
  readonly #bytes: Buffer;
  readonly #end: number;
  #at = 1;

  constructor(bytes: Uint8Array) {
    this.#bytes = asBuffer(bytes);
    this.#end = bytes.length;
    const length = this.next();
    this.#end = this.#at + length;
  }

  next(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 0x80) {
      if (this.#at >= this.#end) throw damagedSummary();
      const byte = this.#bytes[this.#at++] as number;
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
    }
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end;
  }

  /** The text behind the numbers, which must be so long. */
  text(length: number): string {
    if (this.#bytes.length !== this.#end + length) throw damagedSummary();
    return this.#bytes.toString("latin1", this.#end);
  }
}

export function damagedSummary(): Error {
  return new Error("damaged message summary");
}
