// The hash of a certificate's signature, for the kinds of certificates that there are.
import { expect, it } from "@jest/globals";
import { signatureHash } from "./signature-hash.ts";

function der(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const { length } = content;
  const header = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...header]), content]);
}

/** A certificate as far as it is looked at: of this size, signed by this algorithm. */
function certificate(oid: string, tbsBytes: number): Buffer {
  const algorithm = der(0x30, der(0x06, Buffer.from(oid, "hex")), der(0x05));
  return der(0x30, der(0x30, Buffer.alloc(tbsBytes)), algorithm, der(0x03, Buffer.alloc(64)));
}

it.each([
  ["sha256WithRSAEncryption", "2a864886f70d01010b", "sha256"],
  ["sha384WithRSAEncryption", "2a864886f70d01010c", "sha384"],
  ["sha512WithRSAEncryption", "2a864886f70d01010d", "sha512"],
  ["sha1WithRSAEncryption, which RFC 5929 4.1 takes for SHA-256", "2a864886f70d010105", "sha256"],
  ["md5WithRSAEncryption, likewise", "2a864886f70d010104", "sha256"],
  ["ecdsa-with-SHA256", "2a8648ce3d040302", "sha256"],
  ["ecdsa-with-SHA384", "2a8648ce3d040303", "sha384"],
  ["Ed25519, which has none", "2b6570", undefined],
])("of %s", (_name, oid, hash) => {
  for (const tbsBytes of [10, 200, 1_000]) expect(signatureHash(certificate(oid, tbsBytes))).toBe(hash);
});
