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

  /** Notes that a thing is used, and what it takes from now on. */
  set(thing: T, size: number): void {
    this.delete(thing);
    if (size === 0) return;
    this.#sizes.set(thing, size);
    this.#size += size;
    for (const oldest of this.#sizes.keys()) {
      if (this.#size <= this.#sizeMax) return;
      this.delete(oldest);
      this.#letGo(oldest);
    }
  }

  /** Counts a thing no more; it is not let go. */
  delete(thing: T): void {
    this.#size -= this.#sizes.get(thing) ?? 0;
    this.#sizes.delete(thing);
  }
}
