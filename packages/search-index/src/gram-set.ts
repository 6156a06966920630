// The grams of a message as a filter: a bit for each, at the place that its hash gives. A text all of whose grams are
// set may be in the message; one of which a gram is missing is not.
import { finishHash, hashThree } from "./gram-hash.ts";

const FILTER_BYTES_MIN = 8;
/** Bits of a filter for each gram: the larger, the fewer wrong candidates. A filter has a power of two of them. */
const BITS_PER_GRAM = 2;
/** With so many of its bits set a filter tells too little to be kept. */
const FULL = 0.75;

/** Gathers the grams of one message after the other. */
export class GramSet {
  readonly #bytes: Uint8Array;
  readonly #words: Uint32Array;

  /** Filters have at most `bytesMax` octets, or the power of two below. */
  constructor(bytesMax: number) {
    this.#bytes = new Uint8Array(2 ** Math.floor(Math.log2(Math.max(bytesMax, FILTER_BYTES_MIN))));
    this.#words = new Uint32Array(this.#bytes.buffer);
  }

  /** Adds the grams of a text. Between two texts there is none. */
  add(text: string): void {
    const bytes = this.#bytes;
    const mask = 8 * bytes.length - 1;
    let first = text.charCodeAt(0);
    let second = text.charCodeAt(1);
    let before = 0;
    for (let i = 2; i < text.length; i++) {
      const third = text.charCodeAt(i);
      if (i > 2) {
        const four = finishHash(before, third) & mask;
        bytes[four >>> 3] = (bytes[four >>> 3] as number) | (1 << (four & 7));
      }
      before = hashThree(first, second, third);
      const three = finishHash(before) & mask;
      bytes[three >>> 3] = (bytes[three >>> 3] as number) | (1 << (three & 7));
      first = second;
      second = third;
    }
  }

  /** The filter of what was added since the last one; empty, which rules out nothing, where it was too much. */
  take(): Uint8Array {
    const words = this.#words;
    const grams = countBits(words);
    const bits = 8 * this.#bytes.length;
    let filter: Uint8Array = new Uint8Array(0);
    if (grams <= FULL * bits) {
      let bytes = FILTER_BYTES_MIN;
      while (8 * bytes < BITS_PER_GRAM * grams && bytes < this.#bytes.length) bytes *= 2;
      // A place in the smaller filter is that in the larger one, modulo its length.
      const folded = new Uint32Array(bytes / 4);
      const mask = folded.length - 1;
      for (let i = 0; i < words.length; i++) folded[i & mask] = (folded[i & mask] as number) | (words[i] as number);
      filter = new Uint8Array(folded.buffer);
    }
    words.fill(0);
    return filter;
  }
}

/** Whether a filter has all of these grams; an empty one may have them. */
export function hasGrams(filter: Uint8Array, grams: Uint32Array): boolean {
  if (filter.length === 0) return true;
  const mask = 8 * filter.length - 1;
  for (let i = 0; i < grams.length; i++) {
    const place = (grams[i] as number) & mask;
    if ((((filter[place >>> 3] as number) >>> (place & 7)) & 1) === 0) return false;
  }
  return true;
}

function countBits(words: Uint32Array): number {
  let count = 0;
  for (let i = 0; i < words.length; i++) {
    let word = words[i] as number;
    word -= (word >>> 1) & 0x55555555;
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
    count += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return count;
}
