// A handshake that cannot come to its end is not waited for.
import type { Socket } from "node:net";

/** A client that ends its side in the handshake has nothing to wait for; behind it, it has its answers. */
export function endInHandshake(secured: Socket | undefined): void {
  const end = (): void => void secured?.destroy();
  secured?.once("end", end).once("secure", () => secured.removeListener("end", end));
}
