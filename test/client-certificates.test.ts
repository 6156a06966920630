// EXTERNAL: who shows a certificate of the authority that is trusted gets in, by IMAP and by submission.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { startImapServer, type ImapServer } from "@pushmail/imap-idle-server";
import { startSmtpIngest } from "@pushmail/smtp-ingest";
import { startPushmail, type ListenerAddress, type Pushmail } from "pushmail";
import { makeDataDirectory, type DataDirectory } from "./support/data-directory.ts";
import { within } from "./support/deadline.ts";
import { LineClient } from "./support/line-client.ts";
import { TEST_CERTIFICATE } from "./support/test-certificate.ts";
import { TEST_CLIENT_CA, TEST_CLIENTS } from "./support/test-client-certificates.ts";

interface Protocol {
  readonly address: () => ListenerAddress | undefined;
  readonly begin: string;
  /** The server's answer to the first line, where it announces what it can. */
  readonly announced: RegExp;
  readonly login: (response: string) => string;
  readonly answer: RegExp;
  readonly success: RegExp;
}

let directory: DataDirectory;
let server: Pushmail;

beforeAll(async () => {
  directory = await makeDataDirectory([]);
  const tlsClientCa = join(directory.path, "ca.pem");
  await writeFile(tlsClientCa, TEST_CLIENT_CA);
  const users = { "alice@example.org": { password: "secret", aliases: ["info@example.org"] }, "bob@example.org": "x" };
  const limits = { login: { loginDelayMs: 0 }, smtp: { authFailureDelayMs: 0 } };
  server = await startPushmail({ users, tlsClientCa, limits });
});

afterAll(async () => {
  await server.close();
  await directory.remove();
});

const imap: Omit<Protocol, "address" | "begin"> = {
  announced: /^\* CAPABILITY (.*)/,
  login: (response) => `a AUTHENTICATE EXTERNAL ${response}`,
  answer: /^a (OK|NO|BAD) /,
  success: /^a OK /,
};
const submission: Omit<Protocol, "address" | "begin"> = {
  announced: /^250-AUTH (.*)/,
  login: (response) => `AUTH EXTERNAL ${response}`,
  answer: /^(235|5\d\d) /,
  success: /^235 2\.7\.0 /,
};
const PROTOCOLS: Readonly<Record<string, Protocol>> = {
  IMAP: { ...imap, address: () => server.imap, begin: "s STARTTLS" },
  submission: { ...submission, address: () => server.submission, begin: "EHLO client.example\r\nSTARTTLS" },
};

async function open({ address, begin }: Protocol, tls: ConnectionOptions): Promise<LineClient> {
  const client = await LineClient.connect(address() ?? { host: "", port: 0 });
  await client.send(`${begin}\r\n`, "whole");
  await lineThat(client, /^(s OK|220 2)/);
  await client.startTls(tls);
  return client;
}

async function lineThat(client: LineClient, pattern: RegExp): Promise<string> {
  for (;;) {
    const line = await client.line();
    if (line === undefined) throw new Error(`the connection has ended before ${pattern.source}`);
    if (pattern.test(line)) return line;
  }
}

async function logIn(protocol: Protocol, tls: ConnectionOptions, name = ""): Promise<string> {
  const client = await open(protocol, tls);
  try {
    const response = name === "" ? "=" : Buffer.from(name).toString("base64");
    const hello = protocol === PROTOCOLS["IMAP"] ? "" : "EHLO client.example\r\n";
    await client.send(`${hello}${protocol.login(response)}\r\n`, "whole");
    return await lineThat(client, protocol.answer);
  } finally {
    client.destroy();
  }
}

async function mechanisms(protocol: Protocol, tls: ConnectionOptions): Promise<string> {
  const client = await open(protocol, tls);
  try {
    await client.send(protocol === PROTOCOLS["IMAP"] ? "c CAPABILITY\r\n" : "EHLO client.example\r\n", "whole");
    return protocol.announced.exec(await lineThat(client, protocol.announced))?.[1] ?? "";
  } finally {
    client.destroy();
  }
}

describe.each(Object.keys(PROTOCOLS))("%s", (which) => {
  const protocol = PROTOCOLS[which] as Protocol;

  it.each([
    ["without a name", ""],
    ["by its own name", "Alice@example.org"],
    ["by the other name in the certificate, an alias", "info@example.org"],
  ])("lets the holder of a certificate in %s", async (_how, name) => {
    expect(await mechanisms(protocol, TEST_CLIENTS.alice)).toContain("EXTERNAL");
    expect(await logIn(protocol, TEST_CLIENTS.alice, name)).toMatch(protocol.success);
    expect(await logIn(protocol, { ...TEST_CLIENTS.alice, maxVersion: "TLSv1.2" }, name)).toMatch(protocol.success);
  });

  it("does not let him act for somebody else", async () => {
    expect(await logIn(protocol, TEST_CLIENTS.alice, "bob@example.org")).toMatch(
      /^(a NO \[AUTHENTICATIONFAILED\]|535) /,
    );
    expect(await logIn(protocol, TEST_CLIENTS.alice, "no name")).toMatch(/^(a NO \[AUTHENTICATIONFAILED\]|535) /);
  });

  it("refuses one who has no account", async () => {
    expect(await logIn(protocol, TEST_CLIENTS.stranger)).toMatch(/^(a NO \[AUTHENTICATIONFAILED\]|535) /);
  });

  it.each<readonly [string, ConnectionOptions]>([
    ["none", {}],
    ["one of another authority", TEST_CLIENTS.forged],
    ["one that is for servers", TEST_CLIENTS.server],
    ["one without an address", TEST_CLIENTS.machine],
  ])("has no EXTERNAL for who shows %s, and everything else", async (_what, tls) => {
    const announced = await mechanisms(protocol, tls);
    expect(announced).not.toContain("EXTERNAL");
    expect(announced).toContain("SCRAM-SHA-256-PLUS");
    expect(await logIn(protocol, tls)).toMatch(/^(a NO No such mechanism|504 5\.5\.4 )/);
  });
});

it.each(["imaps", "submissions"] as const)(
  "takes up a TLS session again on %s, certificate and all",
  async (listener) => {
    const { host, port } = server[listener] ?? { host: "", port: 0 };
    let session: Buffer | undefined;
    for (const isAgain of [false, true]) {
      const options = { host, port, rejectUnauthorized: false, maxVersion: "TLSv1.2", ...TEST_CLIENTS.alice } as const;
      const client = connect({ ...options, ...(session === undefined ? {} : { session }) });
      await within(once(client, "secureConnect"), "a handshake");
      expect(client.isSessionReused()).toBe(isAgain);
      session = client.getSession();
      const [hello, login, success] =
        listener === "imaps"
          ? ["", imap.login("="), imap.success]
          : ["EHLO x\r\n", submission.login("="), submission.success];
      client.write(`${hello}${login}\r\n`);
      await within(said(client, success), "a login");
      client.destroy();
    }
  },
);

describe.each(["IMAP", "submission"])("%s with settings that are others than at the start", (which) => {
  let listener: Pick<ImapServer, "address" | "setTls" | "close">;
  const protocol: Protocol = { ...(PROTOCOLS[which] as Protocol), address: () => listener.address };

  beforeAll(async () => {
    const silent = (): void => undefined;
    const log = { debug: silent, info: silent, warn: silent, error: silent };
    const options = { store: server.store, host: "127.0.0.1", port: 0, hostname: "new.example.org", log };
    const start = which === "IMAP" ? startImapServer : startSmtpIngest;
    listener = await start({ ...options, kind: "submission", tls: TEST_CERTIFICATE });
  });

  afterAll(() => listener.close());

  it("asks clients for certificates as long as there is an authority, and trusts no other then", async () => {
    expect(await logIn(protocol, TEST_CLIENTS.alice)).not.toMatch(protocol.success);
    listener.setTls({ ...TEST_CERTIFICATE, clientCa: TEST_CLIENT_CA });
    expect(await logIn(protocol, TEST_CLIENTS.alice)).toMatch(protocol.success);
    expect(await logIn(protocol, TEST_CLIENTS.forged)).not.toMatch(protocol.success);
    listener.setTls(TEST_CERTIFICATE);
    expect(await logIn(protocol, TEST_CLIENTS.alice)).not.toMatch(protocol.success);
  });
});

/** Resolves when the server says such a line. */
async function said(client: TLSSocket, pattern: RegExp): Promise<void> {
  let text = "";
  for await (const chunk of client) {
    text += String(chunk);
    if (text.split("\r\n").some((line) => pattern.test(line))) return;
  }
  throw new Error(`the server said ${text}`);
}
