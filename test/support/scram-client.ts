// The client's half of SCRAM (RFC 5802), straight from the formulas of its section 3.
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";

export interface ScramClientOptions {
  readonly hash: "SHA-1" | "SHA-256";
  readonly name: string;
  readonly password: string;
  readonly nonce?: string;
  /** Such as `n,,` (no channel binding) or `p=tls-exporter,,`. */
  readonly header?: string;
  readonly binding?: Buffer;
}

export class ScramClient {
  readonly first: string;
  readonly #options: ScramClientOptions;
  readonly #header: string;
  readonly #bare: string;
  /** What the server has to say at the end. */
  verifier = "";

  constructor(options: ScramClientOptions) {
    const { name, nonce = "rOprNGfwEbeRWgbNEkqO", header = "n,," } = options;
    this.#options = options;
    this.#header = header;
    this.#bare = `n=${name.replaceAll("=", "=3D").replaceAll(",", "=2C")},r=${nonce}`;
    this.first = header + this.#bare;
  }

  /** The final message, for what the server said first. */
  final(serverFirst: string): string {
    const [, nonce = "", salt = "", iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(serverFirst) ?? [];
    const { hash, password, binding = Buffer.alloc(0) } = this.#options;
    const digest = hash.replace("-", "").toLowerCase();
    const hmac = (key: Buffer, text: string): Buffer => createHmac(digest, key).update(text).digest();
    const length = createHash(digest).digest().length;
    const salted = pbkdf2Sync(
      password.normalize("NFKC"),
      Buffer.from(salt, "base64"),
      Number(iterations),
      length,
      digest,
    );
    const clientKey = hmac(salted, "Client Key");
    const withoutProof = `c=${Buffer.concat([Buffer.from(this.#header), binding]).toString("base64")},r=${nonce}`;
    const signed = `${this.#bare},${serverFirst},${withoutProof}`;
    const signature = hmac(createHash(digest).update(clientKey).digest(), signed);
    this.verifier = `v=${hmac(hmac(salted, "Server Key"), signed).toString("base64")}`;
    return `${withoutProof},p=${Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] ?? 0))).toString("base64")}`;
  }
}
