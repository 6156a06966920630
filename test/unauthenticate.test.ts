// UNAUTHENTICATE (RFC 8437) where a transcript does not reach: octets in clear right behind the command in a deflated
// stream, a server that is full of those who have not logged in, and one that does without it.
import { describe, expect, it } from "@jest/globals";
import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { startPushmail } from "pushmail";
import { within } from "./support/deadline.ts";
import { memoryImapOfTest, type MemoryImap } from "./support/memory-imap.ts";
import { RawImap } from "./support/raw-imap.ts";
import { turnsOfEventLoop } from "./support/seeded-random.ts";

const startImap = memoryImapOfTest();
const LOGIN = "LOGIN alice@example.org secret";

/** Says UNAUTHENTICATE in a deflated stream that is ended so, and goes on in clear; what the server says in clear. */
async function goOnInClear(
  imap: MemoryImap,
  finishFlush: number,
  write: (client: RawImap, octets: Buffer) => Promise<void>,
): Promise<string> {
  const client = await imap.open();
  await client.ok("COMPRESS DEFLATE");
  const heard: Buffer[] = [];
  client.socket.removeAllListeners("data").on("data", (octets: Buffer) => heard.push(octets));
  const deflated = deflateRawSync("u1 UNAUTHENTICATE\r\n", { finishFlush });
  await write(client, Buffer.concat([deflated, Buffer.from(`u2 ${LOGIN}\r\nu3 LOGOUT\r\n`)]));
  await within(new Promise((resolve) => client.socket.once("end", resolve)), "the end of the connection");
  client.close();
  const all = Buffer.concat(heard);
  // RFC 8437 4.1: the answer is the last that is deflated.
  const end = all.indexOf(Buffer.from([0, 0, 0xff, 0xff])) + 4;
  const answer = inflateRawSync(all.subarray(0, end), { finishFlush: constants.Z_SYNC_FLUSH });
  expect(answer.toString()).toMatch(/^u1 OK \[CAPABILITY .*\] Not authenticated\r\n$/);
  return all.toString("latin1", end);
}

describe("UNAUTHENTICATE", () => {
  it.each([
    ["a flush", constants.Z_SYNC_FLUSH],
    ["its end", constants.Z_FINISH],
  ])("ends compression at %s, in whatever pieces the octets come, and reads on in clear", async (_, finishFlush) => {
    const imap = await startImap();
    const whole = await goOnInClear(imap, finishFlush, async ({ socket }, octets) => void socket.write(octets));
    const cut = await goOnInClear(imap, finishFlush, async ({ socket }, octets) => {
      for (const octet of octets) {
        socket.write(Buffer.of(octet));
        await turnsOfEventLoop(1);
      }
    });
    for (const heard of [whole, cut])
      expect(heard).toMatch(/^u2 OK \[CAPABILITY .*\* BYE Logging out\r\nu3 OK .*\r\n$/s);
  });

  it("needs room among those who have not logged in, or ends the connection", async () => {
    let nowMs = 0;
    const limits = { sessionsBeforeLoginMax: 1, loginGraceMs: 1_000 };
    const imap = await startImap({ limits, now: () => nowMs });
    const [first, second] = [await imap.open(), await imap.open()];
    const guest = await RawImap.connect(imap.server.address);
    first.write("u1 UNAUTHENTICATE\r\n");
    expect(await first.next()).toBe("* BYE Too many logins at once, try again later");
    // When the guest has had its time, it gives way.
    nowMs += 1_000;
    expect((await second.command("UNAUTHENTICATE")).status).toMatch(/^OK/);
    expect(await guest.next()).toMatch(/^\* BYE \[UNAVAILABLE\]/);
    expect((await second.command(LOGIN)).status).toMatch(/^OK/);
    for (const client of [first, second, guest]) client.close();
  });

  it("is not there where the settings say so", async () => {
    const pushmail = await startPushmail({ unauthenticate: "off", users: { "alice@example.org": "secret" } });
    try {
      const client = await RawImap.connect(pushmail.imap as { host: string; port: number });
      expect((await client.command(LOGIN)).status).not.toContain("UNAUTHENTICATE");
      expect((await client.command("UNAUTHENTICATE")).status).toBe("BAD Unknown command UNAUTHENTICATE");
      expect((await client.command("SELECT INBOX")).status).toMatch(/^OK/);
      client.close();
    } finally {
      await pushmail.close();
    }
  });
});
