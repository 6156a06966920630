// TLS as every protocol speaks it: under which key, from which version on, and whose certificates let clients in.
import { constants } from "node:crypto";
import type { SecureContextOptions } from "node:tls";

/** A key with its certificate, in PEM. */
export interface TlsCredentials {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  /** Certificates of this authority, in PEM, let clients in. */
  readonly clientCa?: string | Buffer;
  /** The oldest version spoken, TLSv1.2 where it is not set. */
  readonly minVersion?: "TLSv1.2" | "TLSv1.3";
}

export function tlsContextOptions({
  key,
  cert,
  clientCa,
  minVersion = "TLSv1.2",
}: TlsCredentials): SecureContextOptions {
  return {
    key,
    cert,
    minVersion,
    honorCipherOrder: true,
    // A handshake costs us more than it costs the client: it gets one.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    // A session that is taken up again has the certificate that it began with.
    ...(clientCa === undefined ? {} : { ca: clientCa, sessionIdContext: "pushmail" }),
  };
}
