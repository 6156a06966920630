// So many tasks at a time, the others in the order of asking.

export class TaskSlots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** Whether a task waits for a slot. */
  get isAwaited(): boolean {
    return this.awaiting > 0;
  }

  /** How many do. */
  get awaiting(): number {
    return this.#waiting.length;
  }

  async run<T>(task: () => Promise<T>): Promise<T> {
    await this.take();
    try {
      return await task();
    } finally {
      this.giveBack();
    }
  }

  /** Takes a slot, to be given back whatever happens; undefined where one is free, else a promise to await. */
  take(): Promise<void> | undefined {
    if (this.#free === 0) return new Promise((resolve) => this.#waiting.push(resolve));
    this.#free--;
    return undefined;
  }

  giveBack(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}
