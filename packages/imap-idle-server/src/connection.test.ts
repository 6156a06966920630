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

/** A connection, the client's socket and the one that was accepted; `end` closes all. */
async function connected(limits: typeof DEFAULT_LIMITS = DEFAULT_LIMITS) {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const accepting = once(server, "connection");
  const socket = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" });
  const [accepted] = (await accepting) as [Socket];
  const rounds = new Rounds<Connection>(new Set(), { roundMs: 1, nowMs: 0 });
  const connection = new Connection(accepted, { limits, now: () => 0, rounds });
  const end = (): void => {
    socket.destroy();
    connection.destroy();
    server.close();
  };
  return { socket, accepted, connection, end };
}

it("says nothing in TLS in the turn of the handshake, before its tickets have left", async () => {
  const { socket, connection, end } = await connected();
  const client = connectTls({ ...ANONYMOUS, socket, checkServerIdentity: () => undefined, rejectUnauthorized: false });
  const secured = connection.startTls({ secureContext: createSecureContext(ANONYMOUS), requestCert: false });
  let isTurnOver = false;
  connection.tls?.once("secure", () => setImmediate(() => (isTurnOver = true)));
  await secured;
  expect(isTurnOver).toBe(true);
  client.destroy();
  end();
});

it("is called once more for what was raised while the client did not read", async () => {
  const { socket: client, accepted, connection, end } = await connected();
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
  expect([told, accepted.writableNeedDrain]).toEqual([[1], true]);
  news = 2;
  connection.signal.raise();
  client.resume();
  await isTold;
  end();
});

it("gives others a turn behind each part of a long answer, however quickly that is read", async () => {
  const { connection, end } = await connected({ ...DEFAULT_LIMITS, outputBytesMax: 10 });
  let hadTurns = 0;
  for (let part = 0; part < 3; part++) {
    setImmediate(() => hadTurns++);
    await connection.write("0123456789");
    expect(hadTurns).toBe(part + 1);
  }
  end();
});
