// A text as it is kept where it must not be read: hashed by scrypt (RFC 7914), with salt and cost beside it.
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

/** Cost of one hash; N = 2^14, r = 8, p = 5 takes about 0.25 s of CPU and 16 MiB (OWASP's floor for scrypt). */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

export const DEFAULT_SCRYPT_COST: ScryptCost = { N: 2 ** 14, r: 8, p: 5 };

/** What costs must be together, each of which is one by itself. */
export const SCRYPT_COST_MUST_BE = "N must be below 2^(16 r), r p below 2^24, r (N + p + 2) below 2^46";

/** Whether costs go together: RFC 7914 2, OpenSSL's bound of 128 r p, and Node's of the memory. */
export function isScryptCost({ N, r, p }: ScryptCost): boolean {
  return N < 2 ** (16 * r) && r * p < 2 ** 24 && r * (N + p + 2) < 2 ** 46;
}

const SALT_BYTES = 16;
const HASH_BYTES = 32;

/** `scrypt$N$r$p$salt$hash` */
export async function scryptText(text: string, cost: ScryptCost): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  return printScrypt(cost, salt, await hashOf(text, salt, cost));
}

/** Whether a text is the one of `stored`, in constant time; throws where that is no such thing. */
export async function isScryptOf(stored: string, text: string): Promise<boolean> {
  const [kind, N, r, p, salt, hash] = stored.split("$");
  if (kind !== "scrypt" || salt === undefined || hash === undefined) throw new Error("a stored secret is damaged");
  const expected = Buffer.from(hash, "base64");
  const cost = { N: Number(N), r: Number(r), p: Number(p) };
  return timingSafeEqual(await hashOf(text, Buffer.from(salt, "base64"), cost), expected);
}

/** Of a text that nobody knows. */
export function unknownScrypt(cost: ScryptCost): string {
  return printScrypt(cost, Buffer.alloc(SALT_BYTES), randomBytes(HASH_BYTES));
}

/** Whether a stored one costs what one does that is made at this cost. */
export function hasScryptCost(stored: string, cost: ScryptCost): boolean {
  return stored.startsWith(prefixOf(cost));
}

function hashOf(text: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> {
  const { N, r, p } = cost;
  // RFC 7914 5, 6: what OpenSSL takes for it, and no less.
  const options = { ...cost, maxmem: 128 * r * (N + p + 2) };
  return new Promise((resolve, reject) => {
    scrypt(text, salt, HASH_BYTES, options, (error, key) => (error === null ? resolve(key) : reject(error)));
  });
}

function printScrypt(cost: ScryptCost, salt: Buffer, hash: Buffer): string {
  return `${prefixOf(cost)}${salt.toString("base64")}$${hash.toString("base64")}`;
}

function prefixOf({ N, r, p }: ScryptCost): string {
  return `scrypt$${N}$${r}$${p}$`;
}
