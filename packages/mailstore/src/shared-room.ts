// Room in memory that many things share, each with its size: beyond it, those that were used longest ago are let go.

export class SharedRoom<T> {
  readonly #sizeMax: number;
  readonly #letGo: (thing: T) => void;
  /** The longest unused first. */
  readonly #sizes = new Map<T, number>();
  #size = 0;

  constructor(sizeMax: number, letGo: (thing: T) => void) {
    this.#sizeMax = sizeMax;
    this.#letGo = letGo;
  }

  /** What all of them take. */
  get size(): number {
    return this.#size;
  }

  /** Notes that a thing is used, and what it takes from now on: with nothing it is not counted, and never let go. */
  set(thing: T, size: number): void {
    this.delete(thing);
    if (size === 0) return;
    // The others keep their places where it has none even alone.
    if (size > this.#sizeMax) return this.#letGo(thing);
    this.#sizes.set(thing, size);
    this.#size += size;
    // Asked first: finding the first entry, behind all that were moved to the end, took five sixths of this.
    if (this.#size > this.#sizeMax) this.#shrink();
  }

  /** Notes that a thing is used; one that is not counted stays so. */
  use(thing: T): void {
    const size = this.#sizes.get(thing);
    if (size !== undefined) this.set(thing, size);
  }

  /** Counts a thing no more; it is not let go. */
  delete(thing: T): void {
    this.#size -= this.#sizes.get(thing) ?? 0;
    this.#sizes.delete(thing);
  }

  #shrink(): void {
    for (const oldest of this.#sizes.keys()) {
      this.delete(oldest);
      this.#letGo(oldest);
      if (this.#size <= this.#sizeMax) return;
    }
  }
}
