// Mails that ask for more work and memory than they deserve, by the way that strangers have: they come in by SMTP, are
// told in an answer of bounded size, searched, and given out byte for byte; and a session beside them goes on.
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { ALICE, AttackedServer } from "../support/attacked-server.ts";
import type { RawImap } from "../support/raw-imap.ts";
import { RawSmtp } from "../support/raw-smtp.ts";

const BYTES = 400_000;
/** What ENVELOPE, BODY and BODYSTRUCTURE may come to together, whatever the mail: see MESSAGE_LIMITS. */
const TOLD_BYTES_MAX = 4 * 1024 * 1024;

const fill = (text: string): string => text.repeat(Math.ceil(BYTES / text.length));
const numbered = (make: (i: number) => string): string => {
  let text = "";
  for (let i = 0; text.length < BYTES; i++) text += make(i);
  return text;
};
const multipart = (inside: string): string => `Content-Type: multipart/mixed; boundary=b\r\n\r\n${inside}\r\n--b--\r\n`;

const MAILS: Readonly<Record<string, string>> = {
  "multiparts within one another": numbered((i) => `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n`),
  "messages within one another": fill("Content-Type: message/rfc822\r\n\r\n"),
  "parts beside one another": multipart(fill("--b\r\nContent-Type: text/x; a=b\r\n\r\nx\r\n")),
  "messages beside one another": multipart(fill("--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: s\r\n\r\nx\r\n")),
  "boundaries of many lengths": numbered(
    (i) => `Content-Type: multipart/x; boundary=${"b".repeat(i % 70)}${i}\r\n\r\n--b\r\n`,
  ),
  fields: numbered((i) => `X-Field-${i}: value\r\n`),
  "fields without names": fill(": value\r\n"),
  "one field in many lines": `Subject: begins${fill("\r\n and goes on")}\r\n\r\n`,
  "one field in one line": `Subject: ${fill("x")}\r\n\r\n`,
  "fields that are told": numbered((i) => `To: a${i}@example.net\r\nSubject: s${i}\r\n`),
  addresses: `To: ${numbered((i) => `a${i}@b.example,`)} z@b.example\r\n\r\n`,
  "groups of addresses": `To: ${numbered((i) => `g${i}: a@b.example, c@d.example;,`)} z@b.example\r\n\r\n`,
  "routes of addresses": `To: <${fill("@a,")}@b:c@d>\r\n\r\n`,
  "comments within one another": `To: ${fill("(")}\r\n\r\n`,
  quotes: `To: ${fill('"\\""')}@b\r\n\r\n`,
  "encoded words": `Subject: ${fill("=?utf-8?b?w6nDqcOp?= ")}\r\n\r\n`,
  "beginnings of encoded words": `Subject: ${fill("=?utf-8?q?")}\r\n\r\n`,
  "charsets of encoded words": `Subject: ${numbered((i) => `=?charset-${i}?q?x?= `)}\r\n\r\n`,
  "encoded words in addresses": `To: ${fill("=?iso-2022-jp?b?GyRCJCIbKEI=?= <a@b>,")}\r\n\r\n`,
  "letters that fold to many": `Subject: ${fill("\u0149\ufb03\ufdfa")}\r\n\r\n${fill("\ufdfa")}`,
  "marks upon one letter": `Subject: a${fill("\u0301\u0316")}\r\n\r\na${fill("\u0316\u0301")}`,
  parameters: `Content-Type: text/plain${numbered((i) => `; p${i}=v`)}\r\n\r\n`,
  "pieces of parameters": `Content-Type: text/plain${numbered((i) => `; name*${i}*=%41`)}\r\n\r\n`,
  languages: `Content-Language: ${fill("en, ")}\r\n\r\n`,
  references: `References: ${numbered((i) => `<${i}@b>\r\n `)}<x@y>\r\n\r\n`,
  "base64 that is none": `Content-Transfer-Encoding: base64\r\n\r\n${fill("=====\r\n")}`,
  "quoted-printable that is none": `Content-Transfer-Encoding: quoted-printable\r\n\r\n${fill("==3=\r\n")}`,
  "tags of HTML": `Content-Type: text/html\r\n\r\n${fill("<a <!-- <")}`,
  dots: fill("..\r\n.\u0000\r\n").replaceAll("\0", ""),
  "empty lines": fill("\r\n"),
};

let server: AttackedServer;
let beside: RawImap;

beforeAll(async () => {
  server = await AttackedServer.start();
  beside = await server.imap("INBOX");
  await beside.idle();
});

afterAll(async () => {
  await beside.done();
  beside.close();
  expect(server.faults).toEqual([]);
  await server.stop();
});

describe("a mail made of", () => {
  it.each(Object.entries(MAILS))("%s", async (_, mail) => {
    const bytes = Buffer.from(mail, "utf8").toString("latin1");
    const sender = await RawSmtp.connect(server.address("smtp"));
    expect(await sender.send(ALICE, bytes)).toMatch(/^250 /);
    sender.close();
    const [exists] = await beside.until((response) => response.endsWith(" EXISTS"), "the mail");
    await beside.next("how many are recent");
    const number = Number(/\d+/.exec(exists ?? "")?.[0]);

    const client = await server.imap("INBOX");
    const [told = ""] = await client.ok(`FETCH ${number} (ENVELOPE BODY BODYSTRUCTURE)`);
    expect(told.length).toBeLessThan(TOLD_BYTES_MAX);
    const [parts = ""] = await client.ok(`FETCH ${number} (BODY.PEEK[1] BODY.PEEK[1.1.1.MIME] BODY.PEEK[HEADER])`);
    expect(parts.length).toBeLessThan(3 * bytes.length);
    const [whole = ""] = await client.ok(`FETCH ${number} BODY.PEEK[]`);
    expect(
      whole
        .slice(-bytes.length - 3, -1)
        .trimEnd()
        .endsWith(bytes.trimEnd().slice(-BYTES)),
    ).toBe(true);
    for (const key of ["TEXT", "BODY", "SUBJECT", "FROM", "HEADER X-Field-9"])
      expect(await client.ok(`SEARCH ${number} ${key} "is not there"`)).toEqual(["* SEARCH"]);
    await client.ok(`SEARCH CHARSET UTF-8 ${number} OR SENTSINCE 1-Jan-2020 TEXT {2+}\r\n\xc3\xa9`);
    client.close();
  });
});
