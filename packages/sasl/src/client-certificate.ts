// Whom a client's certificate is made out to (RFC 5280 4.2.1.6), where an authority that we trust has made it out.
import type { TLSSocket } from "node:tls";

/** One name of a certificate as node writes it: what could be mistaken for another name stands in quotes. */
const NAME = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^",]*)/y;

/** The mail addresses in a certificate that is good; none where there is no such certificate. */
export function certifiedAddresses(tls: TLSSocket | undefined): readonly string[] {
  if (tls === undefined || !isVerified(tls)) return [];
  return addressesIn(tls.getPeerX509Certificate()?.subjectAltName ?? "");
}

/** The mail addresses among alternative names; none of them where one cannot be told from another. */
export function addressesIn(names: string): readonly string[] {
  const addresses: string[] = [];
  for (let at = 0; at < names.length; at = NAME.lastIndex) {
    NAME.lastIndex = at;
    const [, kind, value = ""] = NAME.exec(names) ?? [];
    if (kind === undefined) return [];
    if (kind === "email" && !value.startsWith('"')) addresses.push(value);
  }
  return addresses;
}

/** Node says it of sockets that its own server has accepted; of those that were made into TLS later it knows it too. */
function isVerified(tls: TLSSocket): boolean {
  const { _handle: handle } = tls as { _handle?: { verifyError?(): Error | null } | null };
  return tls.authorized || handle?.verifyError?.() === null;
}
