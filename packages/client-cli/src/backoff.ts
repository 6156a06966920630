// How long to wait before the next attempt: doubling to a bound, half of it by chance so that many clients spread.
import type { ClientLimits } from "./limits.ts";

/** The pauses of one client's attempts. */
export class Backoff {
  readonly #limits: ClientLimits;
  readonly #random: () => number;
  #nextMs: number;

  constructor(limits: ClientLimits, random: () => number) {
    this.#limits = limits;
    this.#random = random;
    this.#nextMs = limits.retryFirstMs;
  }

  /** The pause after a connection that held for so long; one that held well starts the series anew. */
  pauseAfter(heldMs: number): number {
    if (heldMs >= this.#limits.retryStableMs) this.#nextMs = this.#limits.retryFirstMs;
    const pauseMs = this.#nextMs * (0.5 + this.#random() / 2);
    this.#nextMs = Math.min(this.#nextMs * 2, this.#limits.retryMaxMs);
    return pauseMs;
  }
}
