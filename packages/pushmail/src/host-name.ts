// Names of hosts as they may stand in greetings, header fields and certificates.
import { isIP } from "node:net";
import { hostname } from "node:os";
import { domainToASCII } from "node:url";

export function isHostName(name: string): boolean {
  return /^[\p{L}\p{M}\p{N}._:%[\]-]+$/u.test(name);
}

/** The name that the machine has; localhost where it has none, of which Linux says `(none)`. */
export function machineName(name: string = hostname()): string {
  return isHostName(name) ? name : "localhost";
}

/** As others read it: in certificates (RFC 5280 7.2), greetings (RFC 6531 3.7.1) and Received fields. */
export function asciiName(name: string): string {
  if (isIP(name) !== 0) return name.replace(/%.*/, "");
  // What is ASCII stays as it is: of some numbers an address would be made.
  return /^[ -~]*$/.test(name) ? name : domainToASCII(name) || name;
}
