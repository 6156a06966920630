// Slows down who guesses passwords: after each failed login the next one of that address and account waits, longer each
// time. Others are not held up, and what is remembered is bounded in time and number.
import type { ImapLimits } from "./limits.ts";

interface Failures {
  readonly count: number;
  readonly lastAtMs: number;
}

export class LoginThrottle {
  readonly #limits: ImapLimits;
  /** The one that failed last is the last. */
  readonly #failures: Map<string, Failures> = new Map();

  constructor(limits: ImapLimits) {
    this.#limits = limits;
  }

  /** When a password may be looked at; in the past where at once. */
  readyAtMs(key: string): number {
    const failures = this.#failures.get(key);
    if (failures === undefined) return 0;
    const delayMs = this.#limits.loginDelayMs * 2 ** (failures.count - 1);
    return failures.lastAtMs + Math.min(delayMs, this.#limits.loginDelayMsMax);
  }

  /** Takes note of a failed login; returns how many there have been. */
  fail(key: string, nowMs: number): number {
    this.#forget(nowMs);
    const count = (this.#failures.get(key)?.count ?? 0) + 1;
    this.#failures.delete(key);
    this.#failures.set(key, { count, lastAtMs: nowMs });
    return count;
  }

  succeed(key: string): void {
    this.#failures.delete(key);
  }

  #forget(nowMs: number): void {
    const { loginMemoryMs, loginMemoryMax } = this.#limits;
    for (const [key, { lastAtMs }] of this.#failures) {
      if (lastAtMs + loginMemoryMs > nowMs && this.#failures.size < loginMemoryMax) return;
      this.#failures.delete(key);
    }
  }
}

/** What failures are counted by. */
export function throttleKey(clientAddress: string, account: string): string {
  return `${clientAddress} ${account.toLowerCase()}`;
}
