// What is kept of an account's password, in two forms: a hash for passwords that are said (scrypt), and keys for
// passwords that are proved (SCRAM). Nobody learns from either whether an address is somebody's.
import { createHmac, randomBytes } from "node:crypto";
import { digestAppPassword, isAppPassword, makeAppPassword, type StoredAppPassword } from "./app-passwords.ts";
import type { Directory } from "./driver.ts";
import {
  parseScramKey,
  printScramKey,
  printScramSalt,
  SCRAM_HASHES,
  SCRAM_KEY_BYTES,
  type ScramHash,
  type ScramKey,
  type ScramSalt,
} from "./scram-keys.ts";
import type { Secrets } from "./secrets.ts";

export interface StoredCredentials {
  readonly secret: string;
  /** A key for each hash of SCRAM; there is none where the password was set by a version that had no SCRAM. */
  readonly scram?: readonly string[];
  readonly appPasswords?: readonly StoredAppPassword[];
}

interface OwnCredentials extends StoredCredentials {
  /** That of the account itself. */
  readonly address: string;
}

/** All of it but its name and date. */
export type NewAppPassword = Pick<StoredAppPassword, "digest" | "scram">;

/** Which password it was. */
export type Verified = "password" | "appPassword" | "wrong";

/** What a proof is held against: any of the keys may be the one that fits. */
export interface ScramKeys extends ScramSalt {
  readonly keys: readonly ScramKey[];
}

const SALT_BYTES = 16;
const SALT_KEY_BYTES = 32;
const SALT_KEY = "scram/salt-key";

export class Credentials {
  readonly #secrets: Secrets;
  readonly #directory: Directory;
  readonly #iterations: number;
  #saltKey: Promise<Uint8Array> | undefined;
  /** Fits no proof: nobody knows what it was made of. */
  readonly #noKey: Buffer = randomBytes(32);

  constructor(secrets: Secrets, directory: Directory, iterations: number) {
    this.#secrets = secrets;
    this.#directory = directory;
    this.#iterations = iterations;
  }

  /** What to store for the password of an account. */
  async make(
    address: string,
    password: string,
    appPasswords: readonly NewAppPassword[] = [],
  ): Promise<StoredCredentials> {
    const salt = await this.#saltBeside(appPasswords, address);
    return { secret: await this.#secrets.hash(password), scram: await this.#makeScram(password, salt) };
  }

  #makeScram(password: string, salt: ScramSalt): Promise<readonly string[]> {
    return Promise.all(
      SCRAM_HASHES.map(async (hash) =>
        printScramKey(hash, salt, await this.#secrets.deriveScramKey(password, hash, salt)),
      ),
    );
  }

  /** What would be made otherwise of the password today, made so; undefined where nothing is. */
  async renew(
    { address, secret, scram = [], appPasswords = [] }: OwnCredentials,
    password: string,
  ): Promise<Partial<StoredCredentials> | undefined> {
    const salt = await this.#saltBeside(appPasswords, address);
    const hasScram = SCRAM_HASHES.every((hash) => scram.some((text) => text.startsWith(printScramSalt(hash, salt))));
    const hasCost = this.#secrets.hasCost(secret);
    if (hasScram && hasCost) return undefined;
    return {
      ...(hasCost ? {} : { secret: await this.#secrets.hash(password) }),
      ...(hasScram ? {} : { scram: await this.#makeScram(password, salt) }),
    };
  }

  /** An app password for an account, and what to store for it. */
  async makeAppPassword({
    address,
    scram = [],
    appPasswords = [],
  }: OwnCredentials): Promise<{ readonly password: string; readonly stored: NewAppPassword }> {
    const salt = await this.#saltBeside([...appPasswords, { scram }], address);
    const password = makeAppPassword();
    const digest = digestAppPassword(password).toString("base64");
    return { password, stored: { digest, scram: await this.#makeScram(password, salt) } };
  }

  /** Undefined (no such account) takes the same work and is wrong. */
  async verify(
    stored: StoredCredentials | undefined,
    login: { readonly address: string; readonly password: string },
  ): Promise<Verified> {
    if (isAppPassword(login.password, stored?.appPasswords)) return "appPassword";
    return (await this.#secrets.verify(stored?.secret, login)) ? "password" : "wrong";
  }

  /** The salt and the keys for a proof; where there are none, a salt as good as any and a key that nothing fits. */
  async scramKeys(address: string, stored: StoredCredentials | undefined, hash: ScramHash): Promise<ScramKeys> {
    const kept = stored === undefined ? [] : [stored, ...(stored.appPasswords ?? [])];
    const known = kept.flatMap(({ scram = [] }) =>
      scram.filter((text) => text.startsWith(`SCRAM-${hash}$`)).map(parseScramKey),
    );
    const [first] = known;
    const salt = await this.#saltOf(address);
    if (first !== undefined) {
      // The client makes one key of its password: those of another count of iterations are out of its reach.
      const { salt: made, iterations } = first;
      const usable = known.filter((key) => key.iterations === iterations);
      return { salt: made, iterations, keys: usable.map(({ storedKey, serverKey }) => ({ storedKey, serverKey })) };
    }
    const noKey = this.#noKey.subarray(0, SCRAM_KEY_BYTES[hash]);
    return { ...salt, keys: [{ storedKey: noKey, serverKey: noKey }] };
  }

  /** An address has its salt before it has an account, and keeps it: that there is one now cannot be seen. */
  async #saltOf(address: string): Promise<ScramSalt> {
    const key = await (this.#saltKey ??= this.#loadSaltKey());
    const salt = createHmac("sha256", key).update(address).digest().subarray(0, SALT_BYTES);
    return { salt, iterations: this.#iterations };
  }

  /** For keys that join others, with their count of iterations: a client makes its proof with one alone. */
  async #saltBeside(others: readonly Pick<NewAppPassword, "scram">[], address: string): Promise<ScramSalt> {
    const salt = await this.#saltOf(address);
    const [other] = others.flatMap(({ scram }) => scram);
    return other === undefined ? salt : { ...salt, iterations: parseScramKey(other).iterations };
  }

  async #loadSaltKey(): Promise<Uint8Array> {
    try {
      const known = await this.#directory.get(SALT_KEY);
      if (known !== undefined) return known;
      const value = randomBytes(SALT_KEY_BYTES);
      const isOurs = await this.#directory.put([{ key: SALT_KEY, value, ifAbsent: true }]);
      return isOurs ? value : ((await this.#directory.get(SALT_KEY)) ?? value);
    } catch (error) {
      this.#saltKey = undefined;
      throw error;
    }
  }
}
