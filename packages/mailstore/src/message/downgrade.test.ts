import { isAscii } from "node:buffer";
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { DowngradedSummary } from "./downgrade-summary.ts";
import { downgradeHeader } from "./downgrade-header.ts";
import { decodeHeaderValue } from "./decode-header-value.ts";
import { encodedWords } from "./encoded-words.ts";
import { encodeSummary } from "./encode-summary.ts";
import { scanMessage } from "./scan-message.ts";
import { StoredSummary } from "./stored-summary.ts";

const crlf = (text: string): Buffer => Buffer.from(text.replaceAll("\n", "\r\n"));
const downgraded = (text: string): string => Buffer.from(downgradeHeader(crlf(text))).toString("latin1");
const word = (text: string): string => `=?UTF-8?B?${Buffer.from(text).toString("base64")}?=`;

describe("a header in ASCII (RFC 6858 2)", () => {
  const NOBODY = "<invalid@internationalized-address.invalid>";

  it.each([
    ["Subject: plain\n", "Subject: plain\n"],
    ["SUBJECT: Grüße\n", `SUBJECT: ${word("Grüße")}\n`],
    ["Subject: Grüße\n =?utf-8?q?an_alle?=\n", `Subject: ${word("Grüße an alle")}\n`],
    ["From: jörg@example.org\n", `From: ${word("jörg@example.org")} ${NOBODY}\n`],
    ["To: Jörg <j@ö.example>, b@c\n", `To: ${word("Jörg <j@ö.example>")} ${NOBODY},\n b@c\n`],
    // An address that is in ASCII stays one that can be answered to.
    ["To: Jörg <j@example.org>\n", `To: ${word("Jörg")} <j@example.org>\n`],
    ['Cc: "Doe, J" <d@x>, é@x\n', `Cc: "Doe, J" <d@x>,\n ${word("é@x")} ${NOBODY}\n`],
    ["Cc: =?utf-8?q?J=2E?= Doe. <d@x>, é@x\n", `Cc: ${word("J. Doe.")} <d@x>,\n ${word("é@x")} ${NOBODY}\n`],
    ['Cc: "a b"@x, é@x\n', `Cc: "a b"@x,\n ${word("é@x")} ${NOBODY}\n`],
    ["To: Grüppe: a@b, c@d; , é@x\n", `To: ${word("Grüppe")}: a@b,\n c@d;,\n ${word("é@x")} ${NOBODY}\n`],
    ["Resent-To: é@x\n", `Resent-To: ${word("é@x")} ${NOBODY}\n`],
    ["Return-Path: <é@x>\n", `Return-Path: ${NOBODY}\n`],
    ["From: é é\n", `From: ${word("é é@")} ${NOBODY}\n`],
    [
      'Content-Type: text/plain; charset=utf-8; name="ü.txt"\n',
      "Content-Type: text/plain; charset=\"utf-8\"; name*=UTF-8''%C3%BC.txt\n",
    ],
    [
      "Content-Disposition: attachment; filename=ü(*)'; ü=x; size=3; a*=b; c*=utf-8''ü%20\n",
      "Content-Disposition: attachment; filename*=UTF-8''%C3%BC%28%2a%29%27; size=\"3\"; a*=b; c*=utf-8''%c3%bc%20\n",
    ],
    ["Content-Disposition: ü\n", ""],
    ["Content-Type: text/ü\n", ""],
    ["Content-Type: ü\n", ""],
    // Whatever else cannot be told is left out.
    ["Message-ID: <ü@x>\nDate: today\nX-Note: ü\n more\nÜ: x\nü\n", "Date: today\n"],
    ["From: \u00a0\n", `From: ${word("\u00a0@")} ${NOBODY}\n`],
    ["To: (ü)\n", ""],
  ])("%j is %j", (header, expected) => {
    expect(downgraded(header)).toBe(expected.replaceAll("\n", "\r\n"));
    expect(downgraded(`${header}\n`)).toBe(`${expected}\n`.replaceAll("\n", "\r\n"));
  });

  it("is in ASCII whatever the octets are", () => {
    const names = ["Subject", "From", "To", "Content-Type", "Content-Disposition", "Return-Path", "X"];
    const octets = fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes).toString("latin1"));
    const anyHeader = fc.array(fc.tuple(fc.constantFrom(...names), octets), { maxLength: 4 });
    fc.assert(
      fc.property(anyHeader, (fields) => {
        const header = Buffer.from(fields.map(([name, value]) => `${name}: ${value}\r\n`).join(""), "latin1");
        expect(isAscii(downgradeHeader(header))).toBe(true);
      }),
    );
  });
});

it("long texts are several encoded-words, none of which is too long or cuts a character", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme", maxLength: 200 }), (text) => {
      const words = encodedWords(text);
      expect(Math.max(...words.split(" ").map(({ length }) => length))).toBeLessThanOrEqual(75);
      expect(decodeHeaderValue(words)).toBe(text);
      for (const single of words.split(" ")) expect(decodeHeaderValue(single)).not.toContain("\ufffd");
    }),
  );
});

describe("a summary in ASCII", () => {
  const of = (text: string): DowngradedSummary =>
    new DowngradedSummary(new StoredSummary(encodeSummary(scanMessage(crlf(text)))));

  it("is that of the message with its headers in ASCII", () => {
    const message =
      "From: Jörg <jörg@x>\nTo: Zoë <z@x>\nSubject: Grüße\nMessage-ID: <ü@x>\nIn-Reply-To: <a@b>\n" +
      'Content-Type: multipart/mixed; boundary=b; title="ü"\n\n--b\nContent-Type: text/plain; name=ü; charset=utf-8\n' +
      "Content-Description: ü\nContent-ID: <ü>\nContent-Disposition: attachment; filename=ü\n\nfür\n--b\n" +
      "Content-Type: message/global\n\nSubject: für\n\nübrig\n--b--\n";
    const summary = of(message);
    expect(isAscii(Buffer.from(summary.printedEnvelope + summary.printedStructure))).toBe(true);
    const { envelope, structure } = summary;
    expect(envelope.from).toEqual([
      { name: word("Jörg <jörg@x>"), mailbox: "invalid", host: "internationalized-address.invalid" },
    ]);
    expect(envelope.to).toEqual([{ name: word("Zoë"), mailbox: "z", host: "x" }]);
    expect([envelope.subject, envelope.messageId, envelope.inReplyTo]).toEqual([word("Grüße"), null, "<a@b>"]);
    expect(structure.parameters).toEqual([
      ["boundary", "b"],
      ["title*", "UTF-8''%C3%BC"],
    ]);
    const [text, embedded] = structure.parts;
    const parameters = [
      ["name*", "UTF-8''%C3%BC"],
      ["charset", "utf-8"],
    ];
    expect(text).toMatchObject({ parameters, id: null, description: null });
    expect(text?.disposition).toEqual({ type: "attachment", parameters: [["filename*", "UTF-8''%C3%BC"]] });
    expect(embedded?.message?.envelope.subject).toBe(word("für"));
    const { structure: original } = scanMessage(crlf(message));
    expect(structure.parts.map(({ headerStart, bodyEnd }) => [headerStart, bodyEnd])).toEqual(
      original.parts.map(({ headerStart, bodyEnd }) => [headerStart, bodyEnd]),
    );
  });

  it("names a type that is in ASCII", () => {
    expect(of("Content-Type: text/ü\n\nx").structure).toMatchObject({ type: "text", subtype: "plain" });
    const mixed = of("Content-Type: multipart/ü; boundary=b\n\n--b\n\nx\n--b--\n").structure;
    expect([mixed.type, mixed.subtype, mixed.parts.length]).toEqual(["multipart", "mixed", 1]);
  });
});

it.each([
  ["Subject: ü\n\nx", true],
  ["X-Other: ü\n\nx", true],
  ["Subject: u\n\nü", false],
  ["Content-Type: multipart/mixed; boundary=b\n\n--b\nX: ü\n\nx\n--b--\n", true],
  ["Content-Type: multipart/mixed; boundary=b\n\nü\n--b\nX: u\n\n-ü\n--ü\n--b--\n", false],
  ["Content-Type: message/global\n\nX: ü\n\nx", true],
])("%j is internationalized: %s", (message, expected) => {
  const bytes = crlf(message);
  expect(scanMessage(bytes).isInternationalized).toBe(expected);
});
