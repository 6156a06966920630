// How fast indexing goes: in short slices with rests between them, that grow while others keep the process busy. What
// is not indexed yet is found all the same, so it can wait; mail and wakes cannot.
import { setTimeout } from "node:timers/promises";
import type { SearchIndexLimits } from "./limits.ts";

/** The share of its time that the process may be busy with other things for a rest to be over early. */
const BUSY_SHARE = 0.5;

export class Pace {
  readonly #limits: SearchIndexLimits;
  readonly #end: AbortSignal;
  #endsAtMs = 0;

  /** Behind `end` there is no rest any more. */
  constructor(limits: SearchIndexLimits, end: AbortSignal) {
    this.#limits = limits;
    this.#end = end;
  }

  /** Undefined while there is time left, else a promise to await. */
  rest(): Promise<void> | undefined {
    return this.#end.aborted || performance.now() < this.#endsAtMs ? undefined : this.#rest();
  }

  /** Lets some time pass, so that mails which come one by one are taken together. */
  async lag(): Promise<void> {
    const options = { ref: false, signal: this.#end };
    await setTimeout(this.#limits.lagMs, undefined, options).catch(() => undefined);
  }

  async #rest(): Promise<void> {
    const { sliceMs, restMs, restMsMax } = this.#limits;
    for (let restedMs = 0; ;) {
      const before = performance.eventLoopUtilization();
      await setTimeout(restMs, undefined, { ref: false });
      restedMs += restMs;
      if (restedMs >= restMsMax || performance.eventLoopUtilization(before).utilization < BUSY_SHARE) break;
    }
    this.#endsAtMs = performance.now() + sliceMs;
  }
}
