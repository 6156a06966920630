// Slows down who guesses passwords. Logins of one client network and account take turns, and each that follows a failed
// one waits, longer each time; so do all logins from a network that failed very often, whatever the account. Nobody
// else waits: who guesses an account's password does not keep its owner out.
import { normalizeAddress } from "./mail-address.ts";
import { clientNetwork } from "./client-network.ts";
import { limitsGiven } from "./check-limits.ts";
import { LOGIN_LIMITS, LOGIN_ZEROS, type LoginLimits } from "./limits.ts";
import { Refusal } from "./refusal.ts";
import { steadyNow } from "./steady-clock.ts";

/** One login that is to be tried when it may be. */
export interface LoginAttempt<Result> {
  /** The client's IP address. */
  readonly client: string;
  readonly account: string;
  /** Waits until a time; rejects where the client has gone or has had all the time that it gets. */
  pauseUntil(timeMs: number): Promise<void>;
  /** Looks at the password. */
  check(): Promise<Result>;
}

export interface LoginThrottleOptions {
  readonly limits?: Partial<LoginLimits>;
  readonly now?: () => number;
}

interface Failures {
  readonly count: number;
  readonly lastAtMs: number;
}

export class LoginThrottle {
  readonly #limits: LoginLimits;
  /** The clock that `pauseUntil` goes by. */
  readonly now: () => number;
  /** By network, and by network and account; the one that failed last is the last. */
  readonly #failures: Map<string, Failures> = new Map();
  /** Networks and accounts that fit together: a guesser in the same network does not slow them down. */
  readonly #known: Set<string> = new Set();
  /** The end of the last attempt that waits for its turn, or has it. */
  readonly #turns: Map<string, Promise<void>> = new Map();

  constructor({ limits = {}, now = steadyNow }: LoginThrottleOptions = {}) {
    this.#limits = limitsGiven(LOGIN_LIMITS, limits, LOGIN_ZEROS);
    this.now = now;
  }

  /** How many failures are remembered. */
  get remembered(): number {
    return this.#failures.size;
  }

  /** How many networks and accounts have a turn now. */
  get turns(): number {
    return this.#turns.size;
  }

  /** The name of an account as a log has it: a client may give one of kilobytes. */
  logged(account: string): string {
    const some = this.#cut(account);
    return some.length < account.length ? `${some}...` : some;
  }

  /** Checks the password when it is this attempt's turn. */
  async run<Result>(attempt: LoginAttempt<Result>): Promise<Result> {
    const network = clientNetwork(attempt.client);
    const pair = `${network} ${accountKey(this.#cut(attempt.account))}`;
    const endTurns = [await this.#turn(pair)];
    try {
      await attempt.pauseUntil(this.#readyAtMs(pair, 0));
      if (!this.#known.has(pair) && this.#isSlowed(network)) {
        endTurns.push(await this.#turn(network));
        await attempt.pauseUntil(this.#readyAtMs(network, this.#limits.loginFailuresPerNetworkMax));
      }
      const result = await attempt.check();
      this.#failures.delete(pair);
      this.#remember(pair);
      return result;
    } catch (error) {
      if (error instanceof Refusal && error.code === "authenticationFailed") {
        this.#fail(pair);
        this.#fail(network);
      }
      throw error;
    } finally {
      for (const endTurn of endTurns) endTurn();
    }
  }

  /** Resolves when those that asked before have ended, to the call that ends this turn. */
  async #turn(key: string): Promise<() => void> {
    const before = this.#turns.get(key);
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    this.#turns.set(key, ended);
    await before;
    return () => {
      if (this.#turns.get(key) === ended) this.#turns.delete(key);
      end();
    };
  }

  #isSlowed(network: string): boolean {
    return this.#readyAtMs(network, this.#limits.loginFailuresPerNetworkMax) > this.now();
  }

  /** When a password may be looked at; in the past where at once. */
  #readyAtMs(key: string, freeFailures: number): number {
    const failures = this.#failures.get(key);
    if (failures === undefined || failures.count <= freeFailures) return 0;
    const delayMs = this.#limits.loginDelayMs * 2 ** (failures.count - freeFailures - 1);
    return failures.lastAtMs + Math.min(delayMs, this.#limits.loginDelayMsMax);
  }

  #fail(key: string): void {
    const nowMs = this.now();
    const before = this.#failures.get(key);
    this.#failures.delete(key);
    if (this.#failures.size >= this.#limits.loginMemoryMax) this.#forgetOne(nowMs);
    const count = before !== undefined && this.#isKept(before, nowMs) ? before.count + 1 : 1;
    this.#failures.set(key, { count, lastAtMs: nowMs });
    // Who fails now has to show anew that he is known here.
    this.#known.delete(key);
  }

  /** Makes room: what is over goes, else what failed least often. So many names guessed once wash out no record. */
  #forgetOne(nowMs: number): void {
    let weakest: readonly [string, Failures] | undefined;
    for (const entry of this.#failures) {
      if (weakest === undefined || entry[1].count < weakest[1].count) weakest = entry;
      if (weakest[1].count === 1 || !this.#isKept(weakest[1], nowMs)) break;
    }
    if (weakest !== undefined) this.#failures.delete(weakest[0]);
  }

  #isKept({ lastAtMs }: Failures, nowMs: number): boolean {
    return lastAtMs + this.#limits.loginMemoryMs > nowMs;
  }

  #cut(account: string): string {
    return account.slice(0, this.#limits.loginNameCharsMax);
  }

  #remember(pair: string): void {
    this.#known.delete(pair);
    this.#known.add(pair);
    if (this.#known.size > this.#limits.loginMemoryMax) this.#known.delete(this.#known.values().next().value as string);
  }
}

/** One for all ways to write an address: else each of them were a fresh start. */
function accountKey(account: string): string {
  try {
    return normalizeAddress(account);
  } catch {
    return account.toLowerCase();
  }
}
