// A search's turn to work on summaries and texts, of which there are a few at a time for all searches. While the search
// waits for its client it has none: others must not wait for that client too.
import type { TaskSlots } from "@pushmail/mailstore";

export class SearchTurn {
  readonly #slots: TaskSlots;
  #isOn = false;

  constructor(slots: TaskSlots) {
    this.#slots = slots;
  }

  /** Whether another search waits for a turn. */
  get isAwaited(): boolean {
    return this.#slots.isAwaited;
  }

  /** Does some work when its turn has come. */
  async during(work: () => Promise<void>): Promise<void> {
    await this.#begin();
    try {
      await work();
    } finally {
      if (this.#isOn) this.#end();
    }
  }

  /** Waits for something else: a turn ends meanwhile, and is waited for anew before the work goes on; if that fails, not. */
  async aside<Result>(wait: Promise<Result>): Promise<Result> {
    const wasOn = this.#isOn;
    if (wasOn) this.#end();
    const result = await wait;
    if (wasOn) await this.#begin();
    return result;
  }

  async #begin(): Promise<void> {
    await this.#slots.take();
    this.#isOn = true;
  }

  #end(): void {
    this.#isOn = false;
    this.#slots.giveBack();
  }
}
