// A few octets that inflate to very many: no more of them is made than is taken.
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { DeflatedSocket } from "./deflated-socket.ts";

const BOMB = Buffer.alloc(64 * 2 ** 20, "a");

let server: Server;
let client: Socket;
let socket: Socket;
let deflated: DeflatedSocket;
let wantsMore: boolean;

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  client = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  [socket] = (await once(server, "connection")) as [Socket];
  wantsMore = true;
  deflated = new DeflatedSocket(socket, goOn);
});

afterEach(() => {
  client.destroy();
  deflated.destroy();
  server.close();
});

/** As a reader that has carried out at once whatever it got. */
function goOn(): void {
  if (wantsMore) deflated.goOn();
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

describe("a deflated socket", () => {
  it("inflates a bomb as far as it is read, a piece at a time", async () => {
    client.write(deflateRawSync(BOMB, { finishFlush: constants.Z_SYNC_FLUSH }));
    let taken = 0;
    while (deflated.readableLength === 0) await turn();
    for (let i = 0; i < 1_000; i++) {
      await turn();
      expect(deflated.readableLength).toBeLessThanOrEqual(8_192);
      if (i % 100 === 0) taken += (deflated.read() as Buffer | null)?.length ?? 0;
    }
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThanOrEqual(10 * 8_192);
  });

  it("gives all that comes, in any split, and the end", async () => {
    const text = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `a${i * 7_919} NOOP\r\n`).join(""));
    const octets = deflateRawSync(text);
    for (let at = 0; at < octets.length; at += 997) client.write(octets.subarray(at, at + 997));
    client.end();
    expect((await buffer(deflated)).equals(text)).toBe(true);
  });

  it("stops reading while nothing is taken", async () => {
    const text = Array.from({ length: 400_000 }, (_, i) => `a${(i * 2_654_435_761) % 2 ** 32} NOOP\r\n`).join("");
    const octets = deflateRawSync(text);
    client.write(octets);
    while (!socket.isPaused()) await turn();
    for (let i = 0; i < 1_000; i++) await turn();
    expect(socket.bytesRead).toBeLessThan(octets.length / 2);
  });

  it("sends each write so that all of it can be read at once, and none needs another", async () => {
    deflated.write("* 23 EXISTS\r\n");
    const [first] = (await once(client, "data")) as [Buffer];
    deflated.write("* 23 EXISTS\r\n".repeat(1_000));
    const [second] = (await once(client, "data")) as [Buffer];
    const options = { finishFlush: constants.Z_SYNC_FLUSH };
    expect(inflateRawSync(first, options).toString()).toBe("* 23 EXISTS\r\n");
    expect(inflateRawSync(second, options).toString()).toBe("* 23 EXISTS\r\n".repeat(1_000));
    expect(inflateRawSync(Buffer.concat([first, second]), options).length).toBe(13_013);
  });

  it.each([
    ["a flush", constants.Z_SYNC_FLUSH],
    ["its end", constants.Z_FINISH],
  ])("stops at %s for a reader who wants no more, and gives what came behind as it came", async (_, finishFlush) => {
    wantsMore = false;
    const taken: Buffer[] = [];
    deflated.on("data", (octets: Buffer) => taken.push(octets));
    const plain = deflateRawSync("a2 NOOP\r\n", { finishFlush: constants.Z_SYNC_FLUSH });
    client.write(Buffer.concat([deflateRawSync("a1 LAST\r\n", { finishFlush }), plain, Buffer.from("a3")]));
    while (!deflated.isAtFlush) await turn();
    expect(Buffer.concat(taken).toString()).toBe("a1 LAST\r\n");
    expect(deflated.release()).toEqual(Buffer.concat([plain, Buffer.from("a3")]));
    const next = once(socket, "data") as Promise<[Buffer]>;
    socket.resume();
    client.write(" NOOP\r\n");
    expect((await next)[0].toString()).toBe(" NOOP\r\n");
    expect(socket.destroyed).toBe(false);
  });

  it.each([
    ["what is no deflate", Buffer.from("NOOP in clear")],
    ["what ends in the midst", deflateRawSync(BOMB.subarray(0, 10_000)).subarray(0, 10)],
  ])("comes to its end at %s", async (_, octets) => {
    client.end(octets);
    await buffer(deflated);
  });
});
