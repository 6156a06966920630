import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import type { MessageUrl } from "./message-url.ts";
import { parseMessageUrl, printMessageUrl } from "./message-url.ts";
import { printResponseCode } from "./response-code.ts";

const ALL = { part: [], text: null, fields: [] };
const MESSAGE: MessageUrl = { mailbox: "INBOX", uidValidity: null, uid: 20, section: ALL, partial: null };

describe("the URL of a message", () => {
  it.each<[string, Partial<MessageUrl>]>([
    ["/INBOX/;UID=20", {}],
    ["/inbox/;uid=20", {}],
    ["/Drafts;UIDVALIDITY=385759045/;UID=20", { mailbox: "Drafts", uidValidity: 385759045 }],
    ["/a/b%20c/;UID=20", { mailbox: "a/b c" }],
    ["/~peter/%E6%97%A5%E6%9C%AC%E8%AA%9E/;UID=20", { mailbox: "~peter/\u65e5\u672c\u8a9e" }],
    ["/%3Bx/;UID=20", { mailbox: ";x" }],
    ["/INBOX/;UID=20/;section=HEADER", { section: { ...ALL, text: "HEADER" } }],
    ["/INBOX/;UID=20/;Section=2.MIME", { section: { ...ALL, part: [2], text: "MIME" } }],
    ["/INBOX/;UID=20/;SECTION=1.5.9", { section: { ...ALL, part: [1, 5, 9] } }],
    [
      "/INBOX/;UID=20/;SECTION=HEADER.FIELDS%20(To%20Date)",
      { section: { part: [], text: "HEADER.FIELDS", fields: ["To", "Date"] } },
    ],
    ["/INBOX/;UID=20/;PARTIAL=0.1024", { partial: { offset: 0, octets: 1024 } }],
    ["/INBOX/;UID=20/;PARTIAL=7", { partial: { offset: 7, octets: Number.MAX_SAFE_INTEGER } }],
    ["/INBOX/;UID=20/;SECTION=1/;PARTIAL=3.1", { section: { ...ALL, part: [1] }, partial: { offset: 3, octets: 1 } }],
  ])("%s is read", (url, meant) => expect(parseMessageUrl(url)).toEqual({ ...MESSAGE, ...meant }));

  it.each([
    "",
    "/",
    "INBOX/;UID=20",
    ";UID=20",
    "//host/INBOX/;UID=20",
    "imap://host/INBOX/;UID=20",
    "/INBOX",
    "/INBOX;UIDVALIDITY=1",
    "/INBOX;UIDVALIDITY=0/;UID=20",
    "/INBOX/;UID=20;UIDVALIDITY=1",
    "/INBOX/;UID=20/;SECTION=1]",
    "/INBOX/;UID=20/;SECTION=1%5D%20x",
    "/INBOX/;UID=20/;SECTION=%7B1%7D",
    "/INBOX/;UID=20/;PARTIAL=.5",
    "/INBOX/;UID=20/;PARTIAL=0.0",
    "/INBOX/;UID=20/;PARTIAL=0.1/;SECTION=1",
    "/INBOX/;UID=20?SUBJECT%20x",
    "/INBOX/;UID=20;URLAUTH=anonymous",
    "/IN\u00fcBOX/;UID=20",
    "/IN%E4BOX/;UID=20",
    "/INBOX/;UID=20\r\n",
  ])("%j is none", (url) => expect(parseMessageUrl(url)).toBeUndefined());

  it("is read as printed", () => {
    const number = fc.integer({ min: 1, max: 2 ** 32 - 1 });
    const urls = fc.record<MessageUrl>({
      mailbox: fc.string({ minLength: 1, unit: fc.constantFrom(...'aZ/;%&="\\]\u00fc\u65e5 .~'.split("")) }),
      uidValidity: fc.option(number),
      uid: number,
      section: fc.record({
        part: fc.array(number, { maxLength: 3 }),
        text: fc.constantFrom(null, "HEADER" as const, "TEXT" as const),
        fields: fc.constant([]),
      }),
      partial: fc.option(fc.record({ offset: fc.nat(), octets: number })),
    });
    fc.assert(fc.property(urls, (url) => expect(parseMessageUrl(printMessageUrl(url))).toEqual(url)));
  });

  it("ends no response code too early where it is told", () => {
    expect(printResponseCode({ code: "BADURL", url: '/a]"\\\r\n\u00fc/;UID=1' })).toBe(
      'BADURL "/a%5D%22%5C%0D%0A%FC/;UID=1"',
    );
  });
});
