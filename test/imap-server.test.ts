// What the IMAP server does beyond single dialogues: TLS, bounds, clients that do not read, faults of its own, its end.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { once } from "node:events";
import { constants, deflateRawSync } from "node:zlib";
import { afterEach, describe, expect, it, jest } from "@jest/globals";
import { startImapServer, type ImapServer, type ImapServerOptions } from "@pushmail/imap-idle-server";
import {
  LoginThrottle,
  openMailStore,
  openMemoryDriver,
  Refusal,
  type MailStore,
  type MailboxAt,
} from "@pushmail/mailstore";
import { within } from "./support/deadline.ts";
import { LineClient } from "./support/line-client.ts";
import { MemoryImap } from "./support/memory-imap.ts";
import { RawImap } from "./support/raw-imap.ts";
import { turnsOfEventLoop } from "./support/seeded-random.ts";
import { TEST_CERTIFICATE } from "./support/test-certificate.ts";

const LOGIN = { user: "ann@example.org", password: "secret" };
const INBOX = { ...LOGIN, mailbox: "INBOX" };

interface LogLine {
  readonly level: "trace" | "debug" | "info" | "warn" | "error";
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** A server with a store in memory and one account. */
interface Running {
  readonly server: ImapServer;
  readonly store: MailStore;
  readonly inbox: MailboxAt;
  readonly log: readonly LogLine[];
  readonly deliver: () => Promise<void>;
}

const ends: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

async function run(
  options: Partial<ImapServerOptions> & { readonly over?: Partial<MailStore> } = {},
): Promise<Running> {
  const { over = {}, ...rest } = options;
  const store = openMailStore(await openMemoryDriver(), { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 });
  const { id: account } = await store.createAccount({ address: LOGIN.user, password: LOGIN.password });
  const mailbox = (await store.mailbox(account, "INBOX"))?.id;
  if (mailbox === undefined) throw new Error("no INBOX");
  const log: LogLine[] = [];
  const at = (level: LogLine["level"]) => (fields: object, message: string) => {
    log.push({ level, fields: fields as LogLine["fields"], message });
  };
  const server = await startImapServer({
    store: overridden(store, over),
    host: "127.0.0.1",
    port: 0,
    hostname: "imap.example.org",
    log: { trace: at("trace"), debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") },
    ...rest,
    limits: { tickMs: 5, ...rest.limits },
  });
  ends.push(async () => {
    await server.close();
    await store.close();
  });
  async function deliver(): Promise<void> {
    const message = await store.stage(bytesOf("Subject: one\r\n\r\ntext\r\n"), { bytesMax: 1_000 });
    await store.append([{ account, mailbox: mailbox as MailboxAt["mailbox"], message }]);
  }
  return { server, store, inbox: { account, mailbox }, log, deliver };
}

/** The same store, with some of its methods replaced. */
function overridden(store: MailStore, over: Partial<MailStore>): MailStore {
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(name in over ? over : target, name);
      return typeof value === "function" ? value.bind(name in over ? over : target) : value;
    },
  });
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** Turns of the event loop until something is so. */
async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!isSo()) {
    if (Date.now() > deadline) throw new Error(`never came: ${what}`);
    await turnsOfEventLoop(1);
  }
}

describe("TLS", () => {
  it("comes first on a listener with implicit TLS, and the certificate can be replaced", async () => {
    const { server, deliver } = await run({ tls: TEST_CERTIFICATE, implicitTls: true });
    const client = await RawImap.connect(server.address, { tls: true });
    const { untagged } = await client.command("CAPABILITY");
    expect(untagged.join()).toContain("AUTH=PLAIN");
    expect(untagged.join()).not.toContain("STARTTLS");
    await client.ok(`LOGIN ${LOGIN.user} ${LOGIN.password}`);
    await client.ok("SELECT INBOX");
    await client.idle();
    server.setTls(TEST_CERTIFICATE);
    await deliver();
    expect(await client.next()).toBe("* 1 EXISTS");
    const third = await RawImap.connect(server.address, { tls: true });
    await third.ok("NOOP");
    for (const one of [client, third]) one.close();
  });

  it("of a version below 1.2 is refused", async () => {
    const { server } = await run({ tls: TEST_CERTIFICATE, implicitTls: true });
    const socket = connectTls({
      ...server.address,
      rejectUnauthorized: false,
      maxVersion: "TLSv1.1",
      minVersion: "TLSv1",
    });
    const [error] = (await within(once(socket, "error"), "an error")) as [NodeJS.ErrnoException];
    expect(error.code).toMatch(/SSL|TLS|ECONNRESET/);
    await until(() => server.connections === 0, "the end of the connection");
  });

  it("has a time for its handshake", async () => {
    let now = 0;
    const { server } = await run({ tls: TEST_CERTIFICATE, implicitTls: true, now: () => now });
    const socket = connectTcp(server.address);
    await within(once(socket, "connect"), "a connection");
    await until(() => server.connections === 1, "the connection");
    now += 60_000;
    await within(once(socket, "close"), "the end of the connection");
    await until(() => server.connections === 0, "the end of the session");
  });

  it("is needed before login from elsewhere than loopback", async () => {
    const { server } = await run({ tls: TEST_CERTIFICATE, isLocal: () => false });
    const client = await RawImap.connect(server.address);
    const { untagged } = await client.command("CAPABILITY");
    expect(untagged.join()).toMatch(/ STARTTLS LOGINDISABLED$/);
    const login = await client.command(`LOGIN ${LOGIN.user} ${LOGIN.password}`);
    expect(login.status).toMatch(/^NO \[PRIVACYREQUIRED\]/);
    const authenticate = await client.command("AUTHENTICATE PLAIN AGEAYg==");
    expect(authenticate.status).toMatch(/^NO \[PRIVACYREQUIRED\]/);
    client.close();
    const secured = await LineClient.connect(server.address);
    await secured.line();
    await secured.send("a STARTTLS\r\n", "whole");
    expect(await secured.line()).toBe("a OK Begin TLS now");
    await secured.startTls();
    await secured.send(`b LOGIN ${LOGIN.user} ${LOGIN.password}\r\n`, "whole");
    expect(await secured.line()).toMatch(/^b OK/);
    secured.destroy();
  });

  it("is not offered without a certificate", async () => {
    const { server } = await run();
    const client = await RawImap.connect(server.address);
    expect((await client.command("CAPABILITY")).untagged.join()).not.toContain("STARTTLS");
    expect((await client.command("STARTTLS")).status).toMatch(/^NO \[UNAVAILABLE\]/);
    client.close();
    await expect(run({ implicitTls: true })).rejects.toThrow("needs a key");
  });
});

it("begins nothing where the port is taken", async () => {
  const { server, store } = await run();
  const begun = jest.spyOn(globalThis, "setInterval");
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const starting = startImapServer({ store, log, hostname: "imap.example.org", ...server.address });
  await expect(starting).rejects.toMatchObject({ code: "EADDRINUSE" });
  expect(begun).not.toHaveBeenCalled();
  begun.mockRestore();
});

describe("bounds", () => {
  it.each([
    ["in all", { sessionsMax: 1 }, "[UNAVAILABLE] Too many connections, try again later"],
    ["of one address", { sessionsPerAddressMax: 1 }, "[LIMIT] Too many connections from your address"],
  ])("turn connections away that are too many %s, and take new ones when others have left", async (_, limits, why) => {
    const { server, log } = await run({ limits });
    const first = await RawImap.open(server.address, LOGIN);
    const second = await LineClient.connect(server.address);
    expect(await second.line()).toBe(`* BYE ${why}`);
    expect(await second.line()).toBeUndefined();
    second.destroy();
    expect(log.map(({ message }) => message)).toContain("turned away");
    expect(server.connections).toBe(1);
    first.close();
    await until(() => server.connections === 0, "the end of the first connection");
    const third = await RawImap.open(server.address, LOGIN);
    third.close();
  });

  it("take a place of the room that listeners share, and give it back", async () => {
    const counts = { taken: 0, given: 0 };
    const room = { share() {}, take: () => ++counts.taken > 0, give: () => void counts.given++ };
    const { server } = await run({ room });
    const client = await RawImap.open(server.address, LOGIN);
    client.close();
    await until(() => server.connections === 0, "the end of the connection");
    expect(counts).toEqual({ taken: 1, given: 1 });
  });

  it("hold back an idle client that does not read to what the network takes, and tell it the outcome in the end", async () => {
    const sockets: Socket[] = [];
    const onSocket = (message: unknown): void => void sockets.push((message as { readonly socket: Socket }).socket);
    subscribe("net.server.socket", onSocket);
    const { server, store, inbox, deliver } = await run();
    for (let i = 0; i < 100; i++) await deliver();
    const client = await RawImap.open(server.address, INBOX);
    unsubscribe("net.server.socket", onSocket);
    await client.idle();
    client.socket.pause();
    // Far more than the network takes for a client that does not read, were each change told by itself.
    let unsentMax = 0;
    for (let i = 0; i < 4_000; i++) {
      await store.setFlags(inbox, [[1, 100]], { mode: i % 2 === 0 ? "add" : "remove", flags: ["\\Flagged"] });
      if (i % 10 === 0) await turnsOfEventLoop(1);
      unsentMax = Math.max(unsentMax, ...sockets.map(({ writableLength }) => writableLength));
    }
    await store.setFlags(inbox, [[1, 100]], { mode: "add", flags: ["\\Seen"] });
    client.socket.resume();
    const isLast = (response: string): boolean => response.startsWith("* 100 FETCH") && response.includes("\\Seen");
    const told = await client.until(isLast, "the last change");
    expect(told.length).toBeLessThan(4_000 * 100);
    expect(unsentMax).toBeGreaterThan(0);
    expect(unsentMax).toBeLessThan(2 * 65_536);
    client.close();
  });
});

describe("a message", () => {
  it("that is faulty at its last octet leaves nothing of its command behind", async () => {
    const { server, log } = await run();
    const client = await LineClient.connect(server.address);
    await client.line();
    const lines = [`a LOGIN ${LOGIN.user} ${LOGIN.password}`, "b APPEND INBOX {5+}", "abcd\0", "c NOOP", ""];
    await client.send(lines.join("\r\n"), "whole");
    expect(await client.line()).toMatch(/^a OK/);
    expect(await client.line()).toBe("b BAD NUL in the message");
    expect(await client.line()).toBe("c OK NOOP completed");
    expect(log.filter(({ level }) => level === "error")).toEqual([]);
    client.destroy();
  });
});

describe("faults of the server's own", () => {
  it("are answered with SERVERBUG and logged with their stack, and the session goes on", async () => {
    const mailboxes = (): never => {
      throw new Error("the disk is on fire");
    };
    const { server, log } = await run({ over: { mailboxes } });
    const client = await RawImap.open(server.address, INBOX);
    const { status } = await client.command('LIST "" *');
    expect(status).toBe("NO [SERVERBUG] Internal error, the log says more");
    const stack = expect.stringContaining("the disk is on fire") as unknown;
    expect(log.find(({ level }) => level === "error")).toMatchObject({ fields: { command: "LIST", err: { stack } } });
    await client.ok("NOOP");
    client.close();
  });

  it("that leave open what the client was told end the session", async () => {
    const changes = (): Promise<never> => Promise.reject(new Error("no log"));
    const { server, log, deliver } = await run({ over: { changes }, limits: { changeRecordsMax: 1 } });
    const client = await RawImap.open(server.address, INBOX);
    // So many changes are more than may be read at once from memory.
    for (let i = 0; i < 2; i++) await deliver();
    await client.idle();
    expect(await client.next()).toMatch(/^\S+ NO \[SERVERBUG\]/);
    expect(await client.next()).toMatch(/^\* BYE Internal error/);
    await until(() => server.connections === 0, "the end of the session");
    expect(log.findLast(({ level }) => level === "error")).toMatchObject({ message: "session failed" });
  });
});

describe("a session that ends for what it cannot tell", () => {
  const APPEND = "APPEND INBOX {4+}\r\nmail";

  it("has answered the command that was carried out: nobody appends a message twice", async () => {
    const changes = (): Promise<never> => Promise.reject(new Error("no log"));
    const { server, store, inbox, deliver } = await run({ over: { changes }, limits: { changeRecordsMax: 1 } });
    const client = await RawImap.open(server.address, INBOX);
    for (let i = 0; i < 2; i++) await deliver();
    expect((await client.command(APPEND)).status).toMatch(/^OK \[APPENDUID \d+ 3\]/);
    expect(await client.next()).toMatch(/^\* BYE Internal error/);
    expect(await store.mailboxAt(inbox)).toMatchObject({ messages: 3 });
  });

  it("has so where its mailbox was deleted", async () => {
    const { server, store, inbox } = await run();
    const client = await RawImap.open(server.address, { ...LOGIN, mailbox: "Trash" });
    await store.deleteMailbox(inbox.account, "Trash");
    expect((await client.command(APPEND)).status).toMatch(/^OK \[APPENDUID \d+ 1\]/);
    expect(await client.next()).toBe("* BYE The mailbox was deleted");
  });
});

describe("the log", () => {
  it("has who logged in and who failed to, and never a password", async () => {
    const { server, log } = await run();
    const client = await RawImap.connect(server.address);
    await client.command(`LOGIN ${LOGIN.user} not-this-one`);
    await client.ok(`ID ("name" "Mail\\\\er" "note" "${"x".repeat(500)}")`);
    await client.command(`LOGIN ${"a".repeat(400)} x`);
    client.close();
    const failed = log.filter(({ message }) => message === "login failed");
    const fields = { address: LOGIN.user, failures: 1, client: "127.0.0.1" };
    expect(failed).toMatchObject([
      { level: "warn", fields },
      { level: "warn", fields: { ...fields, address: `${"a".repeat(320)}...`, failures: 2 } },
    ]);
    const identified = log.find(({ message }) => message === "client identified");
    expect(identified?.fields["id"]).toEqual({ name: "Mail\\er", note: "x".repeat(200) });
    expect(JSON.stringify(log)).not.toContain("not-this-one");
  });

  it("has why nobody could tell whether a login is right", async () => {
    const cause = new Error("no route to the issuer");
    const authenticate = async (): Promise<never> => {
      throw new Refusal("loginUnavailable", "try again later", { cause });
    };
    const { server, log } = await run({ over: { authenticate } });
    const client = await RawImap.connect(server.address);
    const { status } = await client.command(`LOGIN ${LOGIN.user} secret`);
    expect(status).toBe("NO [UNAVAILABLE] try again later");
    client.close();
    const fields = { client: "127.0.0.1", address: LOGIN.user, err: cause };
    expect(log).toContainEqual({ level: "warn", fields, message: "login not checked" });
  });

  it("has the commands after login, and of one that comes too late to log in no more than that", async () => {
    const { server, log } = await run();
    const client = await RawImap.open(server.address, INBOX);
    await client.command(`LOGIN ${LOGIN.user} secret`);
    await client.ok("UID SEARCH HEADER List-Id {3+}\r\nabc");
    await client.ok(`SEARCH${" ALL".repeat(60)}`);
    client.close();
    const told = log.filter(({ level }) => level === "trace").map(({ fields }) => fields["command"]);
    expect(told).toEqual([
      "SELECT INBOX",
      "UID SEARCH HEADER List-Id {3+}",
      `SEARCH${" ALL".repeat(60)}`.slice(0, 200),
    ]);
    expect(JSON.stringify(log)).not.toContain("secret");
  });
});

describe("a mailbox that is deleted while it is listed", () => {
  it("is told without its STATUS, and all the others with theirs (RFC 5819 3)", async () => {
    let meanwhile: (() => Promise<unknown>) | undefined;
    const imap = await MemoryImap.start({
      inPlace: (store) => ({
        open: async (at) => {
          await meanwhile?.();
          return store.open(at);
        },
      }),
    });
    ends.push(() => imap.close());
    const [client, other] = [await imap.open(), await imap.open()];
    await other.ok("CREATE Going");
    meanwhile = () => {
      meanwhile = undefined;
      return other.ok("DELETE Going");
    };
    expect(await client.ok('LIST "" (Going INBOX) RETURN (STATUS (RECENT) CHILDREN)')).toEqual([
      '* LIST (\\HasNoChildren) "/" INBOX',
      "* STATUS INBOX (RECENT 0)",
      '* LIST (\\HasNoChildren) "/" Going',
    ]);
  });
});

it("a mailbox of which the log no longer says what went behind SELECT is served as it was told", async () => {
  const imap = await MemoryImap.start({
    limits: { selectLoadMax: 1 },
    storeLimits: { vanishedRangesMax: 1 },
    inPlace: (store) => ({ changes: async (account) => ({ tooOld: true, through: await store.cursor(account) }) }),
  });
  ends.push(() => imap.close());
  await imap.append("Subject: one\r\n\r\n", { count: 8, flags: ["\\Deleted"] });
  const at = { account: imap.account.id, mailbox: (await imap.store.mailbox(imap.account.id, "INBOX"))!.id };
  await imap.store.expunge(at, [[2, 3]]);
  const client = await imap.open();
  expect(await client.ok("SELECT INBOX")).toContain("* 6 EXISTS");
  for (const uid of [5, 7]) await imap.store.expunge(at, [[uid, uid]]);
  const fetched = ["* 1 FETCH (UID 1)", "* 2 FETCH (UID 4)", "* 4 FETCH (UID 6)", "* 6 FETCH (UID 8)"];
  const { untagged } = await client.command("UID FETCH 1:* UID");
  expect(untagged).toEqual([...fetched, "* 5 EXPUNGE", "* 3 EXPUNGE"]);
  const uids = [1, 4, 6, 8].map((uid, row) => `* ${row + 1} FETCH (UID ${uid})`);
  expect(await client.ok("FETCH 1:* UID")).toEqual(uids);
  expect(imap.errors).toEqual([]);
});

describe("a mailbox that counts others than there are, which shows when it is read in", () => {
  /** Counts so many more than three; two that went are told from those that are lost. */
  async function start(more: number, selectLoadMax: number): Promise<MemoryImap> {
    const imap = await MemoryImap.start({
      limits: { selectLoadMax },
      inPlace: (store) => ({
        async open(at) {
          const handle = await store.open(at);
          const status = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(handle), "status")!.get!.bind(handle);
          const ready = handle.ready.bind(handle);
          let wrong = more;
          return Object.defineProperties(handle, {
            status: { get: () => ({ ...status(), messages: status().messages + wrong }) },
            ready: { value: () => ready().finally(() => (wrong = 0)) },
          });
        },
      }),
    });
    ends.push(() => imap.close());
    await imap.append("Subject: one\r\n\r\n", { count: 5, flags: ["\\Deleted"] });
    const at = { account: imap.account.id, mailbox: (await imap.store.mailbox(imap.account.id, "INBOX"))!.id };
    await imap.store.expunge(at, [[2, 3]]);
    return imap;
  }

  const ALL = ["* 1 FETCH (UID 1)", "* 2 FETCH (UID 4)", "* 3 FETCH (UID 5)"];

  it("is selected with what is there", async () => {
    const imap = await start(1, 10);
    const client = await imap.open();
    expect(await client.ok("SELECT INBOX")).toContain("* 3 EXISTS");
    expect(await client.ok("FETCH 1:* UID")).toEqual(ALL);
  });

  it("is served where it is so large that it is selected before, and what is lost is told as expunged", async () => {
    const imap = await start(1, 1);
    const client = await imap.open();
    expect(await client.ok("SELECT INBOX")).toContain("* 4 EXISTS");
    const { status, untagged } = await client.command("FETCH 1:* UID");
    expect([untagged, status]).toEqual([
      ["* 1 FETCH (UID 1)", "* 3 FETCH (UID 4)", "* 4 FETCH (UID 5)"],
      "NO [EXPUNGEISSUED] Some of the messages are no longer there",
    ]);
    expect(imap.errors).toEqual([expect.objectContaining({ mailbox: 1, lost: 1 })]);
    expect(await client.ok("NOOP")).toEqual(["* 2 EXPUNGE"]);
    expect(await client.ok("FETCH 1:* UID")).toEqual(ALL);
    await imap.append("Subject: two\r\n\r\n");
    expect(await client.ok("NOOP")).toContain("* 4 EXISTS");
  });

  it("is served where there are more than were told, which are told then", async () => {
    const imap = await start(-1, 1);
    const client = await imap.open();
    expect(await client.ok("SELECT INBOX")).toContain("* 2 EXISTS");
    expect(await client.ok("UID FETCH 1:* UID")).toEqual(["* 3 EXISTS", ...ALL]);
  });

  it("is searched as it is, and who has another one selected is told of no messages in that", async () => {
    const imap = await start(-1, 1);
    const client = await imap.open("Archive");
    expect(await client.ok("ESEARCH IN (mailboxes INBOX) ALL")).toEqual([
      expect.stringMatching(/^\* ESEARCH .* ALL 1,4:5$/),
    ]);
    expect(imap.errors).toEqual([]);
  });
});

describe("a client that has closed its side", () => {
  it("ends behind COMPRESS, which has nothing left to inflate", async () => {
    const sockets: Socket[] = [];
    const onSocket = (message: unknown): void => void sockets.push((message as { readonly socket: Socket }).socket);
    subscribe("net.server.socket", onSocket);
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    const { server } = await run({ over: { subscriptions: () => held.then(() => []) } });
    const client = await RawImap.open(server.address, LOGIN);
    unsubscribe("net.server.socket", onSocket);
    client.write('a LSUB "" *\r\nb COMPRESS DEFLATE\r\n');
    client.socket.end();
    await until(() => sockets[0]?.readableEnded === true, "the end of the input");
    goOn();
    expect(await client.next()).toBe("a OK LSUB completed");
    expect(await client.next()).toMatch(/^b OK/);
    await until(() => server.connections === 0, "the end of the session");
  });
});

describe("the end of the server", () => {
  it("lets a command under way come to its end", async () => {
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    let isIn = false;
    const over: Partial<MailStore> = {
      subscriptions: async () => {
        isIn = true;
        await held;
        return ["INBOX"];
      },
    };
    const { server } = await run({ over });
    const client = await RawImap.open(server.address, LOGIN);
    const answer = client.command('LSUB "" *');
    await until(() => isIn, "the command");
    const closed = server.close();
    await turnsOfEventLoop(20);
    goOn();
    expect(await answer).toMatchObject({ untagged: ['* LSUB () "/" INBOX'], status: "OK LSUB completed" });
    expect(await client.next()).toBe("* BYE The server is shutting down");
    client.socket.end();
    await within(closed, "the end of the server");
  });

  it("comes to hundreds in shares, between which others have their turn", async () => {
    const imap = await MemoryImap.start({ limits: { closeMs: 3_600_000 } });
    ends.push(() => imap.close());
    const clients: RawImap[] = [];
    for (let i = 0; i < 250; i++) clients.push(await RawImap.connect(imap.server.address));
    const told = (): number => imap.sockets.filter(({ writableEnded }) => writableEnded).length;
    const turn = turnsOfEventLoop(1);
    const closed = imap.server.close();
    await turn;
    expect(told()).toBe(100);
    for (const client of clients) {
      expect(await client.next()).toBe("* BYE The server is shutting down");
      client.socket.end();
    }
    await within(closed, "the end of the server");
  });

  it("does not wait for logins that have to wait", async () => {
    const throttle = new LoginThrottle({ limits: { loginDelayMs: 3_600_000, loginDelayMsMax: 3_600_000 } });
    const { server } = await run({ throttle, limits: { closeMs: 3_600_000 } });
    const clients = await Promise.all([1, 2, 3].map(() => RawImap.connect(server.address)));
    await clients[0]?.command(`LOGIN ${LOGIN.user} wrong`);
    for (const client of clients) client.write(`x LOGIN ${LOGIN.user} wrong\r\n`);
    const closed = server.close();
    for (const client of clients) {
      expect(await client.next()).toBe("* BYE The server is shutting down");
      client.socket.end();
    }
    await within(closed, "the end of the server");
  });

  it("does not wait for ever for the check of a password, and lets nobody in by it afterwards", async () => {
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    let isAsked = false;
    const over: Partial<MailStore> = {
      authenticate: async (...login) => {
        isAsked = true;
        await held;
        return store.authenticate(...login);
      },
    };
    let given = 0;
    const room = { share() {}, take: () => true, give: () => void given++ };
    const { server, store, log } = await run({ over, room, limits: { closeMs: 50 } });
    const client = await RawImap.connect(server.address);
    client.write(`x LOGIN ${LOGIN.user} ${LOGIN.password}\r\n`);
    await until(() => isAsked, "the login");
    await within(server.close(), "the end of the server");
    expect(server.connections).toBe(0);
    goOn();
    await until(() => log.some(({ message }) => message === "logged in"), "the end of the check");
    await turnsOfEventLoop(20);
    expect(log.filter(({ level }) => level === "error")).toEqual([]);
    expect(given).toBe(1);
    client.socket.destroy();
  });

  it("waits for what works on the store for one who has logged in, though the client is sent away", async () => {
    let goOn = (): void => undefined;
    const held = new Promise<void>((resolve) => (goOn = resolve));
    let isIn = false;
    const over: Partial<MailStore> = {
      subscriptions: () => {
        isIn = true;
        return held.then(() => []);
      },
    };
    const { server } = await run({ over, limits: { closeMs: 50 } });
    const client = await RawImap.open(server.address, LOGIN);
    client.write('x LSUB "" *\r\n');
    await until(() => isIn, "the command");
    let isClosed = false;
    const closed = server.close().then(() => (isClosed = true));
    await within(once(client.socket, "close"), "the end of the connection");
    await turnsOfEventLoop(20);
    expect([isClosed, server.connections]).toEqual([false, 1]);
    goOn();
    await within(closed, "the end of the server");
  });

  it("does not wait for what a client has not sent yet: not for the rest of a message, of which nothing stays", async () => {
    const { server, store, inbox } = await run({ limits: { closeMs: 3_600_000 } });
    const waiting = ["APPEND INBOX {1000}", "APPEND INBOX {5+}\r\nwhole {1000}", "LSUB {1000}", "IDLE"];
    const clients: RawImap[] = [];
    for (const command of [...waiting, "AUTHENTICATE PLAIN"]) {
      const isGuest = command.startsWith("AUTHENTICATE");
      const client = await (isGuest ? RawImap.connect(server.address) : RawImap.open(server.address, LOGIN));
      client.write(`a ${command}\r\n`);
      expect(await client.next()).toMatch(/^\+ /);
      client.write("half");
      clients.push(client);
    }
    const closed = server.close();
    for (const client of clients) {
      expect(await client.next()).toBe("* BYE The server is shutting down");
      client.socket.end();
    }
    await within(closed, "the end of the server");
    expect((await store.quota(inbox.account)).messages).toBe(0);
  });

  it("does not wait for a handshake, nor for the end of a client's compression", async () => {
    const limits = { closeMs: 3_600_000 };
    const begun = await run({ tls: TEST_CERTIFICATE, implicitTls: true, limits });
    const deflated = await run({ limits });
    const socket = connectTcp(begun.server.address);
    const client = await RawImap.open(deflated.server.address, LOGIN);
    await client.compress();
    // It is carried out, but there is no flush behind it.
    const octets = deflateRawSync(Buffer.from("x UNAUTHENTICATE\r\n"), { finishFlush: constants.Z_PARTIAL_FLUSH });
    client.socket.write(octets);
    expect(await client.next()).toMatch(/^x OK /);
    await until(() => begun.server.connections === 1, "the connection");
    const closed = [begun, deflated].map(({ server }) => server.close());
    expect(await client.next()).toBe("* BYE The server is shutting down");
    client.close();
    await within(Promise.all(closed), "the end of the servers");
    socket.destroy();
  });

  it.each([
    { closeMs: 50, closeLingerMs: 3_600_000, lingerMs: 3_600_000 },
    { closeMs: 3_600_000, closeLingerMs: 50, lingerMs: 3_600_000 },
  ])("does not wait for ever for a client that stays (%j)", async (limits) => {
    const { server } = await run({ limits });
    const socket = connectTcp({ ...server.address, allowHalfOpen: true });
    await within(once(socket, "data"), "the greeting");
    await within(server.close(), "the end of the server");
    socket.destroy();
  });
});

it("serves as ever where its log throws", async () => {
  const full = (): never => {
    throw new Error("the log is full");
  };
  const { server } = await run({ log: { trace: full, debug: full, info: full, warn: full, error: full } });
  const client = await RawImap.open(server.address, LOGIN);
  client.write("x NONE\r\n");
  await client.until((response) => response.startsWith("x BAD"), "the answer");
  await client.ok("SELECT INBOX");
});
