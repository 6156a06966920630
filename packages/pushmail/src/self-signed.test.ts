import { X509Certificate, createPrivateKey } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";
import { describe, expect, it } from "@jest/globals";
import { selfSign } from "./self-signed.ts";

describe("a self-signed certificate", () => {
  const hostname = "mail.example.org";

  it("says what was asked, and its key fits", () => {
    const pair = selfSign(hostname, new Date("2026-01-02T03:04:05Z"), new Date("2051-06-07T08:09:10Z"));
    const certificate = new X509Certificate(pair.cert);
    expect(certificate.subject).toBe(`CN=${hostname}`);
    expect(certificate.subjectAltName).toBe(
      `DNS:${hostname}, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1`,
    );
    expect(new Date(certificate.validFrom)).toEqual(new Date("2026-01-02T03:04:05Z"));
    expect(new Date(certificate.validTo)).toEqual(new Date("2051-06-07T08:09:10Z"));
    expect(certificate.checkPrivateKey(createPrivateKey(pair.key))).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
  });

  it.each([
    ["192.0.2.5", "IP Address:192.0.2.5, "],
    ["2001:db8::5", "IP Address:2001:DB8:0:0:0:0:0:5, "],
    ["fe80::1:0:0:2", "IP Address:FE80:0:0:0:1:0:0:2, "],
    // RFC 5280 7.2
    ["bücher.example", "DNS:xn--bcher-kva.example, "],
    ["fe80::1%eth0", "IP Address:FE80:0:0:0:0:0:0:1, "],
    ["1", "DNS:1, "],
    ["localhost", ""],
  ])("is for %s in the form that clients look for", (name, form) => {
    const { subjectAltName } = new X509Certificate(selfSign(name, new Date(0), new Date(1e12)).cert);
    const names = subjectAltName?.replace("DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1", "");
    expect(names).toBe(form);
  });

  it("lets a client that trusts it verify the server by each of its names", async () => {
    const pair = selfSign(hostname, new Date(Date.now() - 60_000), new Date(Date.now() + 60_000));
    const server = createServer(pair, (socket) => socket.end()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    for (const servername of [hostname, "localhost"]) {
      const socket = connect({ port, host: "127.0.0.1", servername, ca: pair.cert });
      await once(socket, "secureConnect");
      expect(socket.authorized).toBe(true);
      socket.destroy();
    }
    const other = connect({ port, host: "127.0.0.1", servername: "other.example.org", ca: pair.cert });
    await expect(once(other, "secureConnect")).rejects.toMatchObject({ code: "ERR_TLS_CERT_ALTNAME_INVALID" });
    server.close();
  });

  it("is another one each time", () => {
    const [one, two] = [
      selfSign(hostname, new Date(0), new Date(1e12)),
      selfSign(hostname, new Date(0), new Date(1e12)),
    ];
    expect(new X509Certificate(one.cert).serialNumber).not.toBe(new X509Certificate(two.cert).serialNumber);
    expect(one.key).not.toBe(two.key);
  });
});
