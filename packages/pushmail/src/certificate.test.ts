import { X509Certificate } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { type CertificateSettings, loadCertificate, loadTls } from "./certificate.ts";

const now = new Date("2026-06-01T12:00:00Z");
let data: string;
let settings: CertificateSettings;

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "pushmail-certificate-"));
  settings = { data, memory: false, hostname: "mail.example.org", tlsKey: "", tlsCert: "" };
});
afterEach(() => rm(data, { recursive: true }));

describe("the self-signed pair", () => {
  it("is made once, its key readable by its owner alone", async () => {
    const made = await loadCertificate(settings, now);
    expect(await readFile(join(data, "tls-key.pem"), "utf8")).toBe(made.key);
    expect(await readFile(join(data, "tls-cert.pem"), "utf8")).toBe(made.cert);
    expect((await stat(join(data, "tls-key.pem"))).mode & 0o777).toBe(0o600);
    expect(await loadCertificate(settings, now)).toEqual(made);
  });

  it("is made anew once it has expired, and not a moment before", async () => {
    const made = await loadCertificate(settings, now);
    const end = new Date(new X509Certificate(made.cert).validTo);
    expect(await loadCertificate(settings, new Date(end.getTime() - 1))).toEqual(made);
    const renewed = await loadCertificate(settings, end);
    expect(renewed.key).not.toBe(made.key);
    expect(await loadCertificate(settings, end)).toEqual(renewed);
  });

  it("is made anew for another hostname", async () => {
    const made = await loadCertificate(settings, now);
    const other = await loadCertificate({ ...settings, hostname: "other.example.org" }, now);
    expect(other.cert).not.toBe(made.cert);
    expect(new X509Certificate(other.cert).checkHost("other.example.org")).toBe("other.example.org");
  });

  it.each(["192.0.2.5", "2001:db8::5", "bücher.example"])("is made once for %s, too", async (hostname) => {
    const made = await loadCertificate({ ...settings, hostname }, now);
    expect(await loadCertificate({ ...settings, hostname }, now)).toEqual(made);
  });

  it.each([
    ["a torn key", "tls-key.pem", "-----BEGIN PRIVATE KEY-----\nMIG"],
    ["a torn certificate", "tls-cert.pem", ""],
  ])("is made anew in place of %s", async (_, file, content) => {
    await loadCertificate(settings, now);
    await writeFile(join(data, file), content);
    const made = await loadCertificate(settings, now);
    expect(await loadCertificate(settings, now)).toEqual(made);
  });

  it("is made anew where key and certificate are of two makings", async () => {
    const first = await loadCertificate(settings, now);
    await rm(join(data, "tls-cert.pem"));
    await loadCertificate(settings, now);
    await writeFile(join(data, "tls-cert.pem"), first.cert);
    const made = await loadCertificate(settings, now);
    expect(made.cert).not.toBe(first.cert);
  });

  it("stays as it is where it cannot be read", async () => {
    const made = await loadCertificate(settings, now);
    const certFile = join(data, "tls-cert.pem");
    await rm(certFile);
    // It is there, and reading it fails.
    await mkdir(certFile);
    await expect(loadCertificate(settings, now)).rejects.toThrow(/TLS with the pair that is kept: EISDIR/);
    expect(await readFile(join(data, "tls-key.pem"), "utf8")).toBe(made.key);
  });

  it("leaves nothing on disk with the mail in memory", async () => {
    expect((await loadCertificate({ ...settings, memory: true }, now)).cert).toContain("BEGIN CERTIFICATE");
    expect(await readdir(data)).toEqual([]);
  });
});

describe("a pair that is named", () => {
  it("is refused with the file that is wrong, or missing", async () => {
    const made = await loadCertificate(settings, now);
    const [key, cert, other] = ["key", "cert", "other"].map((name) => join(data, name)) as [string, string, string];
    await writeFile(key, made.key);
    await writeFile(cert, made.cert);
    await rm(join(data, "tls-key.pem"));
    await writeFile(other, (await loadCertificate(settings, now)).key);
    const faults: readonly (readonly [tlsKey: string, tlsCert: string, complaint: string])[] = [
      [key, "", "tlsKey is given, and tlsCert is missing"],
      ["", cert, "tlsCert is given, and tlsKey is missing"],
      [cert, cert, `TLS with key "${cert}": `],
      [key, key, `TLS with certificate "${key}": `],
      [other, cert, `TLS with key "${other}" and certificate "${cert}": `],
    ];
    for (const [tlsKey, tlsCert, complaint] of faults)
      await expect(loadCertificate({ ...settings, tlsKey, tlsCert }, now)).rejects.toThrow(complaint);
    expect(await loadCertificate({ ...settings, tlsKey: key, tlsCert: cert }, now)).toEqual(made);
  });
});

describe("the authority of clients", () => {
  it("is none where none is named", async () => {
    expect(await loadTls({ ...settings, tlsClientCa: "" }, now)).toEqual(await loadCertificate(settings, now));
  });

  it("must be one: a file that is not there, no certificate, and a certificate that may issue none end the start", async () => {
    const { cert } = await loadCertificate(settings, now);
    const faults: readonly (readonly [text: string | undefined, complaint: RegExp])[] = [
      [undefined, /tlsClientCa ".*": ENOENT/],
      ["nonsense", /tlsClientCa ".*": /],
      [cert, /tlsClientCa ".*": it is no authority/],
    ];
    for (const [text, complaint] of faults) {
      const tlsClientCa = join(data, `ca-${faults.findIndex(([other]) => other === text)}.pem`);
      if (text !== undefined) await writeFile(tlsClientCa, text);
      await expect(loadTls({ ...settings, tlsClientCa }, now)).rejects.toThrow(complaint);
    }
  });
});
