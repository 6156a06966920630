// SCRAM as both servers speak it over TLS, with the channel bound in each way that there is.
import { X509Certificate, createHash } from "node:crypto";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { LineClient } from "./support/line-client.ts";
import { LoginServers } from "./support/login-servers.ts";
import { ScramClient } from "./support/scram-client.ts";
import { TEST_CERTIFICATE } from "./support/test-certificate.ts";

const NAME = "alice@example.org";
const TLS_1_2: ConnectionOptions = { maxVersion: "TLSv1.2" };

let servers: LoginServers;

beforeAll(async () => {
  servers = await LoginServers.start({ [NAME]: "secret" }, TEST_CERTIFICATE);
});

afterAll(() => servers.stop());

interface Protocol {
  address(): { readonly host: string; readonly port: number };
  readonly startTls: string;
  readonly authenticate: string;
  readonly challenge: RegExp;
  readonly success: RegExp;
  readonly failure: RegExp;
}

const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  IMAP: {
    address: () => servers.imap.address,
    startTls: "t STARTTLS",
    authenticate: "a AUTHENTICATE",
    challenge: /^\+ (.*)$/,
    success: /^a OK /,
    failure: /^a NO \[AUTHENTICATIONFAILED\] /,
  },
  submission: {
    address: () => servers.submission.address,
    startTls: "EHLO client.example\r\nSTARTTLS",
    authenticate: "EHLO client.example\r\nAUTH",
    challenge: /^334 (.*)$/,
    success: /^235 2\.7\.0 /,
    failure: /^535 5\.7\.8 /,
  },
};

const BINDINGS: Readonly<Record<string, (tls: TLSSocket) => Buffer>> = {
  "tls-exporter": (tls) => tls.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0)),
  "tls-unique": (tls) => tls.getFinished() ?? Buffer.alloc(0),
  "tls-server-end-point": () => createHash("sha256").update(new X509Certificate(TEST_CERTIFICATE.cert).raw).digest(),
};

/** The last line that the server says to one login. */
async function logIn(
  protocol: Protocol,
  login: { readonly mechanism: string; readonly binding: string; readonly tls?: ConnectionOptions },
  forge: (binding: Buffer) => Buffer = (binding) => binding,
): Promise<string> {
  const client = await LineClient.connect(protocol.address());
  try {
    await client.send(`${protocol.startTls}\r\n`, "whole");
    await lineThat(client, /^(t OK|220 2)/);
    const tls = await client.startTls(login.tls);
    const scram = new ScramClient({
      hash: login.mechanism.includes("256") ? "SHA-256" : "SHA-1",
      name: NAME,
      password: "secret",
      header: `p=${login.binding},,`,
      binding: forge(BINDINGS[login.binding]?.(tls) ?? Buffer.alloc(0)),
    });
    await client.send(`${protocol.authenticate} ${login.mechanism} ${base64(scram.first)}\r\n`, "whole");
    const first = await answer(client, protocol);
    if (first.challenge === undefined) return first.line;
    await client.send(`${base64(scram.final(first.challenge))}\r\n`, "whole");
    const last = await answer(client, protocol);
    if (last.challenge === undefined) return last.line;
    expect(last.challenge).toBe(scram.verifier);
    await client.send("\r\n", "whole");
    return (await answer(client, protocol)).line;
  } finally {
    client.destroy();
  }
}

/** The next challenge, decoded, or the end. */
async function answer(
  client: LineClient,
  { challenge, success, failure }: Protocol,
): Promise<{ readonly line: string; readonly challenge: string | undefined }> {
  const line = await lineThat(client, new RegExp([challenge, success, failure].map(({ source }) => source).join("|")));
  const [, text] = challenge.exec(line) ?? [];
  return { line, challenge: text === undefined ? undefined : Buffer.from(text, "base64").toString() };
}

async function lineThat(client: LineClient, pattern: RegExp): Promise<string> {
  for (;;) {
    const line = await client.line();
    if (line === undefined) throw new Error(`the connection has ended before ${pattern.source}`);
    if (pattern.test(line)) return line;
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

describe.each(Object.keys(PROTOCOLS))("%s", (name) => {
  const protocol = PROTOCOLS[name] as Protocol;

  it.each([
    { mechanism: "SCRAM-SHA-256-PLUS", binding: "tls-exporter" },
    { mechanism: "SCRAM-SHA-256-PLUS", binding: "tls-server-end-point" },
    { mechanism: "SCRAM-SHA-1-PLUS", binding: "tls-exporter" },
    { mechanism: "SCRAM-SHA-256-PLUS", binding: "tls-server-end-point", tls: TLS_1_2 },
    { mechanism: "SCRAM-SHA-256-PLUS", binding: "tls-unique", tls: TLS_1_2 },
  ])("takes $mechanism bound by $binding", async (login) => {
    expect(await logIn(protocol, login)).toMatch(protocol.success);
  });

  it.each([
    ["the bytes of another connection", { mechanism: "SCRAM-SHA-256-PLUS", binding: "tls-exporter" }],
    ["another handshake", { mechanism: "SCRAM-SHA-256-PLUS", binding: "tls-unique", tls: TLS_1_2 }],
    ["another certificate", { mechanism: "SCRAM-SHA-256-PLUS", binding: "tls-server-end-point" }],
  ])("refuses %s", async (_what, login) => {
    const forge = (binding: Buffer): Buffer => binding.map((byte, i) => (i === 0 ? byte ^ 1 : byte)) as Buffer;
    expect(await logIn(protocol, login, forge)).toMatch(protocol.failure);
  });

  it("has no tls-exporter below TLS 1.3, and no tls-unique above TLS 1.2", async () => {
    const mechanism = "SCRAM-SHA-256-PLUS";
    expect(await logIn(protocol, { mechanism, binding: "tls-exporter", tls: TLS_1_2 })).toMatch(protocol.failure);
    expect(await logIn(protocol, { mechanism, binding: "tls-unique" })).toMatch(protocol.failure);
  });
});
