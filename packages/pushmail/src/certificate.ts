// Where the key and certificate of the servers come from: the files that are named, else a self-signed pair,
// made once and kept in the data directory (in memory where there is none).
import { X509Certificate, createPrivateKey } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { createSecureContext } from "node:tls";
import { asciiName } from "./host-name.ts";
import { type KeyAndCertificate, selfSign } from "./self-signed.ts";
import type { ServerSettings } from "./settings.ts";
import { StartFault } from "./start-fault.ts";

const DAY_MS = 86_400_000;
/** Some clients refuse certificates that are valid for longer. */
const VALID_DAYS = 825;

export type CertificateSettings = Pick<ServerSettings, "data" | "memory" | "hostname" | "tlsKey" | "tlsCert">;

/** What the listeners show, and whom they trust where that is set. */
export interface TlsFiles extends KeyAndCertificate {
  readonly clientCa?: string;
}

/** Reads the pair that is in force at `now`, and the authority of the clients' certificates. */
export async function loadTls(
  settings: CertificateSettings & Pick<ServerSettings, "tlsClientCa">,
  now: Date,
): Promise<TlsFiles> {
  const { tlsClientCa } = settings;
  const pair = await loadCertificate(settings, now);
  if (tlsClientCa === "") return pair;
  try {
    const clientCa = await readFile(tlsClientCa, "utf8");
    // Else one that cannot be read would count as none.
    if (!new X509Certificate(clientCa).ca) throw new Error("it is no authority");
    return { ...pair, clientCa };
  } catch (error) {
    throw new StartFault(`tlsClientCa "${tlsClientCa}": ${(error as Error).message}`, { cause: error });
  }
}

/** Reads the pair that is in force at `now`; makes one where no files are named and none is kept that still serves. */
export async function loadCertificate(settings: CertificateSettings, now: Date): Promise<KeyAndCertificate> {
  const { data, memory, hostname, tlsKey, tlsCert } = settings;
  if (tlsKey !== "" || tlsCert !== "") return readNamed(tlsKey, tlsCert);
  if (memory) return makePair(hostname, now);
  const keyFile = join(data, "tls-key.pem");
  const certFile = join(data, "tls-cert.pem");
  const kept = await readKept(keyFile, certFile);
  if (kept !== undefined && serves(kept, hostname, now)) return kept;
  const pair = makePair(hostname, now);
  await writeFile(keyFile, pair.key, { mode: 0o600 });
  await writeFile(certFile, pair.cert);
  return pair;
}

/** Undefined where there is none: one that cannot be read just now is not replaced, for clients may know it. */
async function readKept(keyFile: string, certFile: string): Promise<KeyAndCertificate | undefined> {
  try {
    return await readPair(keyFile, certFile);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw tlsFault("the pair that is kept", error as Error);
  }
}

async function readNamed(tlsKey: string, tlsCert: string): Promise<KeyAndCertificate> {
  if (tlsKey === "") throw new StartFault("tlsCert is given, and tlsKey is missing");
  if (tlsCert === "") throw new StartFault("tlsKey is given, and tlsCert is missing");
  const [key, certificate] = [`key "${tlsKey}"`, `certificate "${tlsCert}"`];
  const both = `${key} and ${certificate}`;
  const pair = await readPair(tlsKey, tlsCert).catch((error: Error) => {
    throw tlsFault(both, error);
  });
  // Each by itself first: what is said of both together does not tell which of them it is.
  check(key, () => createPrivateKey(pair.key));
  check(certificate, () => new X509Certificate(pair.cert));
  check(both, () => createSecureContext(pair));
  return pair;
}

function check(what: string, read: () => unknown): void {
  try {
    read();
  } catch (error) {
    throw tlsFault(what, error as Error);
  }
}

function tlsFault(what: string, error: Error): StartFault {
  return new StartFault(`TLS with ${what}: ${error.message}`, { cause: error });
}

async function readPair(keyFile: string, certFile: string): Promise<KeyAndCertificate> {
  return { key: await readFile(keyFile, "utf8"), cert: await readFile(certFile, "utf8") };
}

function makePair(hostname: string, now: Date): KeyAndCertificate {
  const atDay = (days: number): Date => new Date(now.getTime() + days * DAY_MS);
  // A client whose clock is behind takes it too.
  return selfSign(hostname, atDay(-1), atDay(VALID_DAYS));
}

/** Whether a kept pair is whole, in time and made for this name; one that cannot be read is not. */
function serves({ key, cert }: KeyAndCertificate, hostname: string, now: Date): boolean {
  try {
    const certificate = new X509Certificate(cert);
    const inTime = new Date(certificate.validFrom) <= now && now < new Date(certificate.validTo);
    const name = asciiName(hostname);
    const isFor = isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name);
    return inTime && isFor !== undefined && certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}
