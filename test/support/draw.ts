// Choices drawn from random numbers.

export class Draw {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  of<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  /** From `min` to `max` items. */
  several<Item>(min: number, max: number, make: () => Item): Item[] {
    return Array.from({ length: min + this.below(max - min + 1) }, make);
  }
}
