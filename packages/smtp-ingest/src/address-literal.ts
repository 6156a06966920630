// IP addresses where SMTP has a host's name (RFC 5321 4.1.3).
import { isIP, isIPv6 } from "node:net";

/** The zone of a link-local address is no part of it. */
export function addressLiteral(address: string): string {
  return isIPv6(address) ? `[IPv6:${address.replace(/%.*/, "")}]` : `[${address}]`;
}

/** A host as it is called, by its name or by its address. */
export function hostCalled(nameOrAddress: string): string {
  return isIP(nameOrAddress) === 0 ? nameOrAddress : addressLiteral(nameOrAddress);
}
