// FETCH over a real socket: exact octets of any part, bounded memory, few writes, and what happens in its middle.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, it } from "@jest/globals";
import { DEFAULT_IMAP_LIMITS } from "@pushmail/imap-idle-server";
import { StoreDamage } from "@pushmail/mailstore";
import { within } from "./support/deadline.ts";
import { losing } from "./support/losing-store.ts";
import { memoryImapOfTest, type MemoryImap } from "./support/memory-imap.ts";
import { seededRandom, testSeed, turnsOfEventLoop } from "./support/seeded-random.ts";

const start = memoryImapOfTest();

/** The octets of an item in a FETCH response: a literal, a quoted string without escapes, or null for NIL. */
function octetsOf(response: string, label: string): string | null {
  const at = response.indexOf(`${label} `) + label.length + 1;
  const literal = /^~?\{(\d+)\}\r\n/.exec(response.slice(at, at + 24));
  if (literal !== null) return response.substr(at + literal[0].length, Number(literal[1]));
  if (response.startsWith('""', at)) return "";
  if (response.startsWith("NIL", at)) return null;
  throw new Error(`no ${label} in ${response.slice(0, 200)}`);
}

describe("sections", () => {
  interface Part {
    readonly mime: string;
    readonly body: string;
    readonly parts: readonly Part[];
    readonly message?: { readonly header: string; readonly text: string; readonly parts: readonly Part[] };
  }

  /** A random message, and what its parts must be. */
  function randomMessage(random: () => number): {
    readonly header: string;
    readonly text: string;
    parts: readonly Part[];
  } {
    let boundaries = 0;
    const pick = (max: number): number => Math.floor(random() * max);
    const words = (): string => Array.from({ length: pick(6) }, () => "word ".repeat(pick(4)) + pick(1e6)).join("\r\n");

    function content(depth: number): {
      readonly fields: string;
      readonly body: string;
      readonly parts: readonly Part[];
    } {
      const kind = depth > 3 ? 0 : pick(4);
      if (kind < 2)
        return { fields: `Content-Type: ${kind === 0 ? "text/plain" : "image/x"}\r\n`, body: words(), parts: [] };
      const boundary = `b${++boundaries}`;
      const parts = Array.from({ length: 1 + pick(3) }, () => part(depth + 1));
      const inside = parts.map(({ mime, body }) => `--${boundary}\r\n${mime}${body}\r\n`).join("");
      const body = `${pick(2) === 0 ? "" : "preamble\r\n"}${inside}--${boundary}--${pick(2) === 0 ? "" : "\r\nepilogue"}`;
      return { fields: `Content-Type: multipart/mixed; boundary=${boundary}\r\n`, body, parts };
    }

    function part(depth: number): Part {
      if (depth <= 3 && pick(4) === 0) {
        const message = whole(depth + 1);
        return {
          mime: "Content-Type: message/rfc822\r\n\r\n",
          body: message.header + message.text,
          parts: [],
          message,
        };
      }
      const { fields, body, parts } = content(depth);
      return { mime: `${fields}X-Part: ${pick(1e6)}\r\n\r\n`, body, parts };
    }

    function whole(depth: number): { readonly header: string; readonly text: string; readonly parts: readonly Part[] } {
      const { fields, body, parts } = content(depth);
      const header = `Subject: s${pick(1e6)}\r\nX-One: 1\r\n ${pick(9)}\r\n${fields}X-One: again\r\n\r\n`;
      return { header, text: body, parts: parts.length > 0 ? parts : [{ mime: header, body, parts: [] }] };
    }
    return whole(0);
  }

  /** Every section of a message with its octets. */
  function* sectionsOf(
    message: { readonly header: string; readonly text: string; readonly parts: readonly Part[] },
    path: string,
  ): Generator<readonly [section: string, octets: string | null]> {
    const { header, text, parts } = message;
    yield [`${path}HEADER`, header];
    yield [`${path}TEXT`, text];
    yield [
      `${path}HEADER.FIELDS (x-one)`,
      `${header.match(/X-One: .*\r\n .*\r\n|X-One: .*\r\n/g)?.join("") ?? ""}\r\n`,
    ];
    yield [`${path}HEADER.FIELDS.NOT (x-one)`, header.replace(/X-One: .*\r\n .*\r\n|X-One: .*\r\n/g, "")];
    yield* partsOf(parts, path);
  }

  function* partsOf(parts: readonly Part[], path: string): Generator<readonly [string, string | null]> {
    for (const [i, part] of parts.entries()) {
      const number = `${path}${i + 1}`;
      yield [number, part.body];
      yield [`${number}.MIME`, part.mime];
      if (part.message !== undefined) yield* sectionsOf(part.message, `${number}.`);
      else yield* partsOf(part.parts, `${number}.`);
      if (part.message === undefined) yield [`${number}.TEXT`, null];
    }
    yield [`${path}${parts.length + 1}`, null];
  }

  it("are the octets of the message, of all parts of random messages, whole and partial", async () => {
    const seed = testSeed();
    const random = seededRandom(seed);
    const { append, open } = bound(await start());
    const client = await open("INBOX");
    for (let number = 1; number <= 25; number++) {
      const message = randomMessage(random);
      await append(message.header + message.text);
      await client.ok("NOOP");
      for (const [section, octets] of sectionsOf(message, "")) {
        const [whole = ""] = await client.ok(`FETCH ${number} BODY.PEEK[${section}]`);
        expect([seed, section, octetsOf(whole, `BODY[${section}]`)]).toEqual([seed, section, octets]);
        const offset = Math.floor(random() * 60);
        const count = 1 + Math.floor(random() * 60);
        const [cut = ""] = await client.ok(`FETCH ${number} BODY.PEEK[${section}]<${offset}.${count}>`);
        const expected = octets === null ? null : octets.slice(offset, offset + count);
        expect([seed, section, octetsOf(cut, `BODY[${section}]<${offset}>`)]).toEqual([seed, section, expected]);
      }
    }
    client.close();
  });

  it("are the same octets whatever they are, also where a text would not do", async () => {
    const { append, open } = bound(await start());
    const bytes = Buffer.from(Array.from({ length: 1_024 }, (_, i) => i % 256).filter((byte) => byte !== 0));
    await append(Buffer.concat([Buffer.from("Subject: odd\r\n\r\n"), bytes]));
    const client = await open("INBOX");
    const [response = ""] = await client.ok("FETCH 1 BODY.PEEK[TEXT]");
    expect(Buffer.from(octetsOf(response, "BODY[TEXT]") ?? "", "latin1")).toEqual(bytes);
    client.close();
  });

  it("end for the fields of a header where the header is too long, and never take more memory for it", async () => {
    const { append, open, work } = bound(await start());
    await append(`X-Long: ${"long line\r\n ".repeat(400_000)}end\r\nX-Last: here\r\n\r\nbody`);
    const client = await open("INBOX");
    work.reset();
    const [fields = ""] = await client.ok("FETCH 1 BODY.PEEK[HEADER.FIELDS (X-Last)]");
    expect(octetsOf(fields, "BODY[HEADER.FIELDS (X-Last)]")).toBe("");
    expect(work.bodyBytes).toBeLessThanOrEqual(1_048_576 + 65_536);
    const [all = ""] = await client.ok("FETCH 1 BODY.PEEK[HEADER]");
    expect(octetsOf(all, "BODY[HEADER]")).toContain("X-Last: here");
    client.close();
  });
});

describe("memory", () => {
  const MESSAGES = 200;
  const BODY = Buffer.alloc(1_000_000, "0123456789abcdef");

  /** A client that reads only when it is told to. */
  async function openSlowReader(server: MemoryImap): Promise<Socket> {
    const { host, port } = server.server.address;
    const socket = connect({ host, port });
    await within(once(socket, "data"), "the greeting");
    socket.write("a LOGIN alice@example.org secret\r\nb SELECT INBOX\r\n");
    let said = "";
    while (!said.includes("b OK")) said += String((await within(once(socket, "data"), "SELECT"))[0]);
    socket.pause();
    return socket;
  }

  it("does not grow with what a client leaves unread: 200 MB asked for, under 512 KiB held", async () => {
    let heldMax = 0;
    const server = await start({
      beforePiece: () => {
        heldMax = Math.max(heldMax, server.sockets[0]?.writableLength ?? 0);
      },
    });
    await server.append(Buffer.concat([Buffer.from("Subject: big\r\n\r\n"), BODY]), { count: MESSAGES });
    const socket = await openSlowReader(server);
    socket.write("c FETCH 1:* BODY.PEEK[]\r\n");
    // The server goes on until the kernel takes no more; then nothing moves, however many turns pass.
    let before = -1;
    while (server.work.bodyBytes === 0 || before !== server.work.bodyBytes) {
      before = server.work.bodyBytes;
      await turnsOfEventLoop(2_000);
    }
    expect(server.work.bodyBytes).toBeLessThan(50_000_000);
    expect(server.sockets[0]?.writableLength).toBeLessThan(524_288);

    // Once the client reads, all of it comes.
    let received = 0;
    let end = "";
    socket.on("data", (data: Buffer) => {
      received += data.length;
      end = (end + data.toString("latin1")).slice(-40);
    });
    socket.resume();
    while (!end.endsWith("c OK FETCH completed\r\n")) await within(once(socket, "data"), "the end of FETCH");
    expect(received).toBeGreaterThan(MESSAGES * BODY.length);
    expect(heldMax).toBeLessThan(524_288);
    socket.destroy();
  });

  it("is given back when the client leaves in the middle", async () => {
    const server = await start();
    await server.append(Buffer.concat([Buffer.from("Subject: big\r\n\r\n"), BODY]), { count: MESSAGES });
    const socket = await openSlowReader(server);
    socket.write("c FETCH 1:* BODY.PEEK[]\r\n");
    socket.resume();
    await within(once(socket, "data"), "the first octets");
    const closed = new Promise((resolve) => server.sockets[0]?.on("close", resolve));
    socket.destroy();
    await within(closed, "the end of the connection");
    while (server.server.connections > 0) await turnsOfEventLoop(1);
    const { bodyBytes } = server.work;
    await turnsOfEventLoop(100);
    expect(server.work.bodyBytes).toBe(bodyBytes);
    expect(bodyBytes).toBeLessThan(MESSAGES * BODY.length);
    expect(server.errors).toEqual([]);
  });
});

describe("many messages", () => {
  it("come in few writes", async () => {
    const server = await start();
    await server.append("Subject: small\r\n\r\nx\r\n", { count: 10_000 });
    const client = await server.open("INBOX");
    const socket = server.sockets[0] as Socket;
    let writes = 0;
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = ((...args: unknown[]) => {
      writes++;
      return write(...args);
    }) as Socket["write"];
    expect(await client.ok("FETCH 1:10000 (FLAGS)")).toHaveLength(10_000);
    // 37 octets each, in pieces of 64 KiB.
    expect(writes).toBeLessThan(12);
    writes = 0;
    expect(await client.ok("UID FETCH 1:* (UID RFC822.SIZE BODY.PEEK[HEADER.FIELDS (Subject)])")).toHaveLength(10_000);
    expect(writes).toBeLessThan(36);
    client.close();
  });

  it("cost no more than they have to", async () => {
    const server = await start();
    await server.append("Subject: small\r\n\r\nx\r\n", { count: 1_200 });
    const client = await server.open("INBOX");
    const { work } = server;
    const costs = async (command: string): Promise<readonly number[]> => {
      work.reset();
      await client.ok(command);
      return [work.metadata, work.details, work.bodyReads, work.bodyBytes, work.flagChanges];
    };
    expect(await costs("FETCH 1:* (UID FLAGS MODSEQ)")).toEqual([0, 0, 0, 0, 0]);
    expect(await costs("FETCH 1:* FAST")).toEqual([1_200, 0, 0, 0, 0]);
    expect(await costs("FETCH 1:600 (ENVELOPE BODYSTRUCTURE UID)")).toEqual([0, 600, 0, 0, 0]);
    expect(await costs("FETCH 1:100 BODY.PEEK[TEXT]<0.2>")).toEqual([0, 100, 100, 200, 0]);
    expect(await costs("FETCH 1:* (FLAGS) (CHANGEDSINCE 1000000)")).toEqual([0, 0, 0, 0, 0]);
    // \Seen is set for a batch at once, and not again.
    expect(await costs("FETCH 1:* BODY[TEXT]")).toEqual([0, 1_200, 1_200, 3_600, 3]);
    expect(await costs("FETCH 1:* BODY[TEXT]")).toEqual([0, 1_200, 1_200, 3_600, 0]);
    client.close();
  });

  it("set \\Seen once each, and everybody is told once", async () => {
    const server = await start();
    await server.append("Subject: small\r\n\r\nx\r\n", { count: 1_200 });
    await server.append("Subject: seen\r\n\r\nx\r\n", { count: 3, flags: ["\\Seen"] });
    const [client, other] = [await server.open("INBOX"), await server.open("INBOX")];
    const told = await client.ok("FETCH 1:* BODY[]");
    expect(told.filter((response) => response.includes("FLAGS (\\Seen"))).toHaveLength(1_200);
    expect(told).toHaveLength(1_203);
    expect(await client.ok("NOOP")).toEqual([]);
    const heard = await other.ok("NOOP");
    expect(heard).toHaveLength(1_200);
    expect(heard.every((response) => response.endsWith("FLAGS (\\Seen))"))).toBe(true);
    client.close();
    other.close();
  });

  it("do not hold up what others wait for", async () => {
    const server = await start();
    await server.append(`Subject: ${"long ".repeat(50)}\r\n\r\nx\r\n`, { count: 6_000 });
    const [client, idler] = [await server.open("INBOX"), await server.open("INBOX")];
    await idler.idle();
    let isFetched = false;
    const fetch = client.ok("FETCH 1:6000 (ENVELOPE BODYSTRUCTURE)").then((told) => {
      isFetched = true;
      return told;
    });
    await within(once(client.socket, "data"), "the first response");
    await server.append("Subject: new\r\n\r\nx\r\n");
    expect(await idler.next("EXISTS")).toBe("* 6001 EXISTS");
    expect(isFetched).toBe(false);
    const told = await fetch;
    expect(told).toHaveLength(6_001);
    expect(told.at(-1)).toBe("* 6001 EXISTS");
    client.close();
    idler.close();
  });
});

describe("trouble in the middle", () => {
  it("leaves out what another session expunges meanwhile", async () => {
    let meanwhile: (() => Promise<unknown>) | undefined;
    const server = await start({ beforePiece: async () => void (await meanwhile?.()) });
    for (const name of ["one", "two", "three"]) await server.append(`Subject: ${name}\r\n\r\n${name}`);
    const [client, other] = [await server.open("INBOX"), await server.open("INBOX")];
    await other.ok("STORE 2 +FLAGS.SILENT (\\Deleted)");
    meanwhile = () => {
      meanwhile = undefined;
      return other.ok("EXPUNGE");
    };
    const { untagged, status } = await client.command("FETCH 1:3 (UID BODY.PEEK[TEXT])");
    expect(untagged.filter((response) => response.includes("BODY"))).toEqual([
      "* 1 FETCH (UID 1 BODY[TEXT] {3}\r\none)",
      "* 3 FETCH (UID 3 BODY[TEXT] {5}\r\nthree)",
    ]);
    expect(status).toMatch(/^NO \[EXPUNGEISSUED\]/);
    expect(await client.ok("NOOP")).toEqual(["* 2 EXPUNGE"]);
    client.close();
    other.close();
  });

  it("takes none for damaged that another session expunges, and whose body compaction removes", async () => {
    let meanwhile: (() => Promise<unknown>) | undefined;
    const limits = {
      fetch: { ...DEFAULT_IMAP_LIMITS.fetch, heldOctetsMax: 10 },
      search: { ...DEFAULT_IMAP_LIMITS.search, heldOctetsMax: 10 },
    };
    const server = await start({ limits, beforePiece: async () => void (await meanwhile?.()) });
    // Of such a length that each is a file.
    const text = Buffer.alloc(1_100_000, "text\r\n");
    for (const name of ["one", "two", "three", "four"])
      await server.append(Buffer.concat([Buffer.from(`Subject: ${name}\r\n\r\n`), text]));
    const [client, other] = [await server.open("INBOX"), await server.open("INBOX")];
    const loseMeanwhile = (uid: number): void => {
      meanwhile = async () => {
        meanwhile = undefined;
        await other.ok(`UID STORE ${uid} +FLAGS.SILENT (\\Deleted)`);
        await other.ok("EXPUNGE");
        expect(await server.store.compact()).toBeGreaterThan(1_000_000);
      };
    };
    loseMeanwhile(2);
    const fetched = await client.command("FETCH 1:4 (UID BODY.PEEK[HEADER.FIELDS (Subject)])");
    const told = fetched.untagged.filter((response) => !response.includes("FLAGS"));
    expect(told.map((response) => /UID (\d)/.exec(response)?.[1])).toEqual(["1", "3", "4"]);
    expect(fetched.status).toMatch(/^NO \[EXPUNGEISSUED\]/);
    expect(await client.ok("NOOP")).toEqual(["* 2 EXPUNGE"]);
    // Between its header and its text.
    loseMeanwhile(1);
    const searched = await client.ok("UID SEARCH TEXT text");
    expect(searched.filter((response) => !response.includes("FLAGS"))).toEqual(["* SEARCH 3 4", "* 1 EXPUNGE"]);
    expect(server.errors).toEqual([]);
    client.close();
    other.close();
  });

  it("ends the connection where octets that were announced cannot be read", async () => {
    let pieces = 0;
    const server = await start({
      beforePiece: () => {
        if (++pieces === 2) throw new Error("the disk is on fire");
      },
    });
    await server.append(Buffer.alloc(1_000_000, "x\r\n"));
    const client = await server.open("INBOX");
    await expect(client.command("FETCH 1 BODY.PEEK[]")).rejects.toThrow("the connection ended");
    expect(server.errors).toHaveLength(1);
    // Where nothing of the response was sent yet, the session goes on.
    const again = await server.open("INBOX");
    for (const section of ["BODY.PEEK[HEADER.FIELDS (Subject)]", "BODY.PEEK[]", "(FLAGS BODY.PEEK[] UID)"]) {
      pieces = 1;
      const { untagged, status } = await again.command(`FETCH 1 ${section}`);
      expect([...untagged, status]).toEqual([expect.stringMatching(/^NO \[SERVERBUG\]/)]);
    }
    expect(await again.ok("FETCH 1 UID")).toEqual(["* 1 FETCH (UID 1)"]);
    again.close();
  });
});

describe("a damaged message", () => {
  it("is passed over and named and stays unseen, and all the others are told", async () => {
    let reads = 0;
    const beforePiece = (): void => {
      if (++reads === 2) throw new StoreDamage("a body fails its checksum", "0000000001.seg", 64);
    };
    const limits = { fetch: { ...DEFAULT_IMAP_LIMITS.fetch, heldOctetsMax: 10 } };
    const server = await start({ beforePiece, limits });
    for (const name of ["first", "second", "third"]) await server.append(`Subject: ${name}\r\n\r\n${name} message`);
    const client = await server.open("INBOX");
    expect(await client.command("FETCH 1:* (UID BODY[TEXT])")).toEqual({
      untagged: [
        "* 1 FETCH (FLAGS (\\Seen \\Recent) UID 1 BODY[TEXT] {13}\r\nfirst message)",
        "* 3 FETCH (FLAGS (\\Seen \\Recent) UID 3 BODY[TEXT] {13}\r\nthird message)",
        "* NO [SERVERBUG] Damaged, and passed over: UID 2",
      ],
      status: "NO [SERVERBUG] Some of the messages are damaged",
    });
    expect(server.errors).toHaveLength(1);
    expect(await client.ok("SEARCH UNSEEN")).toEqual(["* SEARCH 2"]);
    client.close();
  });

  it("is passed over and named where nothing but its flags is left, by UID too", async () => {
    const server = await start({ inPlace: losing(2) });
    for (const name of ["first", "second", "third"]) await server.append(`Subject: ${name}\r\n\r\n${name} message`);
    const client = await server.open("INBOX");
    for (const command of ["FETCH 1:* (UID BODY.PEEK[TEXT])", "UID FETCH 1:* BODY.PEEK[TEXT]"]) {
      expect(await client.command(command)).toEqual({
        untagged: [
          "* 1 FETCH (UID 1 BODY[TEXT] {13}\r\nfirst message)",
          "* 3 FETCH (UID 3 BODY[TEXT] {13}\r\nthird message)",
          "* NO [SERVERBUG] Damaged, and passed over: UID 2",
        ],
        status: "NO [SERVERBUG] Some of the messages are damaged",
      });
    }
    expect(await client.ok("FETCH 2 (UID FLAGS)")).toEqual(["* 2 FETCH (UID 2 FLAGS (\\Recent))"]);
    client.close();
  });

  it.each([1, 1_000])("is named once beside those of which no more is left, %i at a time", async (batchMessagesMax) => {
    let reads = 0;
    const beforePiece = (): void => {
      if (++reads === 2) throw new StoreDamage("a body fails its checksum", "0000000001.seg", 64);
    };
    const limits = { fetch: { ...DEFAULT_IMAP_LIMITS.fetch, heldOctetsMax: 10, batchMessagesMax } };
    const server = await start({ beforePiece, limits, inPlace: losing(3) });
    for (const name of ["first", "second", "third"]) await server.append(`Subject: ${name}\r\n\r\n${name} message`);
    const client = await server.open("INBOX");
    const { untagged } = await client.command("FETCH 1:* BODY.PEEK[TEXT]");
    expect(untagged).toEqual([
      "* 1 FETCH (BODY[TEXT] {13}\r\nfirst message)",
      "* NO [SERVERBUG] Damaged, and passed over: UID 2:3",
    ]);
    client.close();
  });
});

function bound(server: MemoryImap): Pick<MemoryImap, "append" | "open" | "work"> {
  return { append: server.append.bind(server), open: server.open.bind(server), work: server.work };
}

describe("decoded parts (RFC 3516)", () => {
  const SIZE = 300_000;
  const content = Buffer.from(Array.from({ length: SIZE }, (_, i) => (i * 7_919) % 256));
  const base64 = (content.toString("base64").match(/.{1,76}/g) as string[]).join("\r\n");
  const mail = `Content-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64}\r\n`;

  it.each([
    { what: "read at once", heldOctetsMax: 2 ** 20, reads: 1 },
    { what: "read twice, piece by piece", heldOctetsMax: 1_000, reads: 2 },
  ])("are told octet for octet where they are $what", async ({ heldOctetsMax, reads }) => {
    const imap = await start({ limits: { fetch: { ...DEFAULT_IMAP_LIMITS.fetch, heldOctetsMax } } });
    await imap.append(mail);
    const client = await imap.open("INBOX");
    imap.work.reset();
    const [whole = ""] = await client.ok("FETCH 1 BINARY.PEEK[1]");
    expect(imap.work.bodyReads).toBe(reads);
    expect(whole).toContain(`BINARY[1] ~{${SIZE}}`);
    expect(Buffer.from(octetsOf(whole, "BINARY[1]") ?? "", "latin1").equals(content)).toBe(true);
    for (const [offset, octets] of [
      [0, 1],
      [65_535, 70_000],
      [SIZE - 3, 10],
      [SIZE, 5],
    ] as const) {
      const [partial = ""] = await client.ok(`FETCH 1 BINARY.PEEK[1]<${offset}.${octets}>`);
      const expected = content.toString("latin1", offset, offset + octets);
      expect(octetsOf(partial, `BINARY[1]<${offset}>`)).toBe(expected);
    }
    expect(await client.ok("FETCH 1 BINARY.SIZE[1]")).toEqual([`* 1 FETCH (BINARY.SIZE[1] ${SIZE})`]);
  });

  it("with NUL are taken from no literal, and kept from no literal8", async () => {
    const imap = await start();
    const client = await imap.open();
    expect((await client.command("APPEND INBOX {5+}\r\na\0b\r\n")).status).toMatch(/^BAD NUL/);
    expect((await client.command("APPEND INBOX ~{5+}\r\na\0b\r\n")).status).toMatch(/^NO \[UNKNOWN-CTE\]/);
    expect((await client.command("APPEND INBOX ~{5+}\r\nabc\r\n")).status).toMatch(/^OK/);
    expect(await client.ok("STATUS INBOX (MESSAGES)")).toEqual(["* STATUS INBOX (MESSAGES 1)"]);
  });
});
