// Room in memory that many things share, each with its size: beyond it, those that were used longest ago are let go.
// They are linked in the order of their use. A map has that order too, but it keeps the places of what has left it: to
// find the first entry behind them took up to 20 us.

interface Place<T> {
  readonly thing: T;
  size: number;
  older: Place<T> | undefined;
  newer: Place<T> | undefined;
}

export class SharedRoom<T> {
  readonly #sizeMax: number;
  readonly #letGo: (thing: T) => void;
  readonly #places = new Map<T, Place<T>>();
  #oldest: Place<T> | undefined;
  #newest: Place<T> | undefined;
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
    if (size === 0) return this.delete(thing);
    let place = this.#places.get(thing);
    if (place === undefined) this.#places.set(thing, (place = { thing, size: 0, older: undefined, newer: undefined }));
    else this.#unlink(place);
    this.#link(place);
    this.#size += size - place.size;
    place.size = size;
    // The others keep their places where it has none even alone.
    if (size > this.#sizeMax) this.#drop(place);
    while (this.#size > this.#sizeMax) this.#drop(this.#oldest as Place<T>);
  }

  /** Notes that a thing is used. False for one that is not counted, and stays so. */
  use(thing: T): boolean {
    const place = this.#places.get(thing);
    if (place === undefined) return false;
    this.#unlink(place);
    this.#link(place);
    return true;
  }

  /** Counts a thing no more; it is not let go. */
  delete(thing: T): void {
    const place = this.#places.get(thing);
    if (place === undefined) return;
    this.#places.delete(thing);
    this.#unlink(place);
    this.#size -= place.size;
  }

  #drop({ thing }: Place<T>): void {
    this.delete(thing);
    this.#letGo(thing);
  }

  /** Puts a place at the end. */
  #link(place: Place<T>): void {
    place.older = this.#newest;
    place.newer = undefined;
    if (this.#newest === undefined) this.#oldest = place;
    else this.#newest.newer = place;
    this.#newest = place;
  }

  #unlink({ older, newer }: Place<T>): void {
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
  }
}
