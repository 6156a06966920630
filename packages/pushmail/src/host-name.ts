// Names of hosts as they may stand in greetings, header fields and certificates.
import { hostname } from "node:os";

export function isHostName(name: string): boolean {
  return /^[\p{L}\p{M}\p{N}._:%[\]-]+$/u.test(name);
}

/** The name that the machine has; localhost where it has none, of which Linux says `(none)`. */
export function machineName(name: string = hostname()): string {
  return isHostName(name) ? name : "localhost";
}
