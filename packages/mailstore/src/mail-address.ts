// Mail addresses as they are compared, and what cannot be one.
import { domainToUnicode } from "node:url";
import { Refusal } from "./refusal.ts";

/** RFC 5321 4.5.3.1: the longest path, without its angle brackets. */
const ADDRESS_BYTES_MAX = 254;
const LOCAL_PART_BYTES_MAX = 64;
/** Of an address as it is given: longer than any whose normal form is short enough. */
const ADDRESS_CHARS_MAX = 4 * ADDRESS_BYTES_MAX;

/** An address as it is compared: lower case, NFC, the domain in Unicode. Throws a Refusal where it cannot be one. */
export function normalizeAddress(address: string): string {
  // Before it is normalized: both that and Punycode take the square of a length.
  if (address.length > ADDRESS_CHARS_MAX) throw addressInvalid(address);
  const at = address.lastIndexOf("@");
  const local = address.slice(0, Math.max(at, 0)).toLowerCase().normalize("NFC");
  const domain = normalizeDomain(address.slice(at + 1));
  const normal = `${local}@${domain}`;
  // Quoted local parts are legal but nobody's: what needs quotes is refused.
  const bad =
    at <= 0 ||
    domain === "" ||
    /[\s\p{Cc}\p{Cs}"(),:;<>@[\\\]]/u.test(local) ||
    Buffer.byteLength(local) > LOCAL_PART_BYTES_MAX ||
    Buffer.byteLength(normal) > ADDRESS_BYTES_MAX;
  if (bad) throw addressInvalid(address);
  return normal;
}

function addressInvalid(address: string): Refusal {
  return new Refusal("addressInvalid", `not a mail address: ${JSON.stringify(address.slice(0, 100))}`);
}

/** A domain as it is compared; empty where it cannot be one. */
export function normalizeDomain(domain: string): string {
  if (/[\s\p{Cc}/?#@]/u.test(domain)) return "";
  // The address of a host, which of IPv6 has colons (RFC 5321 4.1.3).
  if (domain.startsWith("[") && domain.endsWith("]")) return domain.toLowerCase();
  return domain.includes(":") ? "" : domainToUnicode(domain).toLowerCase();
}

/** The same, undefined where it cannot be one. */
export function tryNormalize(address: string): string | undefined {
  try {
    return normalizeAddress(address);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

/** Aliases as they are compared, each once and without the address itself. */
export function normalizeAliases(
  aliases: readonly string[],
  address: string,
  { aliasesMax }: { readonly aliasesMax: number },
): string[] {
  if (aliases.length > aliasesMax) throw new Refusal("addressInvalid", "too many aliases");
  const normal = aliases.map((alias) => {
    if (!alias.startsWith("@")) return normalizeAddress(alias);
    const domain = normalizeDomain(alias.slice(1));
    if (domain === "") throw new Refusal("addressInvalid", "not a domain that can be caught");
    return `@${domain}`;
  });
  return [...new Set(normal)].filter((alias) => alias !== address);
}
