// SCRAM (RFC 5802, RFC 7677): both sides prove that they know the password, and neither says it. With -PLUS the proof
// also covers the TLS connection.
import { createHash, createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { Refusal, type MailStore, type ScramHash } from "@pushmail/mailstore";
import { channelBinding, isBindable } from "./channel-binding.ts";
import type { SaslChannel } from "./channel.ts";
import type { Exchange, Mechanism } from "./exchange.ts";
import { requireOneself } from "./require-oneself.ts";
import { SaslFault } from "./sasl-fault.ts";
import { parseClientFinal, parseClientFirst, type ClientFirst } from "./scram-messages.ts";
import type { SaslStrictness } from "./tolerances.ts";

export interface ScramOptions {
  readonly store: MailStore;
  readonly hash: ScramHash;
  /** Whether it is the -PLUS mechanism. */
  readonly isPlus: boolean;
  /** Makes the server's half of the nonce. */
  readonly nonce: () => string;
  readonly strict: SaslStrictness;
}

const NONCE_BYTES = 18;

export function scram({ store, hash, isPlus, nonce, strict }: ScramOptions): Mechanism {
  const digest = hash.replace("-", "").toLowerCase();
  return async (exchange) => {
    const first = parseClientFirst(await exchange.ask(""));
    if (strict.has("scramEmptyIdentity") && first.header.endsWith(",a=,")) {
      throw new SaslFault("An authorization identity is not empty");
    }
    const bound = bind(first, exchange.channel, isPlus);
    const login = await store.scramLogin(first.name, hash);
    const fullNonce = first.nonce + nonce();
    const serverFirst = `r=${fullNonce},s=${login.salt.toString("base64")},i=${login.iterations}`;
    const final = parseClientFinal(await exchange.ask(serverFirst));
    if (final.nonce !== fullNonce) throw new SaslFault("Expected the nonce that was sent");
    const signed = `${first.bare},${serverFirst},${final.withoutProof}`;
    let serverKey: Buffer | undefined;
    const account = await exchange.attempt(first.name, async () => {
      requireOneself(first.authorize, first.name);
      serverKey = login.keys.find((key) =>
        isProof(final.proof, { digest, signed, storedKey: key.storedKey }),
      )?.serverKey;
      const isBound = final.bound.equals(bound);
      if (serverKey !== undefined && isBound && login.account !== undefined) return login.account;
      throw new Refusal("authenticationFailed", "wrong user name or password");
    });
    // RFC 9051 6.2.2, RFC 4954 4: what a mechanism has to say at its end is a challenge with an empty response.
    await confirm(
      exchange,
      createHmac(digest, serverKey ?? "")
        .update(signed)
        .digest("base64"),
    );
    return account;
  };
}

/** What the client has to repeat of its first message, with the bytes that bind the connection. */
function bind({ header, binding }: ClientFirst, channel: SaslChannel, isPlus: boolean): Buffer {
  const { tls } = channel;
  if (isPlus !== (binding !== null)) throw new SaslFault("The mechanism and its channel binding do not fit");
  // RFC 5802 6: the client could bind, and was told by somebody that we cannot.
  if (header.startsWith("y") && isBindable(tls))
    throw new Refusal("authenticationFailed", "channel binding is announced here");
  if (binding === null) return Buffer.from(header);
  const bytes = tls === undefined ? undefined : channelBinding(tls, binding);
  if (bytes === undefined) throw new Refusal("authenticationFailed", "there is no such channel binding here");
  return Buffer.concat([Buffer.from(header), bytes]);
}

interface Signed {
  readonly digest: string;
  /** RFC 5802 3: AuthMessage. */
  readonly signed: string;
  readonly storedKey: Buffer;
}

function isProof(proof: Buffer, { digest, signed, storedKey }: Signed): boolean {
  const signature = createHmac(digest, storedKey).update(signed).digest();
  const clientKey = signature.map((byte, i) => byte ^ (proof[i] ?? 0));
  const fits = timingSafeEqual(createHash(digest).update(clientKey).digest(), storedKey);
  return fits && proof.length === signature.length;
}

async function confirm(exchange: Exchange, verifier: string): Promise<void> {
  if ((await exchange.ask(`v=${verifier}`)) !== "") throw new SaslFault("Expected an empty response");
}

export function randomNonce(): string {
  return randomBytes(NONCE_BYTES).toString("base64");
}
