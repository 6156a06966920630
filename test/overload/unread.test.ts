// Clients that take nothing of what they are told, or that have vanished without a word: what waits for them is bounded,
// and a time later they are gone. The server's clock is a number here.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import { afterEach, describe, expect, it } from "@jest/globals";
import { openMailStore, openMemoryDriver } from "@pushmail/mailstore";
import { startSmtpIngest, type SmtpLimits } from "@pushmail/smtp-ingest";
import { within } from "../support/deadline.ts";
import { LineClient } from "../support/line-client.ts";
import { MemoryImap, type MemoryImapOptions } from "../support/memory-imap.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { turnsOfEventLoop } from "../support/seeded-random.ts";

/** More than the network holds between two sockets of one machine. */
const MESSAGE_BYTES = 12 * 1024 * 1024;
const HELD_MAX = 1024 * 1024;
const HOUR_MS = 3_600_000;

let imap: MemoryImap;
let nowMs = 0;
const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function start(limits: MemoryImapOptions["limits"] = {}): Promise<void> {
  imap = await MemoryImap.start({ limits: { tickMs: 5, ...limits }, now: () => nowMs });
  ends.push(() => imap.close());
}

interface SmtpClient {
  readonly client: RawSmtp;
  /** The server's end of it. */
  readonly socket: Socket;
}

async function smtp(limits: Partial<SmtpLimits>): Promise<SmtpClient> {
  const sockets: Socket[] = [];
  const onSocket = (message: unknown): void => void sockets.push((message as { readonly socket: Socket }).socket);
  const ignore = (): void => undefined;
  const store = openMailStore(await openMemoryDriver(), {});
  const ingest = await startSmtpIngest({
    store,
    kind: "smtp",
    host: "127.0.0.1",
    port: 0,
    hostname: "mx.example.org",
    log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
    limits: { tickMs: 5, ...limits },
    now: () => nowMs,
  });
  subscribe("net.server.socket", onSocket);
  const client = await RawSmtp.connect(ingest.address);
  unsubscribe("net.server.socket", onSocket);
  ends.push(async () => {
    client.close();
    await ingest.close();
    await store.close();
  });
  return { client, socket: sockets[0] as Socket };
}

function serverEnd(): Socket {
  return imap.sockets.at(-1) as Socket;
}

/** What the network has taken of what was said. */
function takenBytes(socket: Socket): number {
  return socket.bytesWritten - socket.writableLength;
}

/** Turns of the event loop until the server waits for the client to read, and some more. */
async function stuck(socket: Socket): Promise<void> {
  const until = async (): Promise<void> => {
    while (!socket.writableNeedDrain) await turnsOfEventLoop(1);
  };
  await within(until(), "a full socket");
  await turnsOfEventLoop(200);
}

async function closed(socket: Socket): Promise<void> {
  if (!socket.closed) await within(once(socket, "close"), "the end of the connection");
}

describe("a client that does not read", () => {
  it.each(["FETCH 1 BODY[]", "FETCH 1:3 (BODY.PEEK[1] BODY.PEEK[TEXT])", "UID FETCH 1:* RFC822"])(
    "is sent what %s yields no further than its socket takes, and is gone after a time",
    async (command) => {
      await start({ stallMs: HOUR_MS });
      await imap.append(`Subject: large\r\n\r\n${"x".repeat(78)}\r\n`.repeat(MESSAGE_BYTES / 100), { count: 3 });
      const client = await imap.open("INBOX");
      const socket = serverEnd();
      const before = takenBytes(socket);
      client.socket.pause();
      client.write(`x ${command}\r\n`);
      await stuck(socket);
      expect(socket.writableLength).toBeLessThan(HELD_MAX);
      expect(imap.work.bodyBytes).toBeLessThan(takenBytes(socket) - before + HELD_MAX);
      nowMs += HOUR_MS - 1;
      await turnsOfEventLoop(100);
      expect(socket.destroyed).toBe(false);
      nowMs += 2;
      await closed(socket);
    },
  );

  it("is gone after a time in IDLE too, however much happens", async () => {
    await start({ stallMs: HOUR_MS });
    await imap.append("Subject: flagged\r\n\r\n", { count: 20_000 });
    const client = await imap.open("INBOX");
    await client.idle();
    client.socket.pause();
    const socket = serverEnd();
    const mailbox = await imap.store.mailbox(imap.account.id, "INBOX");
    const at = { account: imap.account.id, mailbox: mailbox?.id ?? (0 as never) };
    for (let round = 0; !socket.writableNeedDrain; round++) {
      expect(round).toBeLessThan(200);
      const mode = round % 2 === 0 ? "add" : "remove";
      await imap.store.setFlags(at, [[1, 20_000]], { mode, flags: ["x".repeat(150)] });
      await turnsOfEventLoop(50);
    }
    nowMs += HOUR_MS + 1;
    // What happens now is not sent: it does not count as a sign of the client.
    await imap.append("Subject: news\r\n\r\n");
    await closed(socket);
  });

  it("is told no more by SMTP than its socket takes, and obeyed no more; and is gone after a time", async () => {
    const { client, socket } = await smtp({ commandsWithoutMailMax: 1e9, mailTimeoutMs: HOUR_MS });
    client.socket.pause();
    const some = "EHLO client.example\r\n".repeat(1_000);
    const until = async (): Promise<void> => {
      while (!socket.writableNeedDrain) {
        client.socket.write(some);
        await turnsOfEventLoop(20);
      }
    };
    await within(until(), "a full socket");
    for (let i = 0; i < 20; i++) client.socket.write(some);
    await turnsOfEventLoop(1_000);
    expect(socket.writableLength).toBeLessThan(HELD_MAX);
    nowMs += HOUR_MS + 1;
    await closed(socket);
  });
});

describe("a client that leaves its side open", () => {
  it("may be silent as long as it likes where it listens, but not in the midst of a command", async () => {
    await start({ autologoutMs: HOUR_MS });
    const client = await imap.open();
    await client.ok("NOTIFY SET (personal (MessageNew MessageExpunge))");
    nowMs += HOUR_MS + 1;
    await client.ok("NOOP");
    client.write('x LIST "" {5}\r\n');
    await client.until((response) => response.startsWith("+"), "that the literal may come");
    nowMs += HOUR_MS + 1;
    await client.until((response) => response.startsWith("* BYE Silent"), "the end of the session");
    await closed(serverEnd());
  });

  it("is waited for a time after LOGOUT, no longer", async () => {
    await start({ lingerMs: HOUR_MS });
    const client = await LineClient.connect(imap.server.address);
    ends.push(async () => client.destroy());
    await client.send("a LOGIN alice@example.org secret\r\nb LOGOUT\r\n", "whole");
    while ((await client.line()) !== undefined);
    const socket = serverEnd();
    nowMs += HOUR_MS - 1;
    await turnsOfEventLoop(100);
    expect(socket.destroyed).toBe(false);
    nowMs += 2;
    await closed(socket);
  });

  it("is waited for no longer than its login may take, where there was none", async () => {
    await start({ lingerMs: HOUR_MS, loginTimeoutMs: 1_000 });
    const client = await LineClient.connect(imap.server.address);
    ends.push(async () => client.destroy());
    await client.send("a LOGOUT\r\n", "whole");
    while ((await client.line()) !== undefined);
    nowMs += 1_000;
    await closed(serverEnd());
  });

  it("is not waited for by SMTP where its time is over", async () => {
    const { client, socket } = await smtp({ mailTimeoutMs: HOUR_MS });
    nowMs += HOUR_MS + 1;
    expect(await client.reply()).toBe("421 4.4.2 Nothing came of this connection for too long");
    await closed(socket);
  });
});

describe("a client that has vanished", () => {
  it.each([
    // More than half of the time, and not the system's two hours.
    { tcpKeepAliveMs: 77_000, due: { min: 3_800, max: 7_700 } },
    { tcpKeepAliveMs: 999, due: { min: 0, max: 100 } },
  ])("is asked for by TCP itself, on each connection of IMAP: $tcpKeepAliveMs", async ({ tcpKeepAliveMs, due }) => {
    await start({ tcpKeepAliveMs });
    const client = await imap.open("INBOX");
    await client.idle();
    await imap.append("Subject: news\r\n\r\n");
    expect(await client.next()).toBe("* 1 EXISTS");
    // The kernel's own table of sockets says which timer runs; the client's acknowledgement ends that of the last write.
    const { localPort = 0, remotePort = 0 } = serverEnd();
    const until = async (): Promise<void> => {
      while (!isKeptAlive({ localPort, remotePort }, due)) await turnsOfEventLoop(1);
    };
    await within(until(), "the timer of TCP's keep-alive");
  });
});

const KEEP_ALIVE_TIMER = "02";

/** Whether the timer is the one, and ends in so many hundredths of a second. */
function isKeptAlive(
  { localPort, remotePort }: { readonly localPort: number; readonly remotePort: number },
  due: { readonly min: number; readonly max: number },
): boolean {
  if (process.platform !== "linux") return true;
  const hex = (port: number): string => `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  const rows = readFileSync("/proc/net/tcp", "latin1").split("\n");
  const row = rows.map((line) => line.trim().split(/\s+/)).find(isOfConnection);
  const [timer, left = ""] = row?.[5]?.split(":") ?? [];
  const dueIn = parseInt(left, 16);
  return timer === KEEP_ALIVE_TIMER && dueIn > due.min && dueIn <= due.max;

  function isOfConnection([, local, remote]: readonly string[]): boolean {
    return local?.endsWith(hex(localPort)) === true && remote?.endsWith(hex(remotePort)) === true;
  }
}
