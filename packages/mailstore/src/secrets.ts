// Passwords: kept as scrypt hashes, compared in constant time, checked quickly again once they were right.
import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import type { StoreLimits } from "./limits.ts";
import { preparePassword } from "./prepare-password.ts";
import { Refusal } from "./refusal.ts";
import { deriveScramKey, type ScramHash, type ScramKey, type ScramSalt } from "./scram-keys.ts";
import { SharedRoom } from "./shared-room.ts";
import { TaskSlots } from "./task-slots.ts";

/** Cost of one hash; N = 2^14, r = 8, p = 5 takes about 0.25 s of CPU and 16 MiB (OWASP's floor for scrypt). */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

export const DEFAULT_SCRYPT_COST: ScryptCost = { N: 2 ** 14, r: 8, p: 5 };

type CheckLimits = Pick<StoreLimits, "passwordChecksAtOnce" | "passwordChecksQueuedMax" | "verifiedPasswordsMax">;

const SALT_BYTES = 16;
const HASH_BYTES = 32;

export class Secrets {
  readonly #cost: ScryptCost;
  readonly #limits: CheckLimits;
  readonly #key = randomBytes(32);
  /** Digest of stored hash, name and password, for those found right, and checks under way. */
  readonly #verified = new Map<string, Promise<boolean>>();
  /** Those found right. */
  readonly #remembered: SharedRoom<string>;
  readonly #dummy: Promise<string>;
  /** The thread pool also serves the disk: hashing may never fill it. */
  readonly #slots: TaskSlots;

  constructor(cost: ScryptCost, limits: CheckLimits) {
    this.#cost = cost;
    this.#limits = limits;
    this.#slots = new TaskSlots(limits.passwordChecksAtOnce);
    this.#remembered = new SharedRoom(limits.verifiedPasswordsMax, (digest) => this.#verified.delete(digest));
    this.#dummy = Promise.resolve(
      format(cost, Buffer.alloc(SALT_BYTES), createHmac("sha256", this.#key).update("nobody").digest()),
    );
  }

  /** The text to store for a password: `scrypt$N$r$p$salt$hash`. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES);
    return format(this.#cost, salt, await this.#derive(password, salt, this.#cost));
  }

  /** Whether a stored text costs what one does that is made now. */
  hasCost(stored: string): boolean {
    return stored.startsWith(prefixOf(this.#cost));
  }

  /** Whether `password` is the one of `stored`; undefined (no such account) takes the same work and is wrong. */
  async verify(
    stored: string | undefined,
    { address, password }: { readonly address: string; readonly password: string },
  ): Promise<boolean> {
    const against = await (stored ?? this.#dummy);
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
    const [kind, N, r, p, salt, hash] = stored.split("$");
    if (kind !== "scrypt" || salt === undefined || hash === undefined) throw new Error("a stored secret is damaged");
    if (this.#slots.awaiting >= this.#limits.passwordChecksQueuedMax) {
      throw new Refusal("tooManyLogins", "Too many logins at once, try again later");
    }
    const expected = Buffer.from(hash, "base64");
    const cost = { N: Number(N), r: Number(r), p: Number(p) };
    return timingSafeEqual(await this.#derive(password, Buffer.from(salt, "base64"), cost), expected);
  }

  /** What SCRAM needs of a password. */
  deriveScramKey(password: string, hash: ScramHash, salt: ScramSalt): Promise<ScramKey> {
    return this.#slots.run(async () => deriveScramKey(preparePassword(password), hash, salt));
  }

  #derive(password: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> {
    const options = { ...cost, maxmem: 256 * cost.N * cost.r };
    return this.#slots.run(async () => {
      const prepared = preparePassword(password);
      return new Promise<Buffer>((resolve, reject) => {
        scrypt(prepared, salt, HASH_BYTES, options, (error, key) => {
          if (error === null) resolve(key);
          else reject(error);
        });
      });
    });
  }
}

function format(cost: ScryptCost, salt: Buffer, hash: Buffer): string {
  return `${prefixOf(cost)}${salt.toString("base64")}$${hash.toString("base64")}`;
}

function prefixOf({ N, r, p }: ScryptCost): string {
  return `scrypt$${N}$${r}$${p}$`;
}
