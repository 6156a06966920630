// What a connection costs that has just begun TLS, that it looks once more at what came while it could not write, and
// that it keeps no others waiting.
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

it("is called once more for what was raised while the client did not read", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const client = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  const [socket] = (await accepted) as [Socket];
  const rounds = new Rounds<Connection>(new Set(), { roundMs: 1, nowMs: 0 });
  const connection = new Connection(socket, { limits: DEFAULT_LIMITS, now: () => 0, rounds });
  client.pause();
  let news = 1;
  const told: number[] = [];
  const isTold = new Promise<void>((resolve) => {
    const pause = (): number | Promise<number> => {
      if (!connection.hasLeft()) return Infinity;
      told.push(news);
      if (news === 2) resolve();
      const full = connection.write(Buffer.alloc(news === 1 ? 2 ** 25 : 1)) ?? connection.flush();
      return full === undefined ? Infinity : full.then(() => Infinity);
    };
    connection.read(Infinity, { pause }).catch(() => undefined);
  });
  // It waits for the socket: whoever is told of something new then raises the signal for that wait alone.
  expect([told, socket.writableNeedDrain]).toEqual([[1], true]);
  news = 2;
  connection.signal.raise();
  client.resume();
  await isTold;
  client.destroy();
  connection.destroy();
  server.close();
});

it("gives others a turn behind each part of a long answer, however quickly that is read", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepted = once(server, "connection");
  const client = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  const [socket] = (await accepted) as [Socket];
  const rounds = new Rounds<Connection>(new Set(), { roundMs: 1, nowMs: 0 });
  const limits = { ...DEFAULT_LIMITS, outputBytesMax: 10 };
  const connection = new Connection(socket, { limits, now: () => 0, rounds });
  let hadTurns = 0;
  for (let part = 0; part < 3; part++) {
    setImmediate(() => hadTurns++);
    await connection.write("0123456789");
    expect(hadTurns).toBe(part + 1);
  }
  client.destroy();
  connection.destroy();
  server.close();
});
