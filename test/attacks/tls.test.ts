// What a client does with TLS behind the handshake, on every listener that speaks it: no second handshake, which would
// cost us more than the client, and no connection that stays open with nobody on it who can be understood.
import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions, type SecureVersion, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { AttackedServer } from "../support/attacked-server.ts";
import { within } from "../support/deadline.ts";

const IMPLICIT = ["imaps", "submissions"] as const;
/** What is said in clear before it. */
const STARTTLS = { imap: ["s STARTTLS"], smtp: ["EHLO x", "STARTTLS"], submission: ["EHLO x", "STARTTLS"] } as const;
const LISTENERS = [...IMPLICIT, "imap", "smtp", "submission"] as const;
type ListenerName = (typeof LISTENERS)[number];

/** The head of a record of application data, 32 octets long, and what is not encrypted with any key. */
const FORGED_RECORD = Buffer.concat([Buffer.from([0x17, 0x03, 0x03, 0, 32]), Buffer.alloc(32, "forged")]);
const CIPHERS = ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384"];
/** The beginning of a ClientHello. */
const HALF_HELLO = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]);

let server: AttackedServer;

beforeAll(async () => {
  server = await AttackedServer.start();
});

afterAll(() => server.stop());

/** A connection that is at the point where TLS begins. */
async function beforeTls(listener: ListenerName): Promise<Socket> {
  const raw = connectTcp(server.address(listener));
  raw.on("error", () => undefined);
  await within(once(raw, "connect"), "a connection");
  if (!(listener in STARTTLS)) return raw;
  await within(once(raw, "data"), "the greeting");
  for (const command of STARTTLS[listener as keyof typeof STARTTLS]) {
    raw.write(`${command}\r\n`);
    await within(once(raw, "data"), `the answer to ${command}`);
  }
  return raw;
}

/** TLS over a socket to which may be written beside it. */
async function inTls(raw: Socket, maxVersion: SecureVersion, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = Duplex.from({ readable: raw, writable: raw });
  const secured = connectTls({ socket, rejectUnauthorized: false, maxVersion, ...options });
  secured.on("error", () => undefined);
  await within(once(secured, "secureConnect"), "the end of the handshake");
  return secured;
}

describe.each(LISTENERS)("on %s", (listener) => {
  it.each(["TLSv1.2", "TLSv1.3"] as const)(
    "a record that does not verify ends the connection in %s",
    async (version) => {
      const raw = await beforeTls(listener);
      const secured = await inTls(raw, version);
      const ended = once(raw, "close");
      raw.write(FORGED_RECORD);
      await within(ended, "the end of the connection");
      secured.destroy();
    },
  );

  it("there is one handshake a connection", async () => {
    const raw = await beforeTls(listener);
    const secured = await inTls(raw, "TLSv1.2");
    const outcome = new Promise<string>((resolve) => {
      secured.once("close", () => resolve("refused")).once("error", () => resolve("refused"));
      secured.renegotiate({}, (error) => resolve(error === null ? "renegotiated" : "refused"));
    });
    expect(await within(outcome, "what becomes of it")).toBe("refused");
    raw.destroy();
  });
});

it.each(LISTENERS)("on %s the server says which cipher it is, not the client", async (listener) => {
  const chosen: string[] = [];
  for (const order of [CIPHERS, CIPHERS.toReversed()]) {
    const raw = await beforeTls(listener);
    const secured = await inTls(raw, "TLSv1.2", { ciphers: order.join(":") });
    chosen.push(secured.getCipher().name);
    raw.destroy();
  }
  expect(chosen[1]).toBe(chosen[0]);
});

it.each(LISTENERS)("a client of %s that ends its side in the handshake is gone", async (listener) => {
  const raw = await beforeTls(listener);
  const ended = once(raw, "close");
  raw.end(HALF_HELLO);
  raw.resume();
  await within(ended, "the end of the connection");
});
