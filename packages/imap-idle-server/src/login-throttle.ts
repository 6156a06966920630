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
    const before = this.#failures.get(key);
    this.#failures.delete(key);
    this.#forget(nowMs);
    const count = before !== undefined && this.#isKept(before, nowMs) ? before.count + 1 : 1;
    this.#failures.set(key, { count, lastAtMs: nowMs });
    return count;
  }

  succeed(key: string): void {
    this.#failures.delete(key);
  }

  #forget(nowMs: number): void {
    for (const [key, failures] of this.#failures) {
      if (this.#isKept(failures, nowMs) && this.#failures.size < this.#limits.loginMemoryMax) return;
      this.#failures.delete(key);
    }
  }

  #isKept({ lastAtMs }: Failures, nowMs: number): boolean {
    return lastAtMs + this.#limits.loginMemoryMs > nowMs;
  }
}

/** Longer than any address that there is (RFC 5321 4.5.3.1). */
const ACCOUNT_CHARS_MAX = 320;

/** What failures are counted by. */
export function throttleKey(clientAddress: string, account: string): string {
  return `${clientAddress} ${account.slice(0, ACCOUNT_CHARS_MAX).toLowerCase()}`;
}
