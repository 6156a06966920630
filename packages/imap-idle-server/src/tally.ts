// Counts what is there of each key, and says where it is too much.

export class Tally<Key> {
  readonly #max: number;
  readonly #counts: Map<Key, number> = new Map();

  constructor(max: number) {
    this.#max = max;
  }

  count(key: Key): number {
    return this.#counts.get(key) ?? 0;
  }

  /** Counts one more; false where that is beyond the bound. Either way it counts until it is removed. */
  add(key: Key): boolean {
    const count = (this.#counts.get(key) ?? 0) + 1;
    this.#counts.set(key, count);
    return count <= this.#max;
  }

  remove(key: Key): void {
    const count = this.#counts.get(key) ?? 0;
    if (count > 1) this.#counts.set(key, count - 1);
    else this.#counts.delete(key);
  }
}
