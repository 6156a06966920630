// Makes a self-signed certificate (RFC 5280 4.1) over an EC P-256 key: node signs, these lines spell the DER.
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { isIP, isIPv4 } from "node:net";
import { asciiName } from "./host-name.ts";

/** A private key and its certificate, both PEM. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

const oids = {
  ecdsaWithSha256: "2a8648ce3d040302",
  commonName: "550403",
  keyUsage: "551d0f",
  subjectAltName: "551d11",
  extendedKeyUsage: "551d25",
  serverAuth: "2b06010505070301",
} as const;

/** A new key with a certificate for `hostname`, localhost and the loopback addresses. */
export function selfSign(hostname: string, validFrom: Date, validTo: Date): KeyAndCertificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(oid("ecdsaWithSha256"));
  // RFC 5280 A.1: a common name has at most 64 characters; the whole name stands in subjectAltName.
  const commonName = sequence(oid("commonName"), der(0x0c, Buffer.from(hostname.slice(0, 64))));
  const name = sequence(der(0x31, commonName));
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.of(2))), // version 3
    der(0x02, Buffer.of(0x40), randomBytes(15)), // RFC 5280 4.1.2.2: a positive number of at most 20 octets
    algorithm,
    name,
    sequence(time(validFrom), time(validTo)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions(hostname))),
  );
  const signature = bitString(sign("sha256", toBeSigned, privateKey));
  const base64 = sequence(toBeSigned, algorithm, signature)
    .toString("base64")
    .replace(/.{64}(?=.)/g, "$&\n");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`,
  };
}

/** RFC 5280 4.2.1.6 */
function addressOctets(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  // In a URL it has hexadecimal groups alone, with one gap at most.
  const parts = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const [before = [], behind = []] = parts.map((part) => part.split(":").filter((group) => group !== ""));
  const groups = [...before, ...Array<string>(8 - before.length - behind.length).fill("0"), ...behind];
  return Buffer.from(groups.map((group) => group.padStart(4, "0")).join(""), "hex");
}

function extensions(hostname: string): Buffer[] {
  const names = [...new Set([asciiName(hostname), "localhost", "127.0.0.1", "::1"])].map((name) =>
    isIP(name) === 0 ? der(0x82, Buffer.from(name)) : der(0x87, addressOctets(name)),
  );
  return [
    extension("keyUsage", bitString(Buffer.of(0x80))), // digitalSignature (RFC 5280 4.2.1.3)
    extension("extendedKeyUsage", sequence(oid("serverAuth"))),
    extension("subjectAltName", sequence(...names)),
  ];
}

function extension(name: keyof typeof oids, value: Buffer): Buffer {
  return sequence(oid(name), der(0x04, value));
}

function oid(name: keyof typeof oids): Buffer {
  return der(0x06, Buffer.from(oids[name], "hex"));
}

function bitString(bytes: Buffer): Buffer {
  return der(0x03, Buffer.of(0), bytes);
}

/** RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050 on. */
function time(date: Date): Buffer {
  const digits = `${date.toISOString().replace(/[-:T]|\..*/g, "")}Z`;
  return date.getUTCFullYear() < 2050 ? der(0x17, Buffer.from(digits.slice(2))) : der(0x18, Buffer.from(digits));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, ...parts);
}

/** One tag, length and value; lengths below 65,536 are all that a certificate needs. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const value = Buffer.concat(parts);
  const length = value.length;
  const lengthOctets = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...lengthOctets), value]);
}
