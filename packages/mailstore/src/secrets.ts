// Passwords: kept as scrypt hashes, compared in constant time, checked quickly again once they were right.
import { createHmac, randomBytes } from "node:crypto";
import type { StoreLimits } from "./limits.ts";
import { preparePassword } from "./prepare-password.ts";
import { Refusal } from "./refusal.ts";
import { hasScryptCost, isScryptOf, scryptText, unknownScrypt, type ScryptCost } from "./scrypt-text.ts";
import { deriveScramKey, type ScramHash, type ScramKey, type ScramSalt } from "./scram-keys.ts";
import { SharedRoom } from "./shared-room.ts";
import { TaskSlots } from "./task-slots.ts";

type CheckLimits = Pick<StoreLimits, "passwordChecksAtOnce" | "passwordChecksQueuedMax" | "verifiedPasswordsMax">;

export class Secrets {
  readonly #cost: ScryptCost;
  readonly #limits: CheckLimits;
  readonly #key = randomBytes(32);
  /** Digest of stored hash, name and password, for those found right, and checks under way. */
  readonly #verified = new Map<string, Promise<boolean>>();
  /** Those found right. */
  readonly #remembered: SharedRoom<string>;
  readonly #dummy: string;
  /** The thread pool also serves the disk: hashing may never fill it. */
  readonly #slots: TaskSlots;
  readonly #closing: AbortSignal | undefined;

  constructor(cost: ScryptCost, limits: CheckLimits, closing?: AbortSignal) {
    this.#cost = cost;
    this.#limits = limits;
    this.#closing = closing;
    this.#slots = new TaskSlots(limits.passwordChecksAtOnce);
    this.#remembered = new SharedRoom(limits.verifiedPasswordsMax, (digest) => this.#verified.delete(digest));
    this.#dummy = unknownScrypt(cost);
  }

  /** The text to store for a password. */
  hash(password: string): Promise<string> {
    return this.#inTurn(async () => scryptText(preparePassword(password), this.#cost));
  }

  /** Whether a stored text costs what one does that is made now. */
  hasCost(stored: string): boolean {
    return hasScryptCost(stored, this.#cost);
  }

  /** Whether `password` is the one of `stored`; undefined (no such account) takes the same work and is wrong. */
  async verify(
    stored: string | undefined,
    { address, password }: { readonly address: string; readonly password: string },
  ): Promise<boolean> {
    const against = stored ?? this.#dummy;
    // The name is part of it: else all that are nobody's would share one check, and be told apart by that.
    const asked = JSON.stringify([against, address, password]);
    const digest = createHmac("sha256", this.#key).update(asked).digest("base64");
    const known = this.#verified.get(digest);
    if (known !== undefined) {
      this.#remembered.use(digest);
      return (await known) && stored !== undefined;
    }
    const check = this.#check(against, password);
    this.#verified.set(digest, check);
    const right = await check.catch((error: unknown) => {
      this.#verified.delete(digest);
      throw error;
    });
    // Wrong ones are forgotten: guessing gets no quicker by repeating.
    if (right) this.#remembered.set(digest, 1);
    else this.#verified.delete(digest);
    return right && stored !== undefined;
  }

  async #check(stored: string, password: string): Promise<boolean> {
    if (this.#slots.awaiting >= this.#limits.passwordChecksQueuedMax) {
      throw new Refusal("tooManyLogins", "Too many logins at once, try again later");
    }
    return this.#inTurn(async () => isScryptOf(stored, preparePassword(password)));
  }

  /** What still waits when the store closes is not done: a minute of it would keep the process. */
  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    return this.#slots.run(async () => {
      if (this.#closing?.aborted === true) throw new Refusal("shuttingDown", "The server is shutting down");
      return work();
    });
  }

  /** What SCRAM needs of a password. */
  deriveScramKey(password: string, hash: ScramHash, salt: ScramSalt): Promise<ScramKey> {
    return this.#inTurn(async () => deriveScramKey(preparePassword(password), hash, salt));
  }
}
