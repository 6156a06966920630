// What is kept of an account's password, in two forms: a hash for passwords that are said (scrypt), and keys for
// passwords that are proved (SCRAM). Nobody learns from either whether an address is somebody's.
import { createHmac, randomBytes } from "node:crypto";
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
  async make(address: string, password: string): Promise<StoredCredentials> {
    return { secret: await this.#secrets.hash(password), scram: await this.makeScram(address, password) };
  }

  async makeScram(address: string, password: string): Promise<readonly string[]> {
    const salt = await this.#saltOf(address);
    return Promise.all(
      SCRAM_HASHES.map(async (hash) =>
        printScramKey(hash, salt, await this.#secrets.deriveScramKey(password, hash, salt)),
      ),
    );
  }

  /** Whether the keys for SCRAM are there, as they would be made today. */
  async hasScram(address: string, { scram = [] }: StoredCredentials): Promise<boolean> {
    const salt = await this.#saltOf(address);
    return SCRAM_HASHES.every((hash) => scram.some((text) => text.startsWith(printScramSalt(hash, salt))));
  }

  /** Undefined (no such account) takes the same work and is wrong. */
  verify(
    stored: StoredCredentials | undefined,
    login: { readonly address: string; readonly password: string },
  ): Promise<boolean> {
    return this.#secrets.verify(stored?.secret, login);
  }

  /** The salt and the key for a proof; where there are none, a salt that looks like one and a key that nothing fits. */
  async scramKey(
    address: string,
    stored: StoredCredentials | undefined,
    hash: ScramHash,
  ): Promise<ScramSalt & ScramKey> {
    const text = stored?.scram?.find((key) => key.startsWith(`SCRAM-${hash}$`));
    const salt = await this.#saltOf(address);
    if (text !== undefined) return parseScramKey(text);
    const noKey = this.#noKey.subarray(0, SCRAM_KEY_BYTES[hash]);
    return { ...salt, storedKey: noKey, serverKey: noKey };
  }

  /** An address has its salt before it has an account, and keeps it: that there is one now cannot be seen. */
  async #saltOf(address: string): Promise<ScramSalt> {
    const key = await (this.#saltKey ??= this.#loadSaltKey());
    const salt = createHmac("sha256", key).update(address).digest().subarray(0, SALT_BYTES);
    return { salt, iterations: this.#iterations };
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
