// How long a command may keep the event loop to itself: wakes of other sessions must not wait for a long one. Where it
// rests, its client is told how far it is.
import { setImmediate as turnOfEventLoop } from "node:timers/promises";
import type { Session } from "../command.ts";
import { NOTHING_KNOWN, type Figures } from "../progress.ts";

const SLICE_MS = 2;
const STEPS_A_LOOK = 16;

/** A command's share of the event loop, over again after each rest. */
export class TimeSlice implements Figures {
  done = 0;
  goal: number | undefined = NOTHING_KNOWN.goal;
  readonly #session: Session | undefined;
  readonly #beforeRest: () => Promise<void> | undefined;
  readonly #aside: (wait: Promise<void>) => Promise<void>;
  readonly #sliceMs: number;
  #endsAtMs: number;
  #steps = 0;

  /**
   * `beforeRest` is called each time; what it throws, the one who rests gets. Where the client is waited for, `aside` says
   * how: by what it gives.
   */
  constructor(
    session?: Session,
    beforeRest: () => Promise<void> | undefined = () => undefined,
    aside: (wait: Promise<void>) => Promise<void> = (wait) => wait,
  ) {
    this.#session = session;
    this.#beforeRest = beforeRest;
    this.#aside = aside;
    // Whoever is to be told at each rest, is given one wherever there may be one.
    this.#sliceMs = Math.min(SLICE_MS, session?.limits.inProgressIntervalMs ?? SLICE_MS);
    this.#endsAtMs = performance.now() + this.#sliceMs;
  }

  /** Undefined while there is time left, else a promise to await: everyone else has had a turn when it resolves. */
  rest(): Promise<void> | undefined {
    return performance.now() < this.#endsAtMs ? undefined : this.#giveWay();
  }

  /** The same in a loop of small steps, where looking at the clock would take as long as one of them. */
  restAmongMany(): Promise<void> | undefined {
    return ++this.#steps % STEPS_A_LOOK === 0 || this.#sliceMs === 0 ? this.rest() : undefined;
  }

  async #giveWay(): Promise<void> {
    const told = this.#session?.progress.tell(this);
    if (told !== undefined) await this.#aside(told);
    const ready = this.#beforeRest();
    if (ready !== undefined) await this.#aside(ready);
    await (this.#session?.store.giveWay() ?? turnOfEventLoop());
    this.#endsAtMs = performance.now() + this.#sliceMs;
  }
}
