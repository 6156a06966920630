// Counts what is there of each key, up to a bound.

export class Tally<Key> {
  readonly #max: number;
  readonly #counts: Map<Key, number> = new Map();

  constructor(max: number) {
    this.#max = max;
  }

  /** Counts one more; false, and nothing counted, where the bound is reached. */
  add(key: Key): boolean {
    const count = this.#counts.get(key) ?? 0;
    if (count >= this.#max) return false;
    this.#counts.set(key, count + 1);
    return true;
  }

  remove(key: Key): void {
    const count = this.#counts.get(key) ?? 0;
    if (count > 1) this.#counts.set(key, count - 1);
    else this.#counts.delete(key);
  }
}
