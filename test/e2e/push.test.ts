// Mail in by SMTP, told to whoever waits in IDLE: against the built server in a process of its own.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ImapFlow } from "imapflow";
import { createTransport } from "nodemailer";
import { once } from "node:events";
import { makeDataDirectory, type DataDirectory } from "../support/data-directory.ts";
import { within } from "../support/deadline.ts";
import { RawImap } from "../support/raw-imap.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { seededRandom, testSeed, turnsOfEventLoop } from "../support/seeded-random.ts";
import { ServerProcess, type Address } from "../support/server-process.ts";

const USERS = ["ann", "ben", "cat", "dan", "eve", "fay", "gus", "hal"].map((name) => `${name}@example.org`);
const PASSWORD = "secret";

let directory: DataDirectory;
let server: ServerProcess;
let imap: Address;
let smtp: Address;

beforeAll(async () => {
  directory = await makeDataDirectory(USERS.map((user) => `${user}:${PASSWORD}`));
  server = await ServerProcess.start(["--data", directory.data, "--users", directory.users]);
  ({ imap, smtp } = server.ready as { imap: Address; smtp: Address });
});

afterAll(async () => {
  await server.end();
  ServerProcess.killAll();
  await directory.remove();
});

function open(user: string, mailbox = "INBOX"): Promise<RawImap> {
  return RawImap.open(imap, { user, password: PASSWORD, mailbox });
}

function flowOf(user: string): ImapFlow {
  const auth = { user, pass: PASSWORD };
  return new ImapFlow({ ...imap, secure: false, auth, tls: { rejectUnauthorized: false }, logger: false });
}

function existsOf(responses: readonly string[]): number[] {
  return responses.flatMap((response) => {
    const match = /^\* (\d+) EXISTS$/.exec(response);
    return match === null ? [] : [Number(match[1])];
  });
}

describe("a mail that nodemailer sends", () => {
  it("is told to imapflow of another user, in IDLE in the mailbox that was shared", async () => {
    const [owner, user] = ["gus@example.org", "hal@example.org"];
    const ownersSession = await open(owner);
    await ownersSession.ok(`SETACL INBOX ${user} lrs`);
    const client = flowOf(user);
    await client.connect();
    const path = `Other Users/${owner}/INBOX`;
    expect((await client.list()).map((mailbox) => mailbox.path)).toContain(path);
    const opened = await client.mailboxOpen(path);
    expect([...(opened.permanentFlags ?? [])]).toEqual(["\\Seen"]);
    const told = once(client, "exists");
    const idling = client.idle();
    const transport = createTransport({ host: smtp.host, port: smtp.port, secure: false, ignoreTLS: true });
    await transport.sendMail({ from: "x@example.net", to: owner, subject: "for two", text: "both are told" });
    const [event] = (await within(told, "imapflow's exists event")) as [{ path: string; count: number }];
    expect(event).toMatchObject({ path, count: 1, prevCount: 0 });
    const fetched = await client.fetchOne("*", { envelope: true });
    expect(fetched === false ? "" : fetched.envelope?.subject).toBe("for two");
    await client.messageFlagsAdd("*", ["\\Seen"]);
    await idling;
    await client.logout();
    transport.close();
    await ownersSession.ok("NOOP");
    expect((await ownersSession.ok("FETCH 1 FLAGS")).join("")).toContain("\\Seen");
    ownersSession.close();
  });

  it("is told to imapflow in IDLE, and its bytes are the ones sent", async () => {
    const user = "ann@example.org";
    const client = flowOf(user);
    await client.connect();
    await client.mailboxOpen("INBOX");
    const raw = [
      "From: Bob <bob@example.net>",
      `To: <${user}>`,
      "Subject: =?utf-8?q?sch=C3=B6n?=",
      "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: 8bit",
      "",
      ".a line that begins with a dot",
      "..",
      "täglich",
      "x".repeat(900),
      "",
    ].join("\r\n");
    const told = once(client, "exists");
    const idling = client.idle();
    const transport = createTransport({ host: smtp.host, port: smtp.port, secure: false, ignoreTLS: true });
    await transport.sendMail({ envelope: { from: "bob@example.net", to: [user] }, raw });
    const [event] = (await within(told, "imapflow's exists event")) as [{ count: number; prevCount: number }];
    expect(event).toMatchObject({ count: 1, prevCount: 0 });
    const fetched = await client.fetchOne("1", { source: true, envelope: true, uid: true });
    await idling;
    if (fetched === false) throw new Error("no message 1");
    const source = fetched.source?.toString("utf8") ?? "";
    expect(source.endsWith(raw)).toBe(true);
    const added = source.slice(0, -raw.length);
    expect(added).toMatch(/^Return-Path: <bob@example\.net>\r\nReceived: from [^]*\r\n$/);
    expect(fetched.envelope?.subject).toBe("schön");
    await client.logout();
    transport.close();
  });
});

describe("many who wait", () => {
  it("hear of each of 200 mails, all 50 of them", async () => {
    const user = "ben@example.org";
    const sessions = await Promise.all(Array.from({ length: 50 }, () => open(user)));
    await Promise.all(sessions.map((session) => session.idle()));
    const sender = await RawSmtp.connect(smtp);
    for (let mail = 1; mail <= 200; mail++) {
      expect(await sender.send(user, `Subject: ${mail}\n\nhello`)).toMatch(/^250 /);
      const heard = await Promise.all(
        sessions.map((session) => session.until((response) => response.endsWith(" EXISTS"), `mail ${mail}`)),
      );
      for (const responses of heard) expect(existsOf(responses)).toEqual([mail]);
    }
    await Promise.all(sessions.map((session) => session.done()));
    for (const session of [...sessions, sender]) session.close();
  });

  it("never miss a mail that lands while they enter or leave IDLE", async () => {
    const user = "cat@example.org";
    const random = seededRandom(testSeed());
    const session = await open(user);
    const sender = await RawSmtp.connect(smtp);
    let known = 0;
    let sent = 0;
    const take = (responses: readonly string[]): void => {
      for (const exists of existsOf(responses)) {
        expect(exists).toBeGreaterThan(known);
        known = exists;
      }
    };
    let sending = Promise.resolve();
    const send = (): Promise<void> => {
      const turns = Math.floor(random() * 6);
      sending = sending.then(async () => {
        await turnsOfEventLoop(turns);
        expect(await sender.send(user, `Subject: ${sent + 1}\n\n`)).toMatch(/^250 /);
        sent++;
      });
      return sending;
    };
    for (let round = 0; round < 3000; round++) {
      // Somewhere around the IDLE: while it is entered, while it lasts, or while it is left.
      const first = random() < 0.7 ? send() : Promise.resolve();
      await turnsOfEventLoop(Math.floor(random() * 4));
      take(await session.idle());
      const second = random() < 0.5 ? send() : Promise.resolve();
      await first;
      if (random() < 0.5) {
        await second;
        while (known < sent) take(await session.until((response) => response.endsWith(" EXISTS"), `mail ${sent}`));
      }
      take(await session.done());
      await second;
      if (random() < 0.2) take(await session.ok("NOOP"));
      if (random() < 0.2) expect(known).toBeLessThanOrEqual(sent);
    }
    take(await session.ok("NOOP"));
    expect(known).toBe(sent);
    expect(sent).toBeGreaterThan(2000);
    session.close();
    sender.close();
  }, 120_000);
});

describe("a live search", () => {
  it("has a mail that comes by SMTP among its results at once, in IDLE", async () => {
    const user = "fay@example.org";
    const session = await open(user);
    const sender = await RawSmtp.connect(smtp);
    const [search] = await session.ok("UID SEARCH RETURN (UPDATE (UID ENVELOPE) COUNT) FROM boss UNSEEN");
    const [sort] = await session.ok("UID SORT RETURN (UPDATE COUNT) (SUBJECT) UTF-8 ALL");
    const tagOf = (response = ""): string => /TAG "(\w+)"/.exec(response)?.[1] ?? "";
    await session.idle();
    expect(await sender.send(user, "From: boss@example.net\nSubject: raise\n\n")).toMatch(/^250 /);
    const told = await session.until((response) => response.includes(tagOf(sort)), "the first mail");
    expect(told).toEqual([
      "* 1 EXISTS",
      "* 1 RECENT",
      expect.stringMatching(/^\* 1 FETCH \(UID 1 ENVELOPE \(NIL "raise" \(\(NIL NIL "boss" "example\.net"\)\)/),
      `* ESEARCH (TAG "${tagOf(search)}") UID ADDTO (0 1)`,
      `* ESEARCH (TAG "${tagOf(sort)}") UID ADDTO (1 1)`,
    ]);
    expect(await sender.send(user, "From: spam@example.com\nSubject: offer\n\n")).toMatch(/^250 /);
    const more = await session.until((response) => response.includes(tagOf(sort)), "the second mail");
    expect(more).toEqual(["* 2 EXISTS", "* 2 RECENT", `* ESEARCH (TAG "${tagOf(sort)}") UID ADDTO (1 2)`]);
    await session.done();
    session.close();
    sender.close();
  });
});

describe("what one session does", () => {
  it("reaches the others in IDLE: flags, expunges, appends, moves", async () => {
    const user = "dan@example.org";
    const sender = await RawSmtp.connect(smtp);
    for (const subject of ["a", "b", "c"]) await sender.send(user, `Subject: ${subject}\n\n`);
    const [doer, watcher, elsewhere] = await Promise.all([open(user), open(user), open(user, "Archive")]);
    await Promise.all([watcher.idle(), elsewhere.idle()]);

    await doer.ok("STORE 2 +FLAGS (\\Seen $Work)");
    const flagsTold = await watcher.until((response) => response.startsWith("* 2 FETCH"), "the flags");
    expect(flagsTold.at(-1)).toMatch(/^\* 2 FETCH \(.*FLAGS \(\\Seen (\\Recent )?\$Work( \\Recent)?\).*\)$/);

    await doer.ok("STORE 1,3 +FLAGS.SILENT (\\Deleted)");
    await watcher.until((response) => response.startsWith("* 3 FETCH"), "the deletion marks");
    await doer.ok("EXPUNGE");
    expect((await watcher.until((response) => response.endsWith(" 1 EXPUNGE"), "the expunges")).toSorted()).toEqual(
      ["* 1 EXPUNGE", "* 3 EXPUNGE"]
        .toSorted()
        .map((line) => expect.stringMatching(line === "* 3 EXPUNGE" ? /^\* [23] EXPUNGE$/ : /^\* 1 EXPUNGE$/)),
    );

    doer.write("X APPEND INBOX {14+}\r\nSubject: d\r\n\r\n\r\n");
    await doer.until((response) => response.startsWith("X OK"), "the append");
    await watcher.until((response) => response === "* 2 EXISTS", "the append");

    await doer.ok("MOVE 1:2 Archive");
    expect(existsOf(await elsewhere.until((response) => response.endsWith(" EXISTS"), "the move"))).toEqual([2]);
    await watcher.until((response) => response === "* 1 EXPUNGE", "the move's expunges");
    await Promise.all([watcher.done(), elsewhere.done()]);
    for (const session of [doer, watcher, elsewhere, sender]) session.close();
  });
});

describe("a restart", () => {
  it("keeps everything: mails, flags, mailboxes, UIDs, cursors", async () => {
    const user = "eve@example.org";
    const own = await makeDataDirectory([`${user}:${PASSWORD}`]);
    const args = ["--data", own.data, "--users", own.users];
    let instance = await ServerProcess.start(args);
    const sender = await RawSmtp.connect(instance.ready.smtp as Address);
    for (const subject of ["a", "b", "c"]) await sender.send(user, `Subject: ${subject}\n\nbody of ${subject}`);
    const login = { user, password: PASSWORD, mailbox: "INBOX" };
    const state = async (session: RawImap): Promise<unknown> => [
      await session.ok("STATUS Kept (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"),
      (await session.ok("UID FETCH 1:* (FLAGS INTERNALDATE BODY.PEEK[] MODSEQ)")).map((line) =>
        line.replace(/ ?\\Recent/, "").replace("FLAGS ( ", "FLAGS ("),
      ),
      (await session.ok('LIST "" "*"')).toSorted(),
    ];
    let session = await RawImap.open(instance.ready.imap as Address, login);
    await session.ok("CREATE Kept");
    await session.ok("COPY 1:2 Kept");
    await session.ok("STORE 2 +FLAGS (\\Flagged $Kept)");
    await session.ok("STORE 1 +FLAGS (\\Deleted)");
    await session.ok("EXPUNGE");
    const before = await state(session);
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      const code = await instance.end(signal);
      expect(code).toBe(signal === "SIGTERM" ? 0 : null);
      instance = await ServerProcess.start(args);
      session = await RawImap.open(instance.ready.imap as Address, login);
      expect(await state(session)).toEqual(before);
    }
    await instance.end();
    await own.remove();
  });
});
