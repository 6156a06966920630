// What a search need not look at: for each message that is indexed, which of the texts it cannot have.
import { lowerBound, type Uid } from "@pushmail/mailstore";

/** Texts of one search that the index is asked about; each is a bit. */
export const TEXTS_MAX = 31;

/** Messages ascending by UID, each with a bit for every text that it does not have. */
export class RuledOut {
  #uids: Uint32Array = new Uint32Array(64);
  #texts: Uint32Array = new Uint32Array(64);
  #count = 0;

  /** Takes note of a message; UIDs come ascending. */
  add(uid: Uid, texts: number): void {
    if (this.#count === this.#uids.length) {
      this.#uids = grown(this.#uids);
      this.#texts = grown(this.#texts);
    }
    this.#uids[this.#count] = uid;
    this.#texts[this.#count++] = texts;
  }

  /** The bits of a message; 0, which is none, where it is not known. */
  of(uid: Uid): number {
    const at = lowerBound(this.#uids, this.#count, uid);
    return at < this.#count && this.#uids[at] === uid ? (this.#texts[at] as number) : 0;
  }
}

function grown(array: Uint32Array): Uint32Array {
  const twice = new Uint32Array(2 * array.length);
  twice.set(array);
  return twice;
}
