// SCRAM (RFC 5802, RFC 7677): what is kept of a password so that its owner can prove to know it without saying it.
import { createHash, createHmac, pbkdf2 } from "node:crypto";
import { promisify } from "node:util";

export type ScramHash = "SHA-1" | "SHA-256";

/** Of the key that a password is stretched to; the client has to do as much at each login. */
export const DEFAULT_SCRAM_ITERATIONS = 100_000;

/** What the client is told, to make the same key of the password. */
export interface ScramSalt {
  readonly salt: Buffer;
  readonly iterations: number;
}

export interface ScramKey {
  /** The client's key, hashed. */
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

/** How long each hash is, and the keys made with it. */
export const SCRAM_KEY_BYTES: Readonly<Record<ScramHash, number>> = { "SHA-1": 20, "SHA-256": 32 };
export const SCRAM_HASHES: readonly ScramHash[] = ["SHA-1", "SHA-256"];

const stretch = promisify(pbkdf2);

/** RFC 5802 3. */
export async function deriveScramKey(password: string, hash: ScramHash, salt: ScramSalt): Promise<ScramKey> {
  const name = hash.replace("-", "");
  const salted = await stretch(password, salt.salt, salt.iterations, SCRAM_KEY_BYTES[hash], name);
  const clientKey = createHmac(name, salted).update("Client Key").digest();
  return {
    storedKey: createHash(name).update(clientKey).digest(),
    serverKey: createHmac(name, salted).update("Server Key").digest(),
  };
}

/** As RFC 5803 2 writes it: `SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY`. */
export function printScramKey(hash: ScramHash, salt: ScramSalt, { storedKey, serverKey }: ScramKey): string {
  return `${printScramSalt(hash, salt)}${storedKey.toString("base64")}:${serverKey.toString("base64")}`;
}

/** How the text of every key begins that is made with this salt. */
export function printScramSalt(hash: ScramHash, { iterations, salt }: ScramSalt): string {
  return `SCRAM-${hash}$${iterations}:${salt.toString("base64")}$`;
}

export function parseScramKey(text: string): ScramSalt & ScramKey {
  const [, iterations, salt, storedKey, serverKey] = /^SCRAM-[^$]+\$(\d+):([^$]+)\$([^:]+):(.+)$/.exec(text) ?? [];
  if (salt === undefined || storedKey === undefined || serverKey === undefined)
    throw new Error("a stored key of SCRAM is damaged");
  const [saltBytes, stored, server] = [salt, storedKey, serverKey].map((part) => Buffer.from(part, "base64"));
  return {
    iterations: Number(iterations),
    salt: saltBytes as Buffer,
    storedKey: stored as Buffer,
    serverKey: server as Buffer,
  };
}
