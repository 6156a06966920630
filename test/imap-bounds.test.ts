// Bounds of IMAP on what is done at once: lowered to next to nothing they change no answer, only the steps it is given
// in; and what a client sends while it waits is read no further than they say.
import { Server, type Socket } from "node:net";
import { describe, expect, it, jest } from "@jest/globals";
import { DEFAULT_IMAP_LIMITS, type ImapLimits } from "@pushmail/imap-idle-server";
import { within } from "./support/deadline.ts";
import { LineClient } from "./support/line-client.ts";
import { memoryImapOfTest, type MemoryImap } from "./support/memory-imap.ts";
import { RawImap } from "./support/raw-imap.ts";
import { turnsOfEventLoop } from "./support/seeded-random.ts";

const start = memoryImapOfTest();

const COMMANDS: readonly string[] = [
  "FETCH 1:* (UID FLAGS RFC822.SIZE ENVELOPE)",
  "FETCH 1:* (UID BODYSTRUCTURE)",
  "FETCH 1:* (BODY.PEEK[HEADER.FIELDS (Subject X-Late)] BODY.PEEK[1])",
  "FETCH 3:9 (BODY.PEEK[] BODY.PEEK[TEXT]<5.40>)",
  "FETCH 2:5 BODY[TEXT]",
  "SEARCH TEXT needle",
  "SEARCH OR SUBJECT 7 BODY needle",
  "SEARCH NOT HEADER X-Late yes",
  "SEARCH LARGER 300 SINCE 1-Jan-2020",
  "STORE 1:4 +FLAGS (\\Flagged)",
  "SEARCH FLAGGED",
  "UID COPY 1:3 Archive",
];

async function fill(imap: MemoryImap): Promise<void> {
  for (let i = 1; i <= 12; i++) {
    const late = `${"X-Early: yes\r\n".repeat(i)}X-Late: ${i % 2 === 0 ? "yes" : "no"}\r\n`;
    const text = `${"straw ".repeat(12 * i)}\r\n`.repeat(3) + (i % 3 === 0 ? "needle\r\n" : "");
    await imap.append(`From: a@b\r\nSubject: number ${i}\r\n${late}\r\n${text}`, { internalDateMs: 1.7e12 });
  }
}

async function answers(imap: MemoryImap): Promise<string[]> {
  const client = await imap.open("INBOX");
  const said: string[] = [];
  for (const command of COMMANDS) {
    const { untagged, status } = await client.command(command);
    said.push(...untagged, status.replace(/COPYUID \d+/, "COPYUID"));
  }
  client.close();
  return said;
}

const { fetch: FETCH, search: SEARCH } = DEFAULT_IMAP_LIMITS;
const LOWERED: Partial<ImapLimits> = {
  fetch: { ...FETCH, batchMessagesMax: 2, heldOctetsMax: 300, groupOctetsMax: 400 },
  search: {
    ...SEARCH,
    batchMessagesMax: 2,
    detailedMessagesMax: 2,
    heldOctetsMax: 300,
    groupOctetsMax: 400,
    lineBytesMax: 20,
  },
  outputBytesMax: 100,
  inputBytesMax: 10,
  selectLoadMax: 1,
};

describe("bounds of what is done at once", () => {
  it("change no answer", async () => {
    const usual = await start();
    await fill(usual);
    const expected = await answers(usual);
    expect(usual.work).toMatchObject({ messagesAtOnceMax: 12 });
    expect(usual.work.octetsAtOnceMax).toBeGreaterThan(2_000);
    await usual.close();
    const low = await start({ limits: LOWERED });
    await fill(low);
    expect(await answers(low)).toEqual(expected);
    expect(low.errors).toEqual([]);
    expect(low.work.messagesAtOnceMax).toBeLessThanOrEqual(2);
    // A group is full with the message that reaches its bound.
    expect(low.work.octetsAtOnceMax).toBeLessThan(400 + 300);
  });

  it("of a search in texts are of how many messages it holds the summaries", async () => {
    const imap = await start({ limits: { search: { ...SEARCH, detailedMessagesMax: 3 } } });
    await fill(imap);
    const client = await imap.open("INBOX");
    expect(await client.ok("SEARCH TEXT needle")).toEqual(["* SEARCH 3 6 9 12"]);
    expect(imap.work.messagesAtOnceMax).toBe(3);
    client.close();
  });

  it("of what STATUS counts are that it counts it once, however often it is asked for", async () => {
    const imap = await start();
    await imap.append("Subject: one\r\n\r\n", { count: 10, flags: ["\\Deleted"] });
    const client = await imap.open();
    const item = "DELETED-STORAGE";
    const [one] = await client.ok(`STATUS INBOX (${item})`);
    expect(imap.work.metadata).toBe(10);
    expect(await client.ok(`STATUS INBOX (${`${item} `.repeat(1_000)}${item})`)).toEqual([one]);
    expect(await client.ok(`LIST "" INBOX RETURN (STATUS (${item} ${item}))`)).toContain(one);
    expect(imap.work.metadata).toBe(30);
    client.close();
  });

  it("of a header are how far it is searched for fields", async () => {
    const headerBytesMax = 100;
    const imap = await start({
      limits: { fetch: { ...FETCH, headerBytesMax }, search: { ...SEARCH, headerBytesMax } },
    });
    await imap.append(`X-Early: yes\r\nX-Long: ${"x".repeat(100)}\r\nX-Late: yes\r\n\r\ntext\r\n`);
    const client = await imap.open("INBOX");
    const [told] = await client.ok("FETCH 1 BODY.PEEK[HEADER.FIELDS (X-Early X-Late)]");
    expect(told).toContain("X-Early: yes\r\n");
    expect(told).not.toContain("X-Late: ");
    expect(await client.ok("SEARCH HEADER X-Early yes")).toEqual(["* SEARCH 1"]);
    expect(await client.ok("SEARCH HEADER X-Late yes")).toEqual(["* SEARCH"]);
    // So much of it is told in ASCII to who reads no other.
    await imap.append(`Subject: \u00fc\r\nX-Long: ${"x".repeat(100)}\r\nX-Late: yes\r\n\r\ntext\r\n`);
    await client.ok("NOOP");
    const [whole] = await client.ok("FETCH 2 BODY.PEEK[]");
    expect(whole).toMatch(/\r\nSubject: =\?UTF-8\?B\?w7w=\?=\r\n\r\ntext\r\n\)$/);
    const [fields] = await client.ok("FETCH 2 BODY.PEEK[HEADER.FIELDS (Subject X-Late)]");
    expect(fields).toMatch(/\r\nSubject: =\?UTF-8\?B\?w7w=\?=\r\n\r\n\)$/);
    client.close();
  });

  it("of output leave nothing out behind it", async () => {
    const imap = await start({ limits: { outputBytesMax: 1 } });
    await imap.append("Subject: one\r\n\r\n", { count: 3, flags: ["\\Deleted"] });
    const client = await imap.open();
    await client.ok("ENABLE QRESYNC");
    await client.ok("SELECT INBOX");
    await client.idle();
    const inbox = await imap.store.mailbox(imap.account.id, "INBOX");
    const { cursor } = await imap.store.expunge({ account: imap.account.id, mailbox: inbox!.id }, [[2, 2]]);
    expect(await client.next()).toBe("* VANISHED 2");
    expect(await client.next()).toBe(`* OK [HIGHESTMODSEQ ${cursor}] Highest`);
    client.close();
  });

  it("of output are what one write has, but for its last response", async () => {
    const imap = await start({ limits: { outputBytesMax: 1_000 } });
    await imap.append("Subject: one of many\r\n\r\n", { count: 1_000 });
    const client = await imap.open("INBOX");
    const socket = imap.sockets[0] as Socket;
    const writes: number[] = [];
    const write = socket.write.bind(socket) as (data: string | Uint8Array, ...rest: unknown[]) => boolean;
    Object.assign(socket, {
      write: (data: string | Uint8Array, ...rest: unknown[]) => {
        writes.push(data.length);
        return write(data, ...rest);
      },
    });
    expect(await client.ok("FETCH 1:* FLAGS")).toHaveLength(1_000);
    expect(writes.length).toBeGreaterThan(10);
    expect(Math.max(...writes)).toBeLessThan(1_000 + 100);
    client.close();
  });
});

describe("a mailbox in which nothing happens while much does in others", () => {
  it("is told of what comes at last as quickly as ever: of the others nothing is read", async () => {
    const imap = await start({ limits: { changeRecordsMax: 2 }, storeLimits: { recentRecordsMax: 2 } });
    const other = await imap.store.createMailbox(imap.account.id, "Elsewhere");
    const happen = (): Promise<unknown> =>
      Promise.all(Array.from({ length: 9 }, () => imap.append("x", { mailbox: other.id })));
    await happen();
    const [client, idler] = [await imap.open("INBOX"), await imap.open("INBOX")];
    await idler.idle();
    await imap.append("Subject: news\r\n\r\n");
    expect(await idler.until((told) => told.endsWith("EXISTS"), "the news")).toContain("* 1 EXISTS");
    expect(await client.ok("NOOP")).toEqual(["* 1 EXISTS"]);
    await happen();
    expect(await client.ok("NOOP")).toEqual([]);
    expect(await client.ok("STORE 1 +FLAGS.SILENT (\\Flagged)")).toEqual([]);
    expect(await idler.until((told) => told.includes("FETCH"), "the flag")).toContain(
      "* 1 FETCH (UID 1 FLAGS (\\Flagged \\Recent))",
    );
    expect(imap.work.changeReads).toBe(0);
    expect(imap.errors).toEqual([]);
  });
});

describe("commands that come together", () => {
  const NOOPS = 50;

  it("are answered in their order, and not each in a write of its own", async () => {
    const imap = await start();
    const client = await imap.open("INBOX");
    const socket = imap.sockets[0] as Socket;
    const write = jest.spyOn(socket, "write");
    const tags = Array.from({ length: NOOPS }, (_, i) => `t${i}`);
    client.write(tags.map((tag) => `${tag} NOOP\r\n`).join(""));
    const answers = tags.map(() => client.next("an answer"));
    expect(await Promise.all(answers)).toEqual(tags.map((tag) => `${tag} OK NOOP completed`));
    expect(write.mock.calls.length).toBeLessThan(NOOPS);
    client.close();
  });

  it("leave a turn to others behind each that took long", async () => {
    const imap = await start();
    const client = await imap.open("INBOX");
    let nowMs = performance.now();
    const clock = jest.spyOn(performance, "now").mockImplementation(() => (nowMs += 1_000));
    const write = jest.spyOn(imap.sockets[0] as Socket, "write");
    client.write("t NOOP\r\n".repeat(NOOPS));
    for (let i = 0; i < NOOPS; i++) expect(await client.next("an answer")).toBe("t OK NOOP completed");
    // What is said in one turn leaves in one write.
    expect(write).toHaveBeenCalledTimes(NOOPS);
    clock.mockRestore();
    client.close();
  });

  it("are answered though the next one has to wait", async () => {
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const imap = await start({ beforePiece: () => held });
    await imap.append("Subject: slow\r\n\r\ntext\r\n");
    const client = await imap.open("INBOX");
    client.write("t1 NOOP\r\nt2 NOOP\r\nt3 FETCH 1 BODY.PEEK[]\r\nt4 NOOP\r\n");
    await client.until((response) => response.startsWith("t2 OK"), "the answer before it");
    goOn();
    await client.until((response) => response.startsWith("t4 OK"), "the answer behind it");
    client.close();
  });
});

describe("input", () => {
  it("that comes while a command is carried out is read up to inputBytesMax, and what the socket gives at once", async () => {
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const imap = await start({ limits: { inputBytesMax: 1_000 }, beforePiece: () => held });
    await imap.append("Subject: slow\r\n\r\ntext\r\n");
    const client = await imap.open("INBOX");
    const socket = imap.sockets[0] as Socket;
    const commands = 200_000;
    client.write(`x FETCH 1 BODY[]\r\n${"y NOOP\r\n".repeat(commands)}`);
    const full = async (): Promise<void> => {
      while (!socket.isPaused()) await turnsOfEventLoop(1);
    };
    await within(full(), "a pause");
    await turnsOfEventLoop(500);
    expect(socket.bytesRead).toBeLessThan(3 * 65_536);
    goOn();
    await client.until((response) => response.startsWith("x "), "the end of FETCH");
    client.close();
  });
});

describe("who has not logged in", () => {
  const MINUTE_MS = 60_000;

  it("neither gives way nor has had all of its time while its password is looked at", async () => {
    let nowMs = 0;
    let [asked, goOn]: (() => void)[] = [];
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const imap = await start({
      limits: { sessionsBeforeLoginMax: 1, loginTimeoutMs: MINUTE_MS, tickMs: 1 },
      now: () => nowMs,
      inPlace: (store) => ({
        async authenticate(...login) {
          asked!();
          await held;
          return store.authenticate(...login);
        },
      }),
    });
    const client = await RawImap.connect(imap.server.address);
    client.write("a LOGIN alice@example.org secret\r\n");
    await isAsked;
    nowMs = 2 * MINUTE_MS;
    const turnedAway = await LineClient.connect(imap.server.address);
    expect(await turnedAway.line()).toBe("* BYE [UNAVAILABLE] Too many logins at once, try again later");
    turnedAway.destroy();
    goOn!();
    expect(await client.next()).toMatch(/^a OK/);
    client.close();
  });

  it("gives way to newcomers once there are sessionsBeforeLoginMax, but not within loginGraceMs", async () => {
    let nowMs = 0;
    const limits = { sessionsBeforeLoginMax: 2, loginGraceMs: MINUTE_MS, loginTimeoutMs: 60 * MINUTE_MS };
    const imap = await start({ limits, now: () => nowMs });
    const inside = await imap.open("INBOX");
    const first = await RawImap.connect(imap.server.address);
    nowMs = 1;
    const second = await RawImap.connect(imap.server.address);
    nowMs = MINUTE_MS - 1;
    const turnedAway = await LineClient.connect(imap.server.address);
    expect(await turnedAway.line()).toBe("* BYE [UNAVAILABLE] Too many logins at once, try again later");
    turnedAway.destroy();
    nowMs = MINUTE_MS;
    const third = await RawImap.connect(imap.server.address);
    expect(await first.next()).toBe("* BYE [UNAVAILABLE] Others wait for a login, try again later");
    for (const client of [inside, second, third]) await client.ok("NOOP");
    // Who has logged in makes room, and never has to.
    await second.ok("LOGIN alice@example.org secret");
    const fourth = await RawImap.connect(imap.server.address);
    for (const client of [inside, second, third, fourth]) {
      await client.ok("NOOP");
      client.close();
    }
  });
});

it("connections that wait to be accepted are limits.imap.backlog", async () => {
  const listen = jest.spyOn(Server.prototype, "listen");
  await start({ limits: { backlog: 123 } });
  expect(listen.mock.calls).toEqual([[expect.objectContaining({ backlog: 123 })]]);
  listen.mockRestore();
});

it("LIST looks at the rights alone of what others have and do not share", async () => {
  const imap = await start();
  const { store, account } = imap;
  const bob = await store.createAccount({ address: "bob@example.org", password: "secret" });
  const [shared] = await Promise.all(["One", "Two", "Three"].map((name) => store.createMailbox(bob.id, name)));
  const at = { account: bob.id, mailbox: shared?.id as NonNullable<typeof shared>["id"] };
  await store.setRights(at, { identifier: account.address, mode: "replace", rights: "lr" });
  const named = new Set<string>();
  const mailboxes = store.mailboxes.bind(store);
  store.mailboxes = async (id) => {
    const watch = (name: string): string => {
      if (id === bob.id) named.add(name);
      return name;
    };
    return (await mailboxes(id)).map((status) => ({
      ...status,
      get name() {
        return watch(status.name);
      },
    }));
  };
  const client = await imap.open();
  const listed = await client.ok('LIST "" "Other Users/*"');
  expect(listed).toContainEqual(expect.stringContaining("bob@example.org/One"));
  expect([...named]).toEqual(["One"]);
});
