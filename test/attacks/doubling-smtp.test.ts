// Twice the input costs twice the work, by SMTP, for what a sender may make long. Within a command line the work is that of
// regular expressions, which are not counted: of lines of 200 KB the square would take minutes.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ALICE, AttackedServer } from "../support/attacked-server.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { WorkMeter } from "../support/work-meter.ts";

/** No limit that makes anything linear; and nothing is done by the clock. */
const UNLIMITED = {
  recipientsMax: 1e9,
  commandsWithoutMailMax: 1e9,
  commandBytesMax: 1e9,
  receivedFieldsMax: 1e9,
  headerBytesMax: 1e9,
  tickMs: 3_600_000,
};

const meter = new WorkMeter();
const times = (count: number, text: string | ((i: number) => string)): string =>
  Array.from({ length: count }, (_, i) => (typeof text === "string" ? text : text(i))).join("");
let server: AttackedServer;

beforeAll(async () => {
  server = await AttackedServer.start({ smtp: UNLIMITED });
  await meter.start();
});
afterAll(async () => {
  meter.stop();
  expect(server.faults).toEqual([]);
  await server.stop();
});

const MAIL = `MAIL FROM:<a@example.net>\r\nRCPT TO:<${ALICE}>\r\nDATA\r\n`;
const mailOf = (content: string): string => `${MAIL}${content}\r\n.\r\n`;

/** What is sent in one piece. */
const SENT: Readonly<Record<string, readonly [count: number, sent: (count: number) => string]>> = {
  "commands at once": [200, (n) => times(n, "NOOP\r\n")],
  "mails begun and left": [100, (n) => times(n, `MAIL FROM:<a@example.net>\r\nRCPT TO:<${ALICE}>\r\nRSET\r\n`)],
  "recipients, all the same": [
    100,
    (n) => `MAIL FROM:<a@example.net>\r\n${times(n, `RCPT TO:<${ALICE}>\r\n`)}DATA\r\nx\r\n.\r\n`,
  ],
  "recipients that are not there": [
    100,
    (n) => `MAIL FROM:<a@example.net>\r\n${times(n, (i) => `RCPT TO:<no-${i}@example.org>\r\n`)}RSET\r\n`,
  ],
  "parameters of MAIL": [200, (n) => `MAIL FROM:<a@example.net>${times(n, (i) => ` X${i}=y`)}\r\n`],
  "fields of a mail": [300, (n) => mailOf(`${times(n, (i) => `X-${i}: y\r\n`)}\r\nx`)],
  "trace fields of a mail": [300, (n) => mailOf(`${times(n, "Received: by x; y\r\nReturn-Path: <a@b>\r\n")}\r\nx`)],
  "lines of one field": [300, (n) => mailOf(`Received: x\r\n${times(n, " y\r\n")}\r\nx`)],
  "one line of a header": [2_000, (n) => mailOf(`Subject: ${times(n, "x")}\r\n\r\nx`)],
  dots: [500, (n) => mailOf(`\r\n${times(n, "..\r\n")}x`)],
  "lines that nearly end the mail": [500, (n) => mailOf(`\r\n${times(n, "..\r\n. \r\n")}x`)],
  "lone line ends": [500, (n) => mailOf(`\r\n${times(n, "a\rb\nc")}x`)],
};

describe("twice as much from a sender costs twice the work", () => {
  it.each(Object.entries(SENT))("%s", async (_, [count, sent]) => {
    const client = await RawSmtp.connect(server.address("smtp"));
    await meter.expectLinear(async (n) => {
      client.socket.write(`${sent(n)}VRFY the-end\r\n`, "latin1");
      while (!(await client.reply()).startsWith("252 "));
    }, count);
    client.close();
  });

  it.each([
    ["a parameter like domains", `<a@example.net> X=@${times(250_000, "xn--")}`],
    ["a path that ends again and again", `<"a"@${times(200_000, ">")}\u2028`],
    ["a local part of dots", `<${times(200_000, ".")}`],
    ["a route without an end", `<@${times(200_000, "a@")}`],
    ["blanks", `<a@example.net>${times(200_000, " ")}`],
  ])("a command line that has %s is answered", async (_, path) => {
    const client = await RawSmtp.connect(server.address("smtp"));
    expect(await client.command(`MAIL FROM:${path}`)).toMatch(/^(250|501|555) /);
    client.close();
  });

  it("a mail that comes byte by byte", async () => {
    const client = await RawSmtp.connect(server.address("smtp"));
    await meter.expectLinear(async (n) => {
      for (const byte of `${mailOf(`Subject: ${times(n, "x")}\r\n\r\n${times(n, "..\r\n")}`)}VRFY the-end\r\n`)
        client.socket.write(byte);
      while (!(await client.reply()).startsWith("252 "));
    }, 100);
    client.close();
  });
});
