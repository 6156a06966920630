// CR, LF, NUL and other controls that a stranger puts wherever texts of his are told again: in IMAP responses, in SMTP
// replies, in the header of a mail, in the log. No line is ended, none is begun, and no terminal obeys.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "@jest/globals";
import { once } from "node:events";
import { ALICE, AttackedServer, PASSWORD } from "../support/attacked-server.ts";
import { makeDataDirectory, type DataDirectory } from "../support/data-directory.ts";
import { within } from "../support/deadline.ts";
import { LineClient } from "../support/line-client.ts";
import { RawImap } from "../support/raw-imap.ts";
import { ServerProcess, type Address } from "../support/server-process.ts";

/** What ends a line, or a text within it, in one reader or another. */
const EVIL: readonly string[] = [
  "\r\n* 99 EXISTS\r\n",
  "\n* 99 EXISTS\n",
  "\r* 99 EXISTS\r",
  "\0* 99 EXISTS\0",
  '") * 99 EXISTS',
  '\\") * 99 EXISTS',
  "{99}\r\n* 99 EXISTS",
  "\x1b[2J\x9b2J\x07\x7f",
  "\xc2\x85* 99 EXISTS\xe2\x80\xa8\xe2\x80\xae",
  "\xff\xfe\xed\xa0\x80",
];
const CONTROL = /\p{Cc}/u;

let server: AttackedServer;

beforeAll(async () => {
  server = await AttackedServer.start({ smtp: { authFailureDelayMs: 0 }, login: { loginDelayMs: 0 } });
});

afterAll(async () => {
  expect(server.faults).toEqual([]);
  await server.stop();
});

describe("IMAP responses", () => {
  /** What stands outside of literals. */
  function withoutLiterals(response: string): string {
    const literal = /~?\{(\d+)\}\r\n/.exec(response);
    if (literal === null) return response;
    const end = literal.index + literal[0].length;
    return response.slice(0, literal.index) + withoutLiterals(response.slice(end + Number(literal[1])));
  }

  const FIELDS: readonly ((evil: string) => string)[] = [
    (evil) => `Subject: a${evil}b\r\n\r\n`,
    (evil) => `Subject: =?utf-8?q?a${evil}b?= =?utf-8?b?${Buffer.from(evil, "latin1").toString("base64")}?=\r\n\r\n`,
    (evil) => `From: "a${evil}b" <a${evil}b@c${evil}d>\r\nTo: g${evil}: a@b${evil};\r\n\r\n`,
    (evil) => `Date: ${evil}\r\nMessage-ID: <a${evil}@b>\r\nIn-Reply-To: <${evil}>\r\n\r\n`,
    (evil) => `Content-Type: text/pl${evil}ain; na${evil}me="a${evil}b"; name*=utf-8''%0d%0a${evil}\r\n\r\nx`,
    (evil) =>
      `Content-Type: message/rfc822\r\nContent-ID: ${evil}\r\nContent-MD5: ${evil}\r\n\r\nSubject: ${evil}\r\n\r\n`,
    (evil) => `Content-Type: multipart/m${evil}; boundary="b"\r\nContent-Language: ${evil}\r\n\r\n--b\r\n\r\n${evil}`,
    (evil) =>
      `Content-Disposition: att${evil}; filename="${evil}"\r\nContent-Transfer-Encoding: ${evil}\r\n\r\n${evil}`,
    (evil) => `X-${evil}: ${evil}\r\n${evil}: x\r\n\r\n`,
  ];

  it.each(EVIL)("tell a mail with %j in all its fields in one response each", async (evil) => {
    for (const field of FIELDS) await server.append(field(evil));
    const client = await server.imap("INBOX");
    const names = `(Subject "X-${/["\\\r\n\0]/.test(evil) ? "x" : evil}" "a\\"b")`;
    const items = `ENVELOPE BODY BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS ${names}] BODY.PEEK[MIME.1]`.replace(
      "MIME.1",
      "1.MIME",
    );
    const told = await client.ok(`FETCH 1:* (${items})`);
    expect(told.map((response) => response.replace(/ FETCH [^]*/, ""))).toEqual(told.map((_, i) => `* ${i + 1}`));
    expect(told.length).toBeGreaterThanOrEqual(FIELDS.length);
    // Octets of other encodings are not text, but end no line: C1 controls are those of UTF-8.
    for (const response of told) expect(withoutLiterals(response).replace(/[\x80-\x9f]/g, "")).not.toMatch(CONTROL);
    await client.ok(`SEARCH OR SUBJECT "99 EXISTS" OR HEADER X- "" TEXT "99 EXISTS"`);
    client.close();
  });

  it("echo no more of a command than a line may have", async () => {
    for (const evil of EVIL.map((text) => text.replace(/[\r\n\0]/g, ""))) {
      const client = await RawImap.connect(server.address("imap"));
      await client.ok("NOOP");
      client.write(`a ${evil}\r\n`);
      client.write(`b LOGIN ${evil} x\r\n`);
      client.write(`c AUTHENTICATE ${evil}\r\n`);
      client.write(`d ID (${evil} NIL)\r\n`);
      client.write(`${evil} NOOP\r\n`);
      client.write("e NOOP\r\n");
      const said = await client.until((response) => response.startsWith("e "), "the last answer");
      expect(said.length).toBeLessThanOrEqual(6);
      for (const line of said) expect(line).toMatch(/^([a-e] (OK|NO|BAD) |\* BAD )[\x20-\x7e\xa0-\xff]*$/);
      client.close();
    }
  });

  it.each(EVIL)("tell %j that came as a literal in the answer to its command alone", async (evil) => {
    const client = await server.imap("INBOX");
    const literal = (text: string): string => `{${text.length}+}\r\n${text}`;
    for (const command of [
      `APPEND INBOX CATENATE (URL ${literal(`/INBOX/;UID=${evil}`)})`,
      `SETMETADATA INBOX (/private/comment ${literal(evil)})`,
      `GETMETADATA INBOX (/private/comment ${literal(`/private/${evil}`)})`,
      `LIST "" INBOX RETURN (METADATA (${literal(`/private/${evil}`)}))`,
      `SETACL INBOX ${literal(evil)} lr`,
      `LISTRIGHTS INBOX ${literal(evil)}`,
      `GETQUOTA ${literal(evil)}`,
      `STATUS ${literal(evil)} (MESSAGES)`,
      `LSUB "" ${literal(evil)}`,
    ]) {
      const { untagged, status } = await client.command(command);
      for (const said of [...untagged, status]) {
        expect(withoutLiterals(said).replace(/[\x80-\x9f]/g, "")).not.toMatch(CONTROL);
        expect(said).toMatch(/^\* (METADATA|LIST|LISTRIGHTS) |^(OK|NO|BAD) /);
      }
    }
    client.close();
  });

  it("have names of mailboxes and flags that were given as literals in a form that ends nothing", async () => {
    const client = await server.imap("INBOX");
    for (const name of ['a"b', "a\\b", "a{5}", "a b", "(a)", "a*b", "NIL", "a]b"]) {
      await client.ok(`CREATE {${name.length}+}\r\n${name}`);
      const [listed] = await client.ok(`LIST "" {${name.length}+}\r\n${name.replace("*", "%")}`);
      expect(listed).toMatch(/^\* LIST \(\\HasNoChildren\) "\/" ("(\\.|[^"\\])*"|[!#-'+-Z^-z|}]+)$/);
      await client.ok(`DELETE {${name.length}+}\r\n${name}`);
    }
    for (const flag of ["a)b", "a\x1bb", "{3+}\r\na b", '"a"', "a\xffb"])
      expect((await client.command(`STORE 1 FLAGS (${flag})`)).status).toMatch(/^BAD /);
    client.close();
  });
});

describe("SMTP replies", () => {
  const LINE = /^\d{3}[ -][\x20-\x7e\xa0-\uffff]*$/;

  it("are lines of text, whatever they echo", async () => {
    for (const evil of EVIL) {
      const text = Buffer.from(evil.replace(/[\r\n\0]/g, ""), "latin1").toString("utf8");
      const client = await LineClient.connect(server.address("smtp"));
      const said = [`EHLO a${text}b`, "EHLO client.example", `MAIL FROM:<a${text}b@example.net>`, `VRFY ${text}`];
      const more = [`${text} x`, `MAIL FROM:<a@example.net> ${text}=${text}`, "MAIL FROM:<a@example.net>"];
      const last = [`RCPT TO:<a${text}b@example.org>`, `RCPT TO:<"a${text}b"@example.org>`, "QUIT"];
      await client.send([...said, ...more, ...last, ""].join("\r\n"), "whole");
      const lines: string[] = [];
      for (let line = await client.line(); line !== undefined; line = await client.line()) lines.push(line);
      for (const line of lines) expect(line).toMatch(LINE);
      expect(lines.at(-1)).toMatch(/^221 /);
      client.destroy();
    }
  });
});

describe("the header of a mail", () => {
  it.each([
    ["a comment", "EHLO a)(b"],
    ["a fold", "EHLO a;b"],
    ["a name beyond ASCII", "EHLO b\u00fccher.example"],
    ["a control", "EHLO a\x1b[2Jb"],
    ["a line end of Unicode", "EHLO a\u2028Subject: b"],
    ["a field", "EHLO Subject:b"],
  ])("has the fields that it should, whatever a client calls itself: %s", async (_, hello) => {
    const client = await LineClient.connect(server.address("smtp"));
    const before = (await server.mails()).length;
    const commands = ["EHLO x", hello, 'MAIL FROM:<"a)(b;\\" c"@example.net>', `RCPT TO:<${ALICE}>`, "DATA"];
    await client.send(`${commands.join("\r\n")}\r\nSubject: s\r\n\r\ntext\r\n.\r\nQUIT\r\n`, "whole");
    for (let line = await client.line(); line !== undefined; line = await client.line());
    const [mail = "", ...more] = (await server.mails()).slice(before);
    expect(more).toEqual([]);
    const header = mail.slice(0, mail.indexOf("\r\n\r\n"));
    const names = header.split("\r\n").map((line) => /^[\w-]+(?=: )|^\t/.exec(line)?.[0]);
    expect(names.filter((name) => name !== "\t")).toEqual(["Return-Path", "Received", "Subject"]);
    expect(header.replace(/\r\n/g, "").replaceAll("\t", "")).not.toMatch(CONTROL);
    client.destroy();
  });
});

describe("the log", () => {
  const FORGED = '{"level":"info","msg":"forged"}';
  /** In every text that a client may have logged. */
  const texts = [...EVIL, `\r\n${FORGED}`, `\n[12:00:00.000] INFO: forged`, `\u2028${FORGED}`, `\x1b]0;title\x07`];
  let directory: DataDirectory;

  beforeAll(async () => {
    directory = await makeDataDirectory([`${ALICE}:${PASSWORD}`]);
  });
  afterEach(() => ServerProcess.killAll());
  afterAll(() => directory.remove());

  async function attack({ imap, smtp, submission }: ServerProcess["ready"]): Promise<void> {
    const stranger = await RawImap.connect(imap as Address);
    for (const text of texts) {
      const bytes = Buffer.from(text, "utf8").toString("latin1").replaceAll("\0", "");
      await stranger.command(`ID ("name" {${bytes.length}+}\r\n${bytes} "x" {${bytes.length}+}\r\n${bytes})`);
    }
    stranger.close();
    for (const text of texts) {
      const bytes = Buffer.from(text, "utf8").toString("latin1").replaceAll("\0", "");
      const client = await RawImap.connect(imap as Address);
      await client.command(`LOGIN {${bytes.length}+}\r\n${bytes} x`);
      client.close();
      const plain = Buffer.from(`\0${text.replaceAll("\0", "")}\0x`).toString("base64");
      const line = text.replace(/[\r\n\0]/g, "");
      for (const [address, commands] of [
        [submission, [`EHLO a`, `AUTH PLAIN ${plain}`, "QUIT"]],
        [smtp, [`EHLO a${line}`, "EHLO a", "MAIL FROM:<a@example.net>", `RCPT TO:<a${line}@example.org>`, "QUIT"]],
      ] as const) {
        const sender = await LineClient.connect(address as Address);
        await sender.send([...commands, ""].join("\r\n"), "whole");
        for (let said = await sender.line(); said !== undefined; said = await sender.line());
        sender.destroy();
      }
    }
  }

  it.each(["json", "pretty"] as const)("has one line for each event, in text alone, as %s", async (format) => {
    const limits = {
      PUSHMAIL_LIMITS_LOGIN_LOGIN_DELAY_MS: "0",
      PUSHMAIL_LIMITS_SMTP_AUTH_FAILURE_DELAY_MS: "0",
      PUSHMAIL_LIMITS_IMAP_COMMANDS_BEFORE_LOGIN_MAX: "1000",
    };
    const args = ["--memory", "--users", directory.users, "--log", format, "--log-level", "trace"];
    const running = await ServerProcess.start(args, limits);
    let log = Buffer.alloc(0);
    const ended = once(running.child.stderr as NodeJS.ReadableStream, "close");
    running.child.stderr?.on("data", (data: Buffer) => (log = Buffer.concat([log, data])));
    await attack(running.ready);
    expect(await running.end()).toBe(0);
    await within(ended, "the end of the log");
    const written = log.toString("utf8");
    expect(written).toContain("99 EXISTS");
    expect(written).toContain("forged");
    expect(written.replaceAll("\n", "")).not.toMatch(/\p{Cc}|[\u2028-\u202e\u2066-\u2069]/u);
    const lines = written.trimEnd().split("\n");
    if (format === "json")
      for (const line of lines) expect(JSON.parse(line)).toMatchObject({ time: expect.any(Number) });
    else for (const line of lines) expect(line).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] [A-Z]+: (?!forged)|^ {4}/);
    expect(lines.filter((line) => /^\W*(level|forged)|INFO: forged$/.test(line) && !line.includes("time"))).toEqual([]);
  });
});
