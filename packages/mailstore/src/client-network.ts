// What one client may count as: an IPv4 address, or the IPv6 network in which a single host has 2^64 addresses to choose
// from (RFC 6177 2).
import { isIPv6 } from "node:net";

const NETWORK_GROUPS = 4;
const ALL_GROUPS = 8;

/** The address itself where it is IPv4, mapped or not, else its /64. */
export function clientNetwork(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*/, "");
  if (!isIPv6(plain)) return plain;
  const [head = [], tail] = plain.split("::").map((side) => (side === "" ? [] : side.split(":")));
  const zeros = tail === undefined ? 0 : ALL_GROUPS - head.length - tail.length;
  const groups = [...head, ...Array.from({ length: zeros }, () => "0"), ...(tail ?? [])];
  return `${groups.slice(0, NETWORK_GROUPS).join(":")}::/64`;
}
