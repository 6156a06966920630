// APPEND over a real socket: bytes as they are, in any cut; bounds, quota, and what becomes of a message half sent.
import { once } from "node:events";
import { describe, expect, it } from "@jest/globals";
import { within } from "./support/deadline.ts";
import { memoryImapOfTest } from "./support/memory-imap.ts";
import type { RawImap } from "./support/raw-imap.ts";
import { seededRandom, testSeed, turnsOfEventLoop } from "./support/seeded-random.ts";

const start = memoryImapOfTest();

/** The octets of the literal in a FETCH response. */
function literalOf(responses: readonly string[]): Buffer {
  const [, octets = "", rest = ""] = /\{(\d+)\}\r\n([^]*)/.exec(responses[0] ?? "") ?? [];
  return Buffer.from(rest.slice(0, Number(octets)), "latin1");
}

async function tagged(client: RawImap, tag: string): Promise<string> {
  const taken = await client.until((response) => response.startsWith(`${tag} `), tag);
  return taken.at(-1) ?? "";
}

describe("the octets", () => {
  it("are kept as they come, whatever they are and however they are cut", async () => {
    const seed = testSeed();
    const random = seededRandom(seed);
    const server = await start();
    const client = await server.open("INBOX");
    // Else such headers are refused (RFC 9755 4).
    await client.ok("ENABLE UTF8=ACCEPT");
    for (let round = 1; round <= 15; round++) {
      const length = 1 + Math.floor(random() ** 3 * 100_000);
      const octets = Buffer.from(Array.from({ length }, () => 1 + Math.floor(random() * 255)));
      client.write(`a${round} APPEND INBOX {${length}+}\r\n`);
      for (let at = 0; at < length;) {
        const next = at + 1 + Math.floor(random() * length);
        client.socket.write(octets.subarray(at, next));
        await turnsOfEventLoop(1);
        at = next;
      }
      client.write("\r\n");
      expect([seed, await tagged(client, `a${round}`)]).toEqual([
        seed,
        expect.stringMatching(new RegExp(`^a${round} OK \\[APPENDUID \\d+ ${round}\\]`)),
      ]);
      const told = await client.ok(`FETCH ${round} (BODY.PEEK[] RFC822.SIZE)`);
      expect(literalOf(told).equals(octets)).toBe(true);
      expect(told[0]).toContain(`RFC822.SIZE ${length})`);
    }
    client.close();
  });

  it("are refused where a NUL is among them, and the command that follows is answered", async () => {
    const server = await start();
    const client = await server.open("INBOX");
    client.write(`a APPEND INBOX {6+}\r\nab\0cd\n\r\nb NOOP\r\n`);
    expect(await tagged(client, "a")).toMatch(/^a BAD /);
    expect(await tagged(client, "b")).toMatch(/^b OK /);
    const early = `a APPEND INBOX {100000+}\r\n\0${"x".repeat(99_999)}\r\nb NOOP\r\n`;
    client.write(early);
    expect(await tagged(client, "a")).toMatch(/^a BAD /);
    expect(await tagged(client, "b")).toMatch(/^b OK /);
    expect(await client.ok("STATUS INBOX (MESSAGES)")).toEqual(["* STATUS INBOX (MESSAGES 0)"]);
    client.close();
  });

  it("may be many: a message of 60 MB goes through", async () => {
    const server = await start();
    const client = await server.open();
    const line = `${"x".repeat(998)}\r\n`;
    const block = Buffer.from(line.repeat(1_000));
    client.write(`a APPEND INBOX {${60 * block.length}+}\r\n`);
    for (let i = 0; i < 60; i++) {
      if (!client.socket.write(block)) await within(once(client.socket, "drain"), "room for more");
    }
    client.write("\r\n");
    expect(await tagged(client, "a")).toMatch(/^a OK /);
    expect(await client.ok("STATUS INBOX (MESSAGES)")).toEqual(["* STATUS INBOX (MESSAGES 1)"]);
    client.close();
  });
});

describe("a message put together of others", () => {
  it("is never held whole, however large its parts are", async () => {
    const server = await start();
    const line = `${"x".repeat(998)}\r\n`;
    const large = `Subject: large\r\n\r\n${line.repeat(8_000)}`;
    await server.append(large);
    const client = await server.open();
    server.work.reset();
    const part = 'URL "/INBOX/;UID=1/;SECTION=TEXT"';
    client.write(`a APPEND INBOX CATENATE (URL "/INBOX/;UID=1" ${part} TEXT {4+}\r\nend\n ${part})\r\n`);
    expect(await tagged(client, "a")).toMatch(/^a OK /);
    const bodyBytes = large.length + 2 * 8_000 * line.length;
    // Piece by piece, each of them once.
    expect(server.work).toMatchObject({ readsAtOnce: 0, bodyReads: 3, bodyBytes });
    const told = await client.ok("EXAMINE INBOX");
    expect(told).toContain("* 2 EXISTS");
    expect(await client.ok("FETCH 2 RFC822.SIZE")).toEqual([`* 2 FETCH (RFC822.SIZE ${bodyBytes + 4})`]);
    expect(await client.ok(`FETCH 2 BODY[]<${large.length + 8_000 * line.length - 2}.6>`)).toEqual([
      `* 2 FETCH (BODY[]<${large.length + 8_000 * line.length - 2}> {6}\r\n\r\nend\n)`,
    ]);
    client.close();
  });

  it("is refused where it would be too large, before a part that is not small is read", async () => {
    const server = await start({ limits: { messageBytesMax: 1_000 } });
    await server.append("x".repeat(600));
    const client = await server.open();
    server.work.reset();
    const url = 'URL "/INBOX/;UID=1"';
    const { status } = await client.command(`APPEND INBOX CATENATE (${url} ${url})`);
    expect(status).toMatch(/^NO \[TOOBIG\]/);
    expect(server.work.bodyBytes).toBe(600);
    expect(server.errors).toEqual([]);
    client.close();
  });
});

describe("a message put together of one", () => {
  it("whose mailbox is deleted meanwhile has no such part, and nothing is to be created", async () => {
    let meanwhile: (() => Promise<unknown>) | undefined;
    const server = await start({
      inPlace: (store) => ({
        open: async (at) => {
          await meanwhile?.();
          return store.open(at);
        },
      }),
    });
    const [client, other] = [await server.open(), await server.open()];
    await other.ok("CREATE Going");
    await other.ok("APPEND Going {4+}\r\ntext");
    meanwhile = () => {
      meanwhile = undefined;
      return other.ok("DELETE Going");
    };
    const { status } = await client.command('APPEND INBOX CATENATE (URL "/Going/;UID=1")');
    expect(status).toBe('NO [BADURL "/Going/;UID=1"] There is no such part');
    client.close();
    other.close();
  });
});

describe("a message that is not appended", () => {
  it("leaves nothing where the client goes in its middle", async () => {
    const server = await start();
    const client = await server.open();
    client.write("a APPEND INBOX {1000+}\r\nonly the beginning");
    await turnsOfEventLoop(5);
    client.close();
    while (server.server.connections > 0) await turnsOfEventLoop(1);
    const again = await server.open();
    expect(await again.ok("STATUS INBOX (MESSAGES UIDNEXT)")).toEqual(["* STATUS INBOX (MESSAGES 0 UIDNEXT 1)"]);
    expect(server.errors).toEqual([]);
    again.close();
  });

  it("is refused by the quota before it is asked for, and for good once it is there", async () => {
    const server = await start();
    await server.store.updateAccount(server.account.id, { quotaBytesMax: 1_000, quotaMessagesMax: 2 });
    const client = await server.open("INBOX");
    const { status } = await client.command("APPEND INBOX {1001}");
    expect(status).toMatch(/^NO \[OVERQUOTA\]/);
    client.write(`a APPEND INBOX {600+}\r\n${"x".repeat(600)}\r\n`);
    expect(await tagged(client, "a")).toMatch(/^a OK /);
    client.write(`b APPEND INBOX {500+}\r\n${"x".repeat(500)}\r\nc NOOP\r\n`);
    expect(await tagged(client, "b")).toMatch(/^b NO \[OVERQUOTA\]/);
    expect(await tagged(client, "c")).toMatch(/^c OK /);

    // Two that would fit one by one: the commit decides.
    const other = await server.open();
    for (const [tag, session] of [["d", client] as const, ["e", other] as const]) {
      session.write(`${tag} APPEND INBOX {300}\r\n`);
      expect(await session.next("the continuation")).toMatch(/^\+ /);
    }
    client.write(`${"x".repeat(300)}\r\n`);
    expect(await tagged(client, "d")).toMatch(/^d OK /);
    other.write(`${"x".repeat(300)}\r\n`);
    expect(await tagged(other, "e")).toMatch(/^e NO \[OVERQUOTA\]/);
    const { status: full } = await client.command("APPEND INBOX {1}");
    expect(full).toMatch(/^NO \[OVERQUOTA\]/);
    client.close();
    other.close();
  });
});
