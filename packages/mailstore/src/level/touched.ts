// Which accounts committed lately, so that a sweep answers without reading every account.
import { randomBytes } from "node:crypto";
import { ByteReader, ByteWriter } from "../byte-codec.ts";
import type { LogRecord } from "../driver.ts";
import type { AccountId, Cursor } from "../ids.ts";

export class Touched {
  /** Cursors of another run of the driver are told apart by it. */
  readonly #run = randomBytes(8);
  readonly #max: number;
  /** The newest commits, in order; the first of them is number `#first`. */
  #commits: [AccountId, Cursor][] = [];
  #first = 0;

  constructor(max: number) {
    this.#max = max;
  }

  note({ account, cursor }: LogRecord): void {
    this.#commits.push([account, cursor]);
    if (this.#commits.length < 2 * this.#max) return;
    this.#commits.splice(0, this.#max);
    this.#first += this.#max;
  }

  /** The cursor of a sweep that sees all that was noted before. */
  cursor(): Uint8Array {
    return new ByteWriter()
      .bytes(this.#run)
      .integer(this.#first + this.#commits.length)
      .finish();
  }

  /** The accounts that committed since, with their newest cursor; undefined where that is no longer known. */
  since(cursor: Uint8Array): [AccountId, Cursor][] | undefined {
    const reader = new ByteReader(cursor);
    if (!reader.bytes().equals(this.#run)) return undefined;
    const from = reader.integer() - this.#first;
    return from < 0 ? undefined : [...new Map(this.#commits.slice(from))];
  }
}
