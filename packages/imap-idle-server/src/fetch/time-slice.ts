// How long a command may keep the event loop to itself: wakes of other sessions must not wait for a long one.

/** A share of the event loop, over again after each rest. */
export class TimeSlice {
  readonly #lengthMs: number;
  #endsAtMs: number;

  constructor(lengthMs = 5) {
    this.#lengthMs = lengthMs;
    this.#endsAtMs = performance.now() + lengthMs;
  }

  /** Undefined while there is time left, else a promise to await: everyone else has had a turn when it resolves. */
  rest(): Promise<void> | undefined {
    return performance.now() < this.#endsAtMs ? undefined : this.#giveWay();
  }

  async #giveWay(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    this.#endsAtMs = performance.now() + this.#lengthMs;
  }
}
