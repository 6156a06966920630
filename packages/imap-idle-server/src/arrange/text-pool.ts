// Texts by number, each kept once, and lists of them: who compares them compares numbers.

/** The number of an empty text. */
export const NO_TEXT = 0;
/** What a text takes beside its characters: its head, and its entry in each of the two directions. */
const TEXT_BYTES = 80;
const NUMBER_BYTES = 8;

export class TextPool {
  /** About as much as is held. */
  bytes = 0;
  readonly #numbers = new Map([["", NO_TEXT]]);
  readonly #texts = [""];
  /** One behind the other, each after its length. */
  readonly lists: number[] = [];

  /** How many numbers there are, that of no text included. */
  get count(): number {
    return this.#texts.length;
  }

  /** The number of a text in latin1. */
  numberOf(text: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    // A copy, as a slice keeps all that it was cut from: of a message id, the whole summary.
    const own = Buffer.from(text, "latin1").toString("latin1");
    const number = this.#texts.push(own) - 1;
    this.#numbers.set(own, number);
    this.bytes += own.length + TEXT_BYTES;
    return number;
  }

  textOf(number: number): string {
    return this.#texts[number] as string;
  }

  /** Keeps a list; returns where in `lists` its length is, before its numbers. */
  listOf(texts: readonly string[]): number {
    const at = this.lists.push(texts.length) - 1;
    for (const text of texts) this.lists.push(this.numberOf(text));
    this.bytes += (texts.length + 1) * NUMBER_BYTES;
    return at;
  }
}
