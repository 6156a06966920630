// The line between a client and the server, as far as a mechanism has to know it.
import type { TLSSocket } from "node:tls";

export interface SaslChannel {
  /** Whether nobody else reads what is sent: a password may be said. */
  readonly isPrivate: boolean;
  /** Undefined in clear. */
  readonly tls: TLSSocket | undefined;
}
