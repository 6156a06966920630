// How long a command may keep the event loop to itself: wakes of other sessions must not wait for a long one.

const SLICE_MS = 2;

/** A command's share of the event loop, over again after each rest. */
export class TimeSlice {
  readonly #beforeRest: () => Promise<void> | void;
  #endsAtMs: number = performance.now() + SLICE_MS;

  /** `beforeRest` is called each time; what it throws, the one who rests gets. */
  constructor(beforeRest: () => Promise<void> | void = () => undefined) {
    this.#beforeRest = beforeRest;
  }

  /** Undefined while there is time left, else a promise to await: everyone else has had a turn when it resolves. */
  rest(): Promise<void> | undefined {
    return performance.now() < this.#endsAtMs ? undefined : this.#giveWay();
  }

  async #giveWay(): Promise<void> {
    await this.#beforeRest();
    await new Promise((resolve) => setImmediate(resolve));
    this.#endsAtMs = performance.now() + SLICE_MS;
  }
}
