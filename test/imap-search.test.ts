// SEARCH over a real socket: against a plain evaluation of the same keys, and how much is read for an answer.
import { once } from "node:events";
import { describe, expect, it } from "@jest/globals";
import { DEFAULT_IMAP_LIMITS } from "@pushmail/imap-idle-server";
import { StoreDamage, type MessageIndex } from "@pushmail/mailstore";
import { within } from "./support/deadline.ts";
import { losing } from "./support/losing-store.ts";
import { memoryImapOfTest, overriding } from "./support/memory-imap.ts";
import { seededRandom, testSeed } from "./support/seeded-random.ts";

const start = memoryImapOfTest();

async function search(client: { ok(text: string): Promise<readonly string[]> }, keys: string): Promise<number[]> {
  const found = (await client.ok(keys)).filter((response) => response.startsWith("* SEARCH"));
  expect(found).toHaveLength(1);
  return (found[0] as string)
    .replace(/ \(MODSEQ .*/, "")
    .split(" ")
    .slice(2)
    .map(Number);
}

describe("a damaged message", () => {
  it("is not found by its texts, is named, and keeps none of the others from being found", async () => {
    let reads = 0;
    const beforePiece = (): void => {
      if (++reads % 3 > 0) throw new StoreDamage("a body fails its checksum", "0000000001.seg", 64);
    };
    const search = { ...DEFAULT_IMAP_LIMITS.search, heldOctetsMax: 10 };
    const imap = await start({ beforePiece, limits: { search } });
    for (const word of ["one", "two", "three"]) await imap.append(`Subject: ${word}\r\n\r\nthe same text`);
    const client = await imap.open("INBOX");
    // Of the third its summary says enough for the last.
    for (const keys of ["BODY same", "NOT BODY other", "OR SUBJECT three BODY same"]) {
      reads = 0;
      const told = ["* NO [SERVERBUG] Damaged, and passed over: UID 1:2", "* SEARCH 3"];
      expect([keys, ...(await client.ok(`SEARCH ${keys}`))]).toEqual([keys, ...told]);
    }
    expect(imap.errors).toHaveLength(3);
    client.close();
  });
});

it("reads no more memory than there is for groups of any size", async () => {
  const imap = await start({ limits: { search: { ...DEFAULT_IMAP_LIMITS.search, groupOctetsMax: 2 ** 40 } } });
  await imap.append("Subject: one\r\n\r\ntext");
  const client = await imap.open("INBOX");
  expect(await client.ok("SEARCH BODY text")).toEqual(["* SEARCH 1"]);
  client.close();
});

it("finds the same where several searches at once read into memory that is used again", async () => {
  const imap = await start({ limits: { search: { ...DEFAULT_IMAP_LIMITS.search, groupOctetsMax: 20_000 } } });
  for (let i = 1; i <= 60; i++) await imap.append(`Subject: x\r\n\r\n${`word${i % 7}. `.repeat(100 + 13 * (i % 29))}`);
  const searchAll = async (): Promise<void> => {
    const client = await imap.open("INBOX");
    for (let word = 0; word < 7; word++) {
      const numbers = Array.from({ length: 60 }, (_, i) => i + 1).filter((number) => number % 7 === word);
      expect(await client.ok(`SEARCH BODY word${word}.`)).toEqual([`* SEARCH ${numbers.join(" ")}`]);
    }
    client.close();
  };
  await Promise.all([searchAll(), searchAll(), searchAll()]);
});

describe("a message of which nothing is left but its flags", () => {
  it("is found by these, is named where more is asked, and keeps none of the others from being found", async () => {
    const imap = await start({ inPlace: losing(2) });
    for (const word of ["one", "two", "three"]) await imap.append(`Subject: ${word}\r\n\r\nthe same text`);
    const client = await imap.open("INBOX");
    const named = "* NO [SERVERBUG] Damaged, and passed over: UID 2";
    expect(await client.ok("SEARCH UNSEEN")).toEqual(["* SEARCH 1 2 3"]);
    const asked = [
      ["SEARCH SMALLER 1000", "* SEARCH 1 3"],
      ["SEARCH NOT SUBJECT one", "* SEARCH 3"],
      ["SEARCH SMALLER 1000 BODY same", "* SEARCH 1 3"],
      ["SEARCH OR UID 2 BODY same", "* SEARCH 1 2 3"],
      ["SORT (SIZE) UTF-8 ALL", "* SORT 1 3"],
      ["SORT (SUBJECT) UTF-8 SMALLER 1000", "* SORT 1 3"],
      ["THREAD REFERENCES UTF-8 ALL", "* THREAD (1)(3)"],
    ];
    for (const [command, found] of asked) {
      const told = command?.includes("UID 2") === true ? [found] : [named, found];
      expect([command, ...(await client.ok(command ?? ""))]).toEqual([command, ...told]);
    }
    // One for each command that met it.
    expect(imap.errors).toHaveLength(asked.length - 1);
    client.close();
  });
});

describe("keys", () => {
  /** A message as the test knows it. */
  interface Known {
    readonly number: number;
    readonly text: string;
    readonly flags: readonly string[];
    readonly receivedMs: number;
    readonly sentDay: number;
    readonly fields: Readonly<Record<string, string>>;
    readonly body: string;
  }

  interface Key {
    readonly text: string;
    matches(message: Known): boolean;
  }

  const DAY_MS = 86_400_000;
  const FIRST_DAY_MS = Date.UTC(2026, 0, 1);
  const WORDS = ["apple", "pear", "plum", "Äpfel", "straße", "quince", "fig"];
  const FLAGS = ["\\Seen", "\\Flagged", "\\Answered", "\\Draft", "\\Deleted", "$Work", "other"];
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  function dateOf(ms: number): string {
    const date = new Date(ms);
    return `${date.getUTCDate()}-${MONTHS[date.getUTCMonth()] ?? ""}-${date.getUTCFullYear()}`;
  }

  function encodedWord(text: string): string {
    return `=?utf-8?B?${Buffer.from(text).toString("base64")}?=`;
  }

  function randomMessage(number: number, random: () => number): Known {
    const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)] as Value;
    const words = (count: number): string => Array.from({ length: count }, () => pick(WORDS)).join(" ");
    const sentMs = FIRST_DAY_MS + Math.floor(random() * 10) * DAY_MS;
    const fields = {
      from: words(1),
      to: words(1),
      subject: words(2),
      "x-odd": words(1),
      cc: random() < 0.5 ? "" : words(1),
    };
    const body = words(6);
    const bytes = Buffer.from(body);
    const encoding = pick(["8bit", "base64", "quoted-printable"]);
    const quoted = (): string => Array.from(bytes, (byte) => `=${byte.toString(16).padStart(2, "0")}`).join("");
    const content = {
      "8bit": (): string => body,
      base64: (): string => bytes.toString("base64"),
      "quoted-printable": quoted,
    };
    const header = [
      `From: ${encodedWord(fields.from)} <from@example.net>`,
      `To: ${encodedWord(fields.to)} <to@example.net>`,
      ...(fields.cc === "" ? [] : [`Cc: ${encodedWord(fields.cc)} <cc@example.net>`]),
      `Subject: ${encodedWord(fields.subject)}`,
      `X-Odd: ${random() < 0.5 ? encodedWord(fields["x-odd"]) : fields["x-odd"]}`,
      `Date: ${dateOf(sentMs).replaceAll("-", " ")} 23:30:00 -0800`,
      "Content-Type: text/plain; charset=utf-8",
      `Content-Transfer-Encoding: ${encoding}`,
    ];
    return {
      number,
      text: `${header.join("\r\n")}\r\n\r\n${content[encoding as keyof typeof content]()}`,
      flags: FLAGS.filter(() => random() < 0.4),
      receivedMs: FIRST_DAY_MS + Math.floor(random() * 10 * DAY_MS),
      sentDay: sentMs,
      fields,
      body,
    };
  }

  function randomKey(random: () => number, depth: number): Key {
    const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)] as Value;
    const inside = (): Key => randomKey(random, depth + 1);
    const has = (text: string, word: string): boolean => text.toLowerCase().includes(word.toLowerCase());
    const textKey = (): Key => {
      const word = pick([...WORDS, "ap", "E", "zzz"]);
      const field = pick(["from", "to", "cc", "subject", "x-odd"] as const);
      const quoted = `"${Buffer.from(word).toString("latin1")}"`;
      const inField = { text: field === "x-odd" ? `HEADER X-Odd ${quoted}` : `${field.toUpperCase()} ${quoted}` };
      return pick<Key>([
        // The addresses hold an "e" each, and so does the field's name in TEXT.
        { ...inField, matches: ({ fields }) => has(`${fields[field] ?? ""}${addressOf(field, fields)}`, word) },
        { text: `BODY ${quoted}`, matches: ({ body }) => has(body, word) },
        {
          text: `TEXT ${quoted}`,
          matches: ({ fields, body }) => word === "E" || has(`${Object.values(fields).join(" ")} ${body}`, word),
        },
      ]);
    };
    const flagKey = (): Key => {
      const flag = pick(FLAGS);
      const isSet = random() < 0.5;
      const name = flag.startsWith("\\") ? flag.slice(1).toUpperCase() : `KEYWORD ${flag}`;
      return { text: `${isSet ? "" : "UN"}${name}`, matches: ({ flags }) => flags.includes(flag) === isSet };
    };
    const dateKey = (): Key => {
      const dayMs = FIRST_DAY_MS + Math.floor(random() * 10) * DAY_MS;
      const is = pick(["BEFORE", "ON", "SINCE"] as const);
      const ofSent = random() < 0.5;
      return {
        text: `${ofSent ? "SENT" : ""}${is} ${dateOf(dayMs)}`,
        matches: ({ sentDay, receivedMs }) => {
          const day = ofSent ? sentDay : Math.floor(receivedMs / DAY_MS) * DAY_MS;
          return is === "BEFORE" ? day < dayMs : is === "ON" ? day === dayMs : day >= dayMs;
        },
      };
    };
    const sizeKey = (): Key => {
      const octets = 300 + Math.floor(random() * 200);
      const isLarger = random() < 0.5;
      return {
        text: `${isLarger ? "LARGER" : "SMALLER"} ${octets}`,
        matches: ({ text }) => (isLarger ? Buffer.byteLength(text) > octets : Buffer.byteLength(text) < octets),
      };
    };
    const setKey = (): Key => {
      const [first = 0, last = 0] = [1 + Math.floor(random() * 60), 1 + Math.floor(random() * 60)].sort(
        (a, b) => a - b,
      );
      return {
        text: `${random() < 0.5 ? "UID " : ""}${first}:${last}`,
        matches: ({ number }) => number >= first && number <= last,
      };
    };
    const leaf = pick([textKey, textKey, flagKey, dateKey, sizeKey, setKey]);
    const kind = depth > 3 ? 0 : random();
    if (kind < 0.4) return leaf();
    if (kind < 0.6) {
      const key = inside();
      return { text: `NOT ${key.text}`, matches: (message) => !key.matches(message) };
    }
    const [a, b] = [inside(), inside()];
    if (kind < 0.8)
      return { text: `OR ${a.text} ${b.text}`, matches: (message) => a.matches(message) || b.matches(message) };
    return { text: `(${a.text} ${b.text})`, matches: (message) => a.matches(message) && b.matches(message) };
  }

  function addressOf(field: string, fields: Readonly<Record<string, string>>): string {
    return field === "from" || field === "to" || (field === "cc" && fields.cc !== "") ? " <@example.net>" : "";
  }

  it("find what a plain evaluation finds, whatever they are made of", async () => {
    const seed = testSeed();
    const random = seededRandom(seed);
    const server = await start();
    const messages = Array.from({ length: 60 }, (_, i) => randomMessage(i + 1, random));
    for (const { text, flags, receivedMs } of messages)
      await server.append(text, { flags, internalDateMs: receivedMs });
    const client = await server.open("INBOX");
    for (let round = 0; round < 200; round++) {
      const key = randomKey(random, 0);
      const expected = messages.filter((message) => key.matches(message)).map(({ number }) => number);
      expect({ seed, key: key.text, found: await search(client, `SEARCH CHARSET UTF-8 ${key.text}`) }).toEqual({
        seed,
        key: key.text,
        found: expected,
      });
    }
    client.close();
  });
});

const small = (word: string): string => `From: a@example.net\r\nSubject: ${word}\r\n\r\ntext about ${word}\r\n`;

describe("what is read", () => {
  it("is the least that decides, from the cheapest source on", async () => {
    const server = await start();
    await server.append(small("one"), { count: 300 });
    await server.append(small("two"), { count: 100, flags: ["\\Seen"] });
    const client = await server.open("INBOX");
    const { work } = server;
    const costs = async (keys: string): Promise<readonly number[]> => {
      work.reset();
      const { length } = await search(client, `SEARCH ${keys}`);
      return [length, work.metadata, work.details, work.bodyReads];
    };
    expect(await costs("SEEN")).toEqual([100, 0, 0, 0]);
    expect(await costs("1:50 UNSEEN")).toEqual([50, 0, 0, 0]);
    expect(await costs("SINCE 1-Jan-2000")).toEqual([400, 400, 0, 0]);
    expect(await costs("SUBJECT two")).toEqual([100, 0, 400, 0]);
    expect(await costs("SEEN SUBJECT two SMALLER 5000")).toEqual([100, 100, 100, 0]);
    expect(await costs("TEXT two SUBJECT two SEEN 350:*")).toEqual([51, 0, 51, 51]);
    expect(await costs("BODY two SUBJECT one")).toEqual([0, 0, 400, 300]);
    expect(await costs("OR SEEN BODY one")).toEqual([400, 0, 300, 300]);
    expect(await costs("BEFORE 1-Jan-2000 BODY one")).toEqual([0, 400, 0, 0]);
    expect(await costs("NOT (UNSEEN TEXT one)")).toEqual([100, 0, 300, 300]);
    expect(await costs("TEXT one TEXT about BODY text OR TEXT nothing BODY one")).toEqual([300, 0, 400, 400]);
    client.close();
  });

  it("doubles when the messages do", async () => {
    const server = await start();
    const client = await server.open("INBOX");
    const { work } = server;
    const bytes: number[] = [];
    for (const count of [200, 200, 400, 800]) {
      await server.append(small("one"), { count });
      await client.ok("NOOP");
      work.reset();
      expect(await search(client, "SEARCH TEXT nowhere")).toEqual([]);
      bytes.push(work.bodyBytes);
      expect(work.bodyReads).toBe(work.details);
    }
    const [first = 0] = bytes;
    expect(bytes).toEqual([first, 2 * first, 4 * first, 8 * first]);
    client.close();
  });

  it("is of flags as much as there are changes of them from one message to the next, up to a bound", async () => {
    let looks = 0;
    let compared = 0;
    const counted = (index: MessageIndex): MessageIndex =>
      overriding(index, {
        alikeEnd(row, end) {
          const to = index.alikeEnd(row, end);
          compared += to - row;
          return to;
        },
        rowOf: (uid) => (looks++, index.rowOf(uid)),
        flagsAt: (row) => (looks++, index.flagsAt(row)),
      });
    const imap = await start({
      inPlace: (store) => ({
        async open(at) {
          const handle = await store.open(at);
          return overriding(handle, { ready: async () => counted(await handle.ready()) });
        },
      }),
    });
    await imap.append("Subject: x\r\n\r\n", { count: 6_000, flags: ["\\Seen"] });
    const client = await imap.open("INBOX");
    const looked = async (keys: string): Promise<[found: number[], looks: number]> => {
      looks = 0;
      return [await search(client, `SEARCH ${keys}`), looks];
    };
    const before = (await client.ok("STATUS INBOX (HIGHESTMODSEQ)")).join().match(/STATUS .*HIGHESTMODSEQ (\d+)/)?.[1];
    await client.ok("STORE 7,9,4000:4002 -FLAGS.SILENT (\\Seen)");
    const unseen = [7, 9, 4_000, 4_001, 4_002];
    for (const [keys, found] of [
      ["UNSEEN", unseen],
      ["NOT SEEN", unseen],
      [`MODSEQ ${Number(before) + 1}`, unseen],
      ["SEEN FLAGGED", []],
      ["UNSEEN 8:5000", unseen.slice(1)],
    ] as const) {
      const [told, times] = await looked(keys);
      expect([keys, told]).toEqual([keys, found]);
      expect([keys, times < 40]).toEqual([keys, true]);
    }
    // Of messages that are not meant it is nothing.
    for (const keys of ["UNSEEN UID 3990:4010", "UID 3990:4010 (SEEN UNSEEN)", "UNSEEN 3990:4010 NEW"]) {
      compared = 0;
      await client.ok(`UID SEARCH ${keys}`);
      expect([keys, compared <= 2 * 21]).toEqual([keys, true]);
    }
    // Nor more than a few times all, however many keys there are.
    compared = 0;
    await client.ok(`UID SEARCH${" UNSEEN SEEN".repeat(200)}`);
    await client.ok(`UID SEARCH${" SEEN".repeat(200)}`);
    expect(compared).toBeLessThanOrEqual(2 * 8 * 6_000);
    await client.ok("UID SEARCH RETURN (UPDATE) UNSEEN");
    compared = 0;
    expect(await client.ok("STORE 5000 -FLAGS.SILENT (\\Seen)")).toContainEqual(
      expect.stringMatching(/^\* ESEARCH .* ADDTO \(0 5000\)$/),
    );
    expect(compared).toBeLessThan(10);
    await client.ok("STORE 5000 +FLAGS.SILENT (\\Seen)");
    // Where every other one has it, all are looked at behind so many.
    const odd = Array.from({ length: 3_000 }, (_, i) => 2 * i + 1);
    for (let at = 0; at < odd.length; at += 500) {
      await client.ok(`STORE ${odd.slice(at, at + 500).join(",")} +FLAGS.SILENT (\\Flagged)`);
    }
    expect((await looked("FLAGGED"))[0]).toEqual(odd);
    expect((await looked("UNFLAGGED UNSEEN"))[0]).toEqual([4_000, 4_002]);
    await client.ok("SEARCH RETURN (SAVE) FLAGGED");
    expect((await looked("UNSEEN $"))[0]).toEqual([7, 9, 4_001]);
    expect((await looked("UNSEEN $ $ 1:4000 $"))[0]).toEqual([7, 9]);
    expect((await looked("SEEN $"))[0]).toEqual(odd.filter((number) => ![7, 9, 4_001].includes(number)));
    client.close();
  });

  it("is of a large message its texts alone", async () => {
    const server = await start();
    const attachment = `${"QUJD".repeat(19)}\r\n`.repeat(30_000);
    await server.append(
      `Subject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nshort text\r\n--b\r\n` +
        `Content-Type: image/x\r\nContent-Transfer-Encoding: base64\r\n\r\n${attachment}--b\r\n\r\nlast words\r\n--b--\r\n`,
    );
    const client = await server.open("INBOX");
    const { work } = server;
    work.reset();
    expect(await search(client, "SEARCH BODY nothing")).toEqual([]);
    expect(work.bodyBytes).toBeLessThan(10_000);
    expect(await search(client, 'SEARCH BODY "last words" TEXT "image/x"')).toEqual([1]);
    // Nor is a body read for its header.
    work.reset();
    expect(await search(client, "SEARCH HEADER X-None y")).toEqual([]);
    expect(work.bodyBytes).toBe("Subject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n".length);
    client.close();
  });

  it("ends where the text is found, and goes on to the end where it is not", async () => {
    const server = await start();
    const line = `${"x".repeat(70)}\r\n`;
    const long = (head: string, tail: string): string => `Subject: s\r\n\r\n${head}\r\n${line.repeat(60_000)}${tail}`;
    await server.append(long("early bird", "late worm"));
    const client = await server.open("INBOX");
    const { work } = server;
    work.reset();
    expect(await search(client, 'SEARCH BODY "early bird"')).toEqual([1]);
    expect(work.bodyBytes).toBeLessThan(300_000);
    work.reset();
    expect(await search(client, 'SEARCH NOT BODY "late worm"')).toEqual([]);
    expect(work.bodyBytes).toBeGreaterThan(4_000_000);
    client.close();
  });

  it("is found across the pieces of a body in base64", async () => {
    const server = await start();
    const filler = "0123456789abcdef".repeat(4_096);
    for (const at of [65_530, 65_536, 131_070, 200_000]) {
      const text = `${filler.repeat(4).slice(0, at)}the needle is here${filler}`;
      const encoded = Buffer.from(text).toString("base64").replace(/.{76}/g, "$&\r\n");
      await server.append(`Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n${encoded}\r\n`);
    }
    const client = await server.open("INBOX");
    expect(await search(client, 'SEARCH BODY "NEEDLE is h" BODY 0fthe')).toEqual([]);
    expect(await search(client, 'SEARCH BODY "NEEDLE is h" BODY "here0123"')).toEqual([1, 2, 3, 4]);
    client.close();
  });
});

describe("a long search", () => {
  it("does not hold up what others wait for", async () => {
    const server = await start();
    await server.append(`Subject: many\r\n\r\n${"some text to look at\r\n".repeat(400)}`, { count: 3_000 });
    const [client, idler] = [await server.open("INBOX"), await server.open("INBOX")];
    await idler.idle();
    let isOver = false;
    const found = client.ok("SEARCH TEXT nowhere").then((told) => {
      isOver = true;
      return told;
    });
    while (server.work.bodyReads === 0) await new Promise((resolve) => setImmediate(resolve));
    await server.append("Subject: new\r\n\r\nx\r\n");
    expect(await idler.next("EXISTS")).toBe("* 3001 EXISTS");
    expect(isOver).toBe(false);
    expect(await found).toEqual(["* SEARCH", "* 3001 EXISTS"]);
    client.close();
    idler.close();
  });

  it("ends when the client leaves", async () => {
    const server = await start();
    await server.append(`Subject: many\r\n\r\n${"some text to look at\r\n".repeat(400)}`, { count: 3_000 });
    const client = await server.open("INBOX");
    client.write("a SEARCH TEXT nowhere\r\n");
    while (server.work.bodyReads === 0) await new Promise((resolve) => setImmediate(resolve));
    // A client that only ends its side may still want its answer.
    client.socket.resetAndDestroy();
    await within(once(client.socket, "close"), "the client's end");
    while (server.server.connections > 0) await new Promise((resolve) => setImmediate(resolve));
    expect(server.work.bodyReads).toBeLessThan(3_000);
  });

  it("tells of very many messages in one line", async () => {
    const server = await start();
    await server.append("Subject: many\r\n\r\nx\r\n", { count: 10_000 });
    const client = await server.open("INBOX");
    const numbers = await search(client, "UID SEARCH UID 2:* UNSEEN");
    expect(numbers).toHaveLength(9_999);
    expect(numbers.every((number, i) => number === i + 2)).toBe(true);
    client.close();
  });
});

describe("a search of many mailboxes", () => {
  it("passes over those that are deleted while others are searched", async () => {
    let meanwhile: (() => Promise<unknown>) | undefined;
    const server = await start({ beforePiece: async () => void (await meanwhile?.()) });
    const [client, other] = [await server.open(), await server.open()];
    for (const name of ["One", "Three", "Two"]) {
      await other.ok(`CREATE ${name}`);
      await other.ok(`APPEND ${name} {${small("x").length}+}\r\n${small("x")}`);
    }
    meanwhile = async () => {
      meanwhile = undefined;
      await other.ok("DELETE Three");
    };
    const told = await client.ok("ESEARCH IN (mailboxes (One Three Two)) BODY about");
    expect(told.map((response) => /MAILBOX (\w+)/.exec(response)?.[1])).toEqual(["One", "Two"]);
    client.close();
    other.close();
  });
});
