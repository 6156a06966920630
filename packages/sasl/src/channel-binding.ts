// What ties a login to the TLS connection that it is made over (RFC 5056): who sits in the middle has two connections,
// and what each of them binds differs.
import { createHash } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { signatureHash } from "./signature-hash.ts";

const EXPORTED_BYTES = 32;

const BINDINGS: Readonly<Record<string, (tls: TLSSocket) => Buffer | undefined>> = {
  // RFC 9266 4.2: below TLS 1.3 it binds nothing unless the handshake was of a kind that cannot be told from here.
  "tls-exporter": (tls) =>
    tls.getProtocol() === "TLSv1.3"
      ? tls.exportKeyingMaterial(EXPORTED_BYTES, "EXPORTER-Channel-Binding", Buffer.alloc(0))
      : undefined,
  // RFC 5929 3.1: the first Finished message. RFC 9266 4.1: above TLS 1.2 there is none.
  "tls-unique": (tls) => {
    if (tls.getProtocol() === "TLSv1.3") return undefined;
    return tls.isSessionReused() ? tls.getFinished() : tls.getPeerFinished();
  },
  "tls-server-end-point": (tls) => {
    const certificate = tls.getCertificate();
    return certificate !== null && "raw" in certificate ? endPoint(certificate.raw) : undefined;
  },
};

/** Whether the connection can be bound in any way. */
export function isBindable(tls: TLSSocket | undefined): tls is TLSSocket {
  return tls !== undefined && Object.values(BINDINGS).some((binding) => binding(tls) !== undefined);
}

/** The bytes of a binding; undefined where there is none of this name for the connection. */
export function channelBinding(tls: TLSSocket, name: string): Buffer | undefined {
  return Object.hasOwn(BINDINGS, name) ? BINDINGS[name]?.(tls) : undefined;
}

/** RFC 5929 4.1: the certificate under the hash of its signature, where that has one. */
function endPoint(certificate: Buffer): Buffer | undefined {
  const hash = signatureHash(certificate);
  return hash === undefined ? undefined : createHash(hash).update(certificate).digest();
}
