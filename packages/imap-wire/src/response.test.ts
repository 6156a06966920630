import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { printAcl, printListRights, printMyRights } from "./acl.ts";
import type { BodyPartData } from "./body-structure.ts";
import { dependsOnRevision, printBody, printBodyStructure } from "./body-structure.ts";
import type { EnvelopeData } from "./envelope.ts";
import { printEnvelope } from "./envelope.ts";
import { printFlagList } from "./flags.ts";
import * as response from "./response.ts";
import type { ResponseCode } from "./response-code.ts";
import type { Scanner } from "./scanner.ts";
import { printAstring, printNstring, printString } from "./string.ts";
import { parseAll } from "./test-support/frame-of.ts";

/** The octets of a string as printed; NUL is the one that has no form. */
const octets = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...'\r\n"\\{}()[]%* \xff]&NIL\0'.split("")),
    fc.nat({ max: 255 }).map((code) => String.fromCharCode(code)),
  ),
  maxLength: 12,
});
const withoutNul = (text: string): string => text.replaceAll("\0", "\x80");

describe("strings", () => {
  it.each([
    ["", '""'],
    ["a b", '"a b"'],
    ['"\\', '"\\"\\\\"'],
    ["a\r\nb", "{4}\r\na\r\nb"],
    ["\xff", "{1}\r\n\xff"],
    ["a\0", "{2}\r\na\x80"],
    ["\t", "{1}\r\n\t"],
  ])("print %j as %j", (text, printed) => {
    expect(printString(text)).toBe(printed);
  });

  it("print as atoms where they may", () => {
    expect([null, "NIL", ""].map(printNstring)).toEqual(["NIL", '"NIL"', '""']);
    expect(["a]b", "nil", "a b", "", "a%", "inb\xffx"].map(printAstring)).toEqual([
      '"a]b"',
      '"nil"',
      '"a b"',
      '""',
      '"a%"',
      "{5}\r\ninb\xffx",
    ]);
  });

  it("read as printed", () => {
    fc.assert(
      fc.property(octets, (text) => {
        expect(parseAll((scan) => scan.string(), printString(text))).toBe(withoutNul(text));
        expect(parseAll((scan) => scan.astring(), printAstring(text))).toBe(withoutNul(text));
        expect(parseAll((scan) => scan.nstring(), printNstring(text))).toBe(withoutNul(text));
      }),
    );
  });

  it("are octets: characters beyond would come out as others", () => {
    expect(() => printString("\u0100")).toThrow(RangeError);
  });
});

describe("status responses", () => {
  it("carry text that cannot end the line, whatever it is", () => {
    expect(response.printTagged("A1", "OK", "LOGIN completed")).toBe("A1 OK LOGIN completed\r\n");
    expect(response.printTagged("*", "BAD", "No\r\n* 1 EXISTS\0ü")).toBe("* BAD No?* 1 EXISTS?\r\n");
    expect(response.printUntagged("BYE", "[ALERT] you")).toBe("* BYE (ALERT] you\r\n");
    expect(response.printUntagged("OK", "[a]", "ALERT")).toBe("* OK [ALERT] [a]\r\n");
    expect(response.printContinuation("")).toBe("+ \r\n");
    expect(response.printContinuation()).toBe("+ Go ahead\r\n");
  });

  it.each<[ResponseCode, string]>([
    ["READ-WRITE", "READ-WRITE"],
    [{ code: "APPENDUID", uidValidity: 38505, uids: [[3955, 3955]] }, "APPENDUID 38505 3955"],
    [
      {
        code: "COPYUID",
        uidValidity: 38505,
        from: [
          [304, 304],
          [319, 320],
        ],
        to: [[3956, 3958]],
      },
      "COPYUID 38505 304,319:320 3956:3958",
    ],
    [
      {
        code: "MODIFIED",
        numbers: [
          [7, 7],
          [9, 9],
        ],
      },
      "MODIFIED 7,9",
    ],
    [{ code: "BADCHARSET", charsets: ["US-ASCII", "UTF-8"] }, "BADCHARSET (US-ASCII UTF-8)"],
    [{ code: "CAPABILITY", capabilities: ["IMAP4rev1", "IDLE"] }, "CAPABILITY IMAP4rev1 IDLE"],
    [{ code: "HIGHESTMODSEQ", value: 715194045007 }, "HIGHESTMODSEQ 715194045007"],
    [{ code: "UIDNEXT", value: 4392 }, "UIDNEXT 4392"],
    [{ code: "MAILBOXID", id: "F2212ea87" }, "MAILBOXID (F2212ea87)"],
    [{ code: "METADATA", reason: "LONGENTRIES", octets: 2199 }, "METADATA LONGENTRIES 2199"],
    [{ code: "METADATA", reason: "TOOMANY" }, "METADATA TOOMANY"],
    [{ code: "NOUPDATE", tag: "B02" }, 'NOUPDATE "B02"'],
    [{ code: "PERMANENTFLAGS", flags: ["\\Deleted", "\\*"] }, "PERMANENTFLAGS (\\Deleted \\*)"],
  ])("carry the code %j", (code, printed) => {
    expect(response.printUntagged("OK", "x", code)).toBe(`* OK [${printed}] x\r\n`);
  });
});

describe("data responses", () => {
  it.each([
    [response.printCapability(["IMAP4rev1", "IDLE"]), "* CAPABILITY IMAP4rev1 IDLE"],
    [response.printEnabled([]), "* ENABLED"],
    [response.printEnabled(["CONDSTORE"]), "* ENABLED CONDSTORE"],
    [response.printNamespace("Other Users/"), '* NAMESPACE (("" "/")) (("Other Users/" "/")) NIL'],
    [
      printAcl({
        name: "INBOX",
        rights: [
          { identifier: "a@b", rights: "lre" },
          { identifier: "gr\u00fc\u00df", rights: "" },
        ],
      }),
      '* ACL INBOX a@b lred {6}\r\ngr\xc3\xbc\xc3\x9f ""',
    ],
    [
      printListRights({ name: "x y", identifier: "anyone", always: "", grantable: "lkt" }),
      '* LISTRIGHTS "x y" anyone "" l k t c d',
    ],
    [printListRights({ name: "x", identifier: "a@b", always: "lk", grantable: "" }), "* LISTRIGHTS x a@b lkc"],
    [printMyRights({ name: "Gr\u00fc\u00dfe", rights: "lx", utf8: true }), '* MYRIGHTS "Gr\xc3\xbc\xc3\x9fe" lxc'],
    [response.printId(null), "* ID NIL"],
    [response.printId([["name", "x"]]), '* ID ("name" "x")'],
    [response.printExists(23), "* 23 EXISTS"],
    [response.printRecent(0), "* 0 RECENT"],
    [response.printExpunge(44), "* 44 EXPUNGE"],
    [
      response.printVanished([
        [41, 41],
        [43, 116],
      ]),
      "* VANISHED 41,43:116",
    ],
    [response.printVanished([[41, 41]], { earlier: true }), "* VANISHED (EARLIER) 41"],
    [response.printFlags(["\\Seen", "$x"]), "* FLAGS (\\Seen $x)"],
    [response.printList("LIST", { attributes: ["\\Noselect"], name: "" }), '* LIST (\\Noselect) "/" ""'],
    [
      response.printList("LIST", { attributes: [], name: "a", childInfo: ["SUBSCRIBED"] }),
      '* LIST () "/" a ("CHILDINFO" ("SUBSCRIBED"))',
    ],
    [response.printList("LSUB", { attributes: [], name: "a b/é" }), '* LSUB () "/" "a b/&AOk-"'],
    [response.printList("LIST", { attributes: [], name: "é", utf8: true }), '* LIST () "/" "\xc3\xa9"'],
    [
      response.printStatus({
        name: "blurdybloop",
        values: [
          ["MESSAGES", 231],
          ["MAILBOXID", "F1"],
        ],
      }),
      "* STATUS blurdybloop (MESSAGES 231 MAILBOXID (F1))",
    ],
    [
      `${response.printFetchHead(12)}UID 7 FLAGS ${printFlagList(["\\Seen"])})\r\n`,
      "* 12 FETCH (UID 7 FLAGS (\\Seen))",
    ],
    [`${response.printUidFetchHead(7)}FLAGS ${printFlagList(["\\Seen"])})\r\n`, "* 7 UIDFETCH (FLAGS (\\Seen))"],
    [response.printLiteralHead(342), "{342}"],
  ])("print %j", (printed, expected) => {
    expect(printed).toBe(`${expected}\r\n`);
  });
});

const gray = { name: "Terry Gray", mailbox: "gray", host: "cac.washington.edu" };
const RFC_ENVELOPE: EnvelopeData = {
  date: "Wed, 17 Jul 1996 02:23:25 -0700 (PDT)",
  subject: "IMAP4rev1 WG mtg summary and minutes",
  from: [gray],
  sender: [gray],
  replyTo: [],
  to: [{ name: null, mailbox: "imap", host: "cac.washington.edu" }],
  cc: [
    { name: null, mailbox: "minutes", host: "CNRI.Reston.VA.US" },
    { name: "John Klensin", mailbox: "KLENSIN", host: "MIT.EDU" },
  ],
  bcc: [],
  inReplyTo: null,
  messageId: "<B27397-0100000@cac.washington.edu>",
};
const NO_ENVELOPE: EnvelopeData = {
  date: null,
  subject: null,
  from: [],
  sender: [],
  replyTo: [],
  to: [],
  cc: [],
  bcc: [],
  inReplyTo: null,
  messageId: null,
};
const TEXT: BodyPartData = {
  type: "TEXT",
  subtype: "PLAIN",
  parameters: [["CHARSET", "US-ASCII"]],
  id: null,
  description: null,
  encoding: "7BIT",
  md5: null,
  disposition: null,
  language: null,
  location: null,
  bodyStart: 100,
  bodyEnd: 3128,
  lines: 92,
  parts: [],
  message: null,
};

describe("ENVELOPE", () => {
  it("prints the example of RFC 9051 7.5.2", () => {
    expect(printEnvelope(RFC_ENVELOPE)).toBe(
      '("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev1 WG mtg summary and minutes" ' +
        '(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ' +
        '(("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ' +
        '((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL ' +
        '"<B27397-0100000@cac.washington.edu>")',
    );
  });

  it("prints an empty one and a group", () => {
    expect(printEnvelope(NO_ENVELOPE)).toBe("(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)");
    const to = [
      { name: null, mailbox: "friends", host: null },
      { name: null, mailbox: null, host: null },
    ];
    expect(printEnvelope({ ...NO_ENVELOPE, to })).toBe(
      '(NIL NIL NIL NIL NIL ((NIL NIL "friends" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)',
    );
  });
});

describe("BODY and BODYSTRUCTURE", () => {
  it("print the examples of RFC 9051 7.5.2", () => {
    expect(printBody(TEXT)).toBe('("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92)');
    const diff: BodyPartData = {
      ...TEXT,
      parameters: [...TEXT.parameters, ["NAME", "cc.diff"]],
      id: "<960723163407.20117h@cac.washington.edu>",
      description: "Compiler diff",
      encoding: "BASE64",
      bodyEnd: 4654,
      lines: 73,
    };
    const parts = [{ ...TEXT, bodyEnd: 1252, lines: 23 }, diff];
    expect(printBody({ ...TEXT, type: "MULTIPART", subtype: "MIXED", parameters: [["BOUNDARY", "x"]], parts })).toBe(
      '(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 1152 23)("TEXT" "PLAIN" ("CHARSET" "US-ASCII" ' +
        '"NAME" "cc.diff") "<960723163407.20117h@cac.washington.edu>" "Compiler diff" "BASE64" 4554 73) "MIXED")',
    );
  });

  it("print extension data, embedded messages and types of any case", () => {
    const inner: BodyPartData = { ...TEXT, type: "text", md5: "Q2hl", language: ["en"], location: "http://a" };
    const message: BodyPartData = {
      ...TEXT,
      type: "message",
      subtype: "rfc822",
      parameters: [],
      disposition: { type: "attachment", parameters: [["filename", 'a"b']] },
      language: ["en", "de"],
      message: { envelope: NO_ENVELOPE, structure: inner },
    };
    const whole: BodyPartData = { ...TEXT, type: "multipart", subtype: "mixed", parts: [message], language: [] };
    const text = '("text" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 3028 92';
    const head = '("message" "rfc822" NIL NIL NIL "7BIT" 3028 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)';
    expect(printBody(whole)).toBe(`(${head} ${text}) 92) "mixed")`);
    expect(printBodyStructure(whole)).toBe(
      `(${head} ${text} "Q2hl" NIL "en" "http://a") 92 NIL ("attachment" ("filename" "a\\"b")) ("en" "de") NIL)` +
        ' "mixed" ("CHARSET" "US-ASCII") NIL NIL NIL)',
    );
    const global = { ...message, subtype: "Global" };
    expect(printBody(global)).toBe(`${head.replace("rfc822", "Global")} ${text}) 92)`);
    // RFC 9755 6: IMAP4rev1 has it otherwise.
    expect(printBody(global, 1)).toBe('("message" "Global" NIL NIL NIL "7BIT" 3028)');
    expect(printBody(whole, 1)).toBe(printBody(whole));
    expect([whole, { ...whole, parts: [global] }].map((part) => dependsOnRevision(printBodyStructure(part)))).toEqual([
      false,
      true,
    ]);
  });

  it("print what the grammar has no form for as something that it has", () => {
    const image: BodyPartData = { ...TEXT, type: "IMAGE", subtype: "GIF", parameters: [] };
    expect(printBody(image)).toBe('("IMAGE" "GIF" NIL NIL NIL "7BIT" 3028)');
    expect(printBody({ ...image, type: "Message", subtype: "RFC822" })).toBe(
      '("APPLICATION" "OCTET-STREAM" NIL NIL NIL "7BIT" 3028)',
    );
    expect(printBody({ ...image, type: "message", subtype: "external-body" })).toBe(
      '("message" "external-body" NIL NIL NIL "7BIT" 3028)',
    );
    expect(printBody({ ...image, type: "Multipart", subtype: "mixed" })).toBe(
      '(("TEXT" "PLAIN" ("CHARSET" "US-ASCII") NIL NIL "7BIT" 0 0) "mixed")',
    );
  });
});

type Tree = string | number | null | readonly Tree[];

/** Reads any parenthesised data as a client does, without knowing what it means. */
function readTree(scan: Scanner): Tree {
  if (scan.skip("(")) {
    const items: Tree[] = [];
    while (!scan.skip(")")) {
      items.push(readTree(scan));
      scan.skip(" ");
    }
    return items;
  }
  return scan.peek >= "0" && scan.peek <= "9" ? scan.number64() : scan.nstring();
}

const nstring = fc.option(octets);
const address = fc.record({ name: nstring, mailbox: nstring, host: nstring });
const addresses = fc.array(address, { maxLength: 3 });
const envelope: fc.Arbitrary<EnvelopeData> = fc.record({
  date: nstring,
  subject: nstring,
  from: addresses,
  sender: addresses,
  replyTo: addresses,
  to: addresses,
  cc: addresses,
  bcc: addresses,
  inReplyTo: nstring,
  messageId: nstring,
});
const parameters = fc.array(fc.tuple(octets, octets), { maxLength: 3 });
const single = {
  parameters,
  id: nstring,
  description: nstring,
  encoding: octets,
  md5: nstring,
  disposition: fc.option(fc.record({ type: octets, parameters })),
  language: fc.option(fc.array(octets, { maxLength: 3 })),
  location: nstring,
  bodyStart: fc.nat(),
  bodyEnd: fc.integer({ min: 2 ** 31, max: 2 ** 32 }),
  lines: fc.nat(),
};
const { part } = fc.letrec<{ part: BodyPartData }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 4 },
    fc.record({
      ...single,
      type: fc.constantFrom("text", "Image"),
      subtype: octets,
      parts: fc.constant([]),
      message: fc.constant(null),
    }),
    fc.record({
      ...single,
      type: fc.constant("message"),
      subtype: fc.constant("RFC822"),
      parts: fc.constant([]),
      message: fc.record({ envelope, structure: tie("part") }),
    }),
    fc.record({
      ...single,
      type: fc.constant("Multipart"),
      subtype: octets,
      parts: fc.array(tie("part"), { minLength: 1, maxLength: 3 }),
      message: fc.constant(null),
    }),
  ),
}));

/** What a client should have read, with NUL as it is printed. */
function envelopeTree(data: EnvelopeData): Tree {
  const list = (all: EnvelopeData["from"]): Tree =>
    all.length === 0 ? null : all.map(({ name, mailbox, host }) => [name, null, mailbox, host]);
  const [from, sender, replyTo, to, cc, bcc] = [data.from, data.sender, data.replyTo, data.to, data.cc, data.bcc].map(
    list,
  ) as [Tree, Tree, Tree, Tree, Tree, Tree];
  return [data.date, data.subject, from, sender ?? from, replyTo ?? from, to, cc, bcc, data.inReplyTo, data.messageId];
}

function structureTree(data: BodyPartData, extended: boolean): Tree {
  const flat = (pairs: BodyPartData["parameters"]): Tree => (pairs.length === 0 ? null : pairs.flat());
  const language = data.language?.length === 1 ? (data.language[0] as string) : data.language;
  const placement: Tree[] = [
    data.disposition === null ? null : [data.disposition.type, flat(data.disposition.parameters)],
    language?.length === 0 && typeof language !== "string" ? null : language,
    data.location,
  ];
  if (data.parts.length > 0) {
    const multipart = [...data.parts.map((child) => structureTree(child, extended)), data.subtype];
    return extended ? [...multipart, flat(data.parameters), ...placement] : multipart;
  }
  const message = data.message && [
    envelopeTree(data.message.envelope),
    structureTree(data.message.structure, extended),
  ];
  return [
    data.type,
    data.subtype,
    flat(data.parameters),
    data.id,
    data.description,
    data.encoding,
    data.bodyEnd - data.bodyStart,
    ...(message ?? []),
    ...(message !== null || data.type === "text" ? [data.lines] : []),
    ...(extended ? [data.md5, ...placement] : []),
  ];
}

function printable(tree: Tree): Tree {
  if (typeof tree === "string") return withoutNul(tree);
  return tree === null || typeof tree === "number" ? tree : tree.map(printable);
}

describe("what a client reads of random envelopes and structures", () => {
  it("is what was printed", () => {
    fc.assert(
      fc.property(envelope, part, (mail, structure) => {
        expect(parseAll(readTree, printEnvelope(mail))).toEqual(printable(envelopeTree(mail)));
        expect(parseAll(readTree, printBody(structure))).toEqual(printable(structureTree(structure, false)));
        expect(parseAll(readTree, printBodyStructure(structure))).toEqual(printable(structureTree(structure, true)));
      }),
      { numRuns: 200 },
    );
  });
});
