// What a connection costs that has just begun TLS.
import { expect, it } from "@jest/globals";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { connect as connectTls, createSecureContext } from "node:tls";
import { Connection } from "./connection.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { Rounds } from "./rounds.ts";

/** TLS that needs no certificate. */
const ANONYMOUS = { ciphers: "AECDH-AES128-SHA:@SECLEVEL=0", maxVersion: "TLSv1.2" } as const;

it("says nothing in TLS in the turn of the handshake, before its tickets have left", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  const client = connectTls({ ...ANONYMOUS, socket, checkServerIdentity: () => undefined, rejectUnauthorized: false });
  const [clear] = (await accepted) as [Socket];
  const rounds = new Rounds<Connection>(new Set(), { roundMs: 1, nowMs: 0 });
  const connection = new Connection(clear, { limits: DEFAULT_LIMITS, now: () => 0, rounds });
  const secured = connection.startTls({ secureContext: createSecureContext(ANONYMOUS), requestCert: false });
  let isTurnOver = false;
  connection.tls?.once("secure", () => setImmediate(() => (isTurnOver = true)));
  await secured;
  expect(isTurnOver).toBe(true);
  client.destroy();
  connection.destroy();
  server.close();
});
