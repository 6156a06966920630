// COMPRESS gives a client a hundred times the octets that it sends, or more: they count as if it had sent them as they
// are, and none is made before it is wanted.
import { connect, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { constants, createInflateRaw, deflateRawSync, type InflateRaw } from "node:zlib";
import { within } from "../support/deadline.ts";
import { LineClient } from "../support/line-client.ts";
import { memoryImapOfTest, type MemoryImap } from "../support/memory-imap.ts";
import { seededRandom, testSeed, turnsOfEventLoop } from "../support/seeded-random.ts";

const MIB = 1024 * 1024;
const BOMB_BYTES = 64 * MIB;
const LOGIN = "a LOGIN alice@example.org secret\r\n";

/** Lets a command that is held come to its end. */
let goOn = (): void => undefined;
let raw: Socket | undefined;
afterEach(() => {
  raw?.destroy();
  goOn();
});
const start = memoryImapOfTest();
const deflated = (octets: Buffer): Buffer => deflateRawSync(octets, { finishFlush: constants.Z_SYNC_FLUSH });
const SLOW = "x FETCH 1 BODY[]\r\n";
/** What follows a slow command, in the same flush as that: what is behind a flush is not even looked at so long. */
const BOMBS = { "one endless line": "x", "empty lines": "\r\n", commands: "y NOOP\r\n" };

/** What is inflated, wherever in this process. */
let pushed: jest.SpiedFunction<InflateRaw["push"]>;
const inflatedBytes = (): number => pushed.mock.calls.reduce((sum, [octets]) => sum + (octets?.length ?? 0), 0);

beforeEach(() => {
  pushed = jest.spyOn(Object.getPrototypeOf(createInflateRaw()) as InflateRaw, "push");
});
afterEach(() => pushed.mockRestore());

/** A client that sends deflated octets of its own making, and hears the answers as they are. */
async function deflating(imap: MemoryImap): Promise<Socket> {
  const socket = connect(imap.server.address);
  raw = socket;
  socket.on("error", () => undefined);
  let said = "";
  const listen = (data: Buffer): void => void (said += data.toString("latin1"));
  socket.on("data", listen);
  socket.write(`${LOGIN}b SELECT INBOX\r\nc COMPRESS DEFLATE\r\n`);
  const until = async (): Promise<void> => {
    while (!said.includes("c OK")) await turnsOfEventLoop(1);
  };
  await within(until(), "the start of compression");
  socket.off("data", listen);
  return socket;
}

describe("a bomb", () => {
  it.each(Object.entries(BOMBS))("of %s behind a command under way stays as small as it was sent", async (_, text) => {
    const bomb = deflated(Buffer.concat([Buffer.from(SLOW), Buffer.alloc(BOMB_BYTES, text)]));
    expect(bomb.length).toBeLessThan(BOMB_BYTES / 100);
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const imap = await start({ beforePiece: () => held });
    await imap.append("Subject: slow\r\n\r\ntext\r\n");
    const client = await deflating(imap);
    client.write(bomb);
    const isStuck = async (): Promise<void> => {
      while ((pushed.mock.contexts.at(-1) as InflateRaw | undefined)?.isPaused() !== true && inflatedBytes() < MIB)
        await turnsOfEventLoop(1);
    };
    await within(isStuck(), "the end of inflating");
    await turnsOfEventLoop(100);
    expect(inflatedBytes()).toBeLessThan(MIB);
    // Whoever sends one waits; others do not.
    const beside = await imap.open("INBOX");
    await beside.ok("NOOP");
    beside.close();
    expect(imap.errors).toEqual([]);
  });

  it("behind a flush is not looked at while the command before it is under way", async () => {
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const imap = await start({ beforePiece: () => held });
    await imap.append("Subject: slow\r\n\r\ntext\r\n");
    const client = await deflating(imap);
    const socket = imap.sockets.at(-1) as Socket;
    client.write(Buffer.concat([deflated(Buffer.from(SLOW)), deflated(Buffer.alloc(BOMB_BYTES, "x"))]));
    const isHeld = async (): Promise<void> => {
      while (inflatedBytes() < SLOW.length || !socket.isPaused()) await turnsOfEventLoop(1);
    };
    await within(isHeld(), "a command under way");
    await turnsOfEventLoop(100);
    expect(inflatedBytes()).toBe(SLOW.length);
  });

  it("in a line is too long a line, and no more; the session goes on", async () => {
    const imap = await start();
    const client = await LineClient.connect(imap.server.address);
    await client.line();
    await client.send(`${LOGIN}c COMPRESS DEFLATE\r\n`, "whole");
    await client.line();
    await client.line();
    client.startCompression();
    await client.send(`d ${"x".repeat(8 * MIB)}\r\ne NOOP\r\n`, "whole");
    expect(await client.line()).toBe("d BAD Command line too long");
    expect(await client.line()).toBe("e OK NOOP completed");
    await client.send(`f CREATE {${8 * MIB}+}\r\n${"x".repeat(8 * MIB)}\r\ng NOOP\r\n`, "whole");
    expect(await client.line()).toBe("f BAD Literal too large");
    expect(await client.line()).toBe("g OK NOOP completed");
    client.destroy();
  });
});

describe("compression", () => {
  it("carries out nothing that was slipped in in clear behind its command", async () => {
    const imap = await start();
    const client = await LineClient.connect(imap.server.address);
    await client.line();
    await client.send(LOGIN, "whole");
    await client.line();
    await client.send("c COMPRESS DEFLATE\r\nd CREATE slipped\r\ne NO", "whole");
    expect(await client.line()).toBe("c OK Deflate now");
    client.startCompression();
    await client.send("f NOOP\r\n", "whole");
    expect(await client.line()).toBe("f OK NOOP completed");
    expect(await imap.store.mailbox(imap.account.id, "slipped")).toBeUndefined();
    client.destroy();
  });

  it("makes nothing ahead for a client that does not read", async () => {
    const imap = await start();
    const random = seededRandom(testSeed());
    // Hardly smaller when deflated, as long as no message begins within a window of the one before.
    const line = (): string =>
      Buffer.from(Array.from({ length: 57 }, () => Math.floor(random() * 256))).toString("base64");
    const text = Array.from({ length: 2_000 }, line).join("\r\n");
    await imap.append(`Subject: large\r\n\r\n${text}`, { count: 200 });
    const client = await deflating(imap);
    client.pause();
    client.write(deflated(Buffer.from("x FETCH 1:* BODY[]\r\n")));
    const socket = imap.sockets.at(-1) as Socket;
    const until = async (): Promise<void> => {
      while (!socket.writableNeedDrain) await turnsOfEventLoop(1);
    };
    await within(until(), "a full socket");
    await turnsOfEventLoop(500);
    expect(socket.writableLength).toBeLessThan(MIB);
    const takenBytes = socket.bytesWritten - socket.writableLength;
    expect(imap.work.bodyBytes).toBeLessThan(2 * takenBytes + MIB);
  });
});
