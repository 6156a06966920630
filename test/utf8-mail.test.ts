// A mail whose sender, recipient and subject are in UTF-8, from SMTPUTF8 to clients that can read it and one that cannot.
import { isAscii } from "node:buffer";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import { ImapFlow } from "imapflow";
import { simpleParser } from "mailparser";
import { createTransport } from "nodemailer";
import { startPushmail, type ListenerAddress, type Pushmail } from "pushmail";
import { RawImap } from "./support/raw-imap.ts";

const USER = "zoë@example.org";
const PASSWORD = "gehëim";
const MAIL = [
  "From: Jörg <jörg@example.net>",
  "To: Zoë <zoë@example.org>, Bob <bob@example.net>",
  "Subject: Grüße aus Köln",
  "MIME-Version: 1.0",
  "Content-Type: multipart/mixed; boundary=b",
  "",
  "--b",
  "Content-Type: text/plain; charset=utf-8",
  "Content-Transfer-Encoding: 8bit",
  "",
  "Schöne Grüße",
  "--b",
  'Content-Disposition: attachment; filename="Bü.txt"',
  "",
  "attached",
  "--b--",
  "",
].join("\r\n");

let server: Pushmail;
let imap: ListenerAddress;

beforeAll(async () => {
  server = await startPushmail({ users: { [USER]: PASSWORD } });
  imap = server.imap as ListenerAddress;
  const transport = createTransport({ ...server.smtp, ignoreTLS: true });
  const { response } = await transport.sendMail({
    envelope: { from: "jörg@example.net", to: [USER] },
    raw: Buffer.from(MAIL),
  });
  expect(response).toMatch(/^250 2\.0\.0 /);
});

afterAll(async () => {
  await server.close();
});

/** Logs in as RFC 9755 5 has it: LOGIN knows ASCII alone. */
async function open(): Promise<RawImap> {
  const client = await RawImap.connect(imap);
  await client.ok(`AUTHENTICATE PLAIN ${Buffer.from(`\0${USER}\0${PASSWORD}`).toString("base64")}`);
  return client;
}

/** The octets of a message in a FETCH response that has nothing else. */
function octetsIn(response: string | undefined): Buffer {
  const [head] = /^\* 1 FETCH \(BODY\[\] \{\d+\}\r\n/.exec(response ?? "") ?? [];
  if (head === undefined) throw new Error(`not a message: ${response}`);
  return Buffer.from((response as string).slice(head.length, -1), "latin1");
}

it("is told to imapflow as it came", async () => {
  const tls = { rejectUnauthorized: false };
  const client = new ImapFlow({ ...imap, secure: false, auth: { user: USER, pass: PASSWORD }, tls, logger: false });
  await client.connect();
  expect(client.enabled.has("UTF8=ACCEPT")).toBe(true);
  await client.mailboxOpen("INBOX");
  const message = await client.fetchOne("1", { envelope: true, source: true });
  if (message === false) throw new Error("no message");
  const { source, envelope } = message;
  expect(source?.toString().endsWith(`\r\n${MAIL}`)).toBe(true);
  expect(envelope?.subject).toBe("Grüße aus Köln");
  expect(envelope?.from).toEqual([{ name: "Jörg", address: "jörg@example.net" }]);
  expect(await client.search({ subject: "grüße", from: "jörg@" })).toEqual([1]);
  await client.logout();
});

it("is told in ASCII to who did not say that he reads UTF-8, and as it is when he does", async () => {
  const client = await open();
  await client.ok("SELECT INBOX");
  const [told] = await client.ok("FETCH 1 (ENVELOPE BODYSTRUCTURE BODY.PEEK[HEADER] BODY.PEEK[2.MIME])");
  expect(isAscii(Buffer.from(told as string, "latin1"))).toBe(true);
  const surrogate = octetsIn((await client.ok("FETCH 1 BODY.PEEK[]"))[0]);
  const { subject, from, to, text, attachments } = await simpleParser(surrogate);
  expect([subject, text?.trim()]).toEqual(["Grüße aus Köln", "Schöne Grüße"]);
  const nobody = "invalid@internationalized-address.invalid";
  expect(from?.value).toEqual([{ name: "Jörg <jörg@example.net>", address: nobody }]);
  expect(Array.isArray(to) ? [] : to?.value).toEqual([
    { name: "Zoë <zoë@example.org>", address: nobody },
    { name: "Bob", address: "bob@example.net" },
  ]);
  expect(attachments.map(({ filename, content }) => [filename, content.toString()])).toEqual([["Bü.txt", "attached"]]);

  await client.ok("ENABLE UTF8=ACCEPT");
  expect(
    octetsIn((await client.ok("FETCH 1 BODY.PEEK[]"))[0])
      .toString()
      .endsWith(`\r\n${MAIL}`),
  ).toBe(true);
  client.close();
});

it("is told in ASCII however long it is, octet for octet what was announced", async () => {
  const text = `ö${"x".repeat(76)}\r\n`.repeat(4_000);
  const client = await open();
  await client.ok("ENABLE UTF8=ACCEPT");
  const long = Buffer.from(`Subject: ö\r\n\r\n${text}`).toString("latin1");
  await client.ok(`APPEND Archive {${long.length}+}\r\n${long}`);
  client.close();

  const conventional = await open();
  await conventional.ok("SELECT Archive");
  const whole = octetsIn((await conventional.ok("FETCH 1 BODY.PEEK[]"))[0]);
  expect(whole.toString()).toBe(`Subject: =?UTF-8?B?w7Y=?=\r\n\r\n${text}`);
  const [part] = await conventional.ok("FETCH 1 BODY.PEEK[]<150000.7>");
  expect(part?.slice(part.indexOf("\r\n") + 2, -1)).toBe(whole.toString("latin1", 150_000, 150_007));
  conventional.close();
});
