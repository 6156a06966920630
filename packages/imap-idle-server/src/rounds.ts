// Looks at the connections of a server in place of a timer for each: at every tick at those that wait for a time that is
// near, and at all in turn, a share at each tick: ten thousand that sleep cost little.

/** Who waits for a time, and is told how late it is. */
export interface Sleeper {
  tick(nowMs: number): void;
}

export class Rounds<Each extends Sleeper> {
  readonly #all: ReadonlySet<Each>;
  readonly #roundMs: number;
  /** Those that are looked at at every tick until their time has come. */
  readonly #near: Map<Each, number> = new Map();
  #turn: IterableIterator<Each>;
  #tickedAtMs: number;

  constructor(all: ReadonlySet<Each>, { roundMs, nowMs }: { readonly roundMs: number; readonly nowMs: number }) {
    this.#all = all;
    this.#roundMs = roundMs;
    this.#turn = all.values();
    this.#tickedAtMs = nowMs;
  }

  /** Somebody begins to wait. */
  add(each: Each, untilMs: number): void {
    if (untilMs < this.#tickedAtMs + this.#roundMs) this.#near.set(each, untilMs);
  }

  delete(each: Each): void {
    this.#near.delete(each);
  }

  tick(nowMs: number): void {
    for (const [each, untilMs] of this.#near) {
      if (nowMs < untilMs) continue;
      this.#near.delete(each);
      each.tick(nowMs);
    }
    const { size } = this.#all;
    const share = (nowMs - this.#tickedAtMs) / this.#roundMs;
    this.#tickedAtMs = nowMs;
    // At least one: nobody is forgotten where the clock is set back.
    for (let left = Math.min(size, Math.max(1, Math.ceil(size * share))); left > 0; left--) this.#next()?.tick(nowMs);
  }

  #next(): Each | undefined {
    const next = this.#turn.next();
    if (next.done !== true) return next.value;
    this.#turn = this.#all.values();
    return this.#turn.next().value;
  }
}
