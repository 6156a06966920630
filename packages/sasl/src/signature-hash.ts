// The hash of a certificate's signature, read from its DER: Node 20 does not tell it.

/** By the object identifier of the signature's algorithm, in hexadecimal. */
const HASH_OF: Readonly<Record<string, string>> = {
  // RFC 5929 4.1: SHA-256 in place of MD5 and SHA-1.
  "2a864886f70d010104": "sha256",
  "2a864886f70d010105": "sha256",
  "2a8648ce3d0401": "sha256",
  "2a864886f70d01010e": "sha224",
  "2a864886f70d01010b": "sha256",
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  "2a8648ce3d040301": "sha224",
  "2a8648ce3d040302": "sha256",
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
};

interface Element {
  readonly contentStart: number;
  readonly end: number;
}

/** Undefined for algorithms whose name does not settle it (RSASSA-PSS, Ed25519): RFC 5929 4.1 leaves them open. */
export function signatureHash(certificate: Buffer): string | undefined {
  // Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER, ... }, signature }
  const tbs = elementAt(certificate, elementAt(certificate, 0).contentStart);
  const algorithm = elementAt(certificate, elementAt(certificate, tbs.end).contentStart);
  return HASH_OF[certificate.subarray(algorithm.contentStart, algorithm.end).toString("hex")];
}

/** An element of DER: one byte of tag, its length, its content. */
function elementAt(der: Buffer, at: number): Element {
  const first = der.readUInt8(at + 1);
  if (first < 0x80) return { contentStart: at + 2, end: at + 2 + first };
  const lengthBytes = first - 0x80;
  const contentStart = at + 2 + lengthBytes;
  return { contentStart, end: contentStart + der.readUIntBE(at + 2, lengthBytes) };
}
