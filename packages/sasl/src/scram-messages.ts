// What a client sends in SCRAM (RFC 5802 7), taken apart.
import { SaslFault } from "./sasl-fault.ts";

export interface ClientFirst {
  /** Up to the second comma: whether and how the channel is bound, and the authorization identity. */
  readonly header: string;
  /** The name of the channel binding; null where there is none. */
  readonly binding: string | null;
  readonly authorize: string;
  /** The message behind the header. */
  readonly bare: string;
  readonly name: string;
  readonly nonce: string;
}

export interface ClientFinal {
  /** The header of the first message, and the bytes of the channel binding behind it. */
  readonly bound: Buffer;
  readonly nonce: string;
  readonly proof: Buffer;
  readonly withoutProof: string;
}

const FIRST =
  /^((?:[ny]|p=([A-Za-z0-9.-]+)),(?:a=([^,]*))?,)(n=([^,]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]+)*)$/;
const FINAL = /^(c=([A-Za-z0-9+/=]+),r=([\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,]+)*),p=([A-Za-z0-9+/=]+)$/;

export function parseClientFirst(message: string): ClientFirst {
  const [, header, binding, authorize, bare, name, nonce] = FIRST.exec(message) ?? [];
  if (header === undefined || bare === undefined || name === undefined || nonce === undefined)
    throw new SaslFault("Expected SCRAM's first message");
  return {
    header,
    binding: binding ?? null,
    authorize: parseName(authorize ?? ""),
    bare,
    name: parseName(name),
    nonce,
  };
}

export function parseClientFinal(message: string): ClientFinal {
  const [, withoutProof, bound, nonce, proof] = FINAL.exec(message) ?? [];
  if (withoutProof === undefined || bound === undefined || nonce === undefined || proof === undefined)
    throw new SaslFault("Expected SCRAM's final message");
  return { bound: Buffer.from(bound, "base64"), nonce, proof: Buffer.from(proof, "base64"), withoutProof };
}

/** RFC 5802 5.1: `=2C` is a comma, `=3D` an equals sign, and no other may follow one. */
function parseName(text: string): string {
  if (/=(?!2C|3D)/.test(text)) throw new SaslFault("A name in SCRAM has a bare =");
  return text.replaceAll("=2C", ",").replaceAll("=3D", "=");
}
