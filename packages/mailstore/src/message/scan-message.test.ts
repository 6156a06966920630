import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { MESSAGE_LIMITS, type MessageLimits } from "./limits.ts";
import { MessageScanner, scanMessage } from "./scan-message.ts";
import { trimBlanks } from "./characters.ts";
import { findParameter, parseMediaType } from "./parameterized-value.ts";
import { PLAIN_TEXT } from "./part-description.ts";
import type { BodyPart, EmbeddedMessage, MessageSummary } from "./summary.ts";

/** Messages by what is special about them; written with LF, scanned with either line end. */
const CORPUS: Readonly<Record<string, string>> = {
  plain: "From: a@b.c\nSubject: x\n\none\ntwo\n",
  nested: `From: A <a@x.org>
Content-Type: multipart/mixed; boundary="outer"

preamble
--outer
Content-Type: multipart/alternative; boundary="outer-inner"

--outer-inner
Content-Type: text/plain; charset=utf-8

text

--outer-inner
Content-Type: text/html
Content-Transfer-Encoding: quoted-printable

<p>h</p>
--outer-inner--
inner epilogue

--outer
Content-Type: message/rfc822
Content-Disposition: attachment; filename="m.eml"

From: inner@x.org
Subject: inner
Content-Type: multipart/mixed; boundary=deep

--deep

deep
text
--deep
Content-Type: image/png; name=a.png
Content-Transfer-Encoding: base64
Content-ID: <img@x>
Content-Description: a picture
Content-MD5: Q2hlY2sgSW50ZWdyaXR5IQ==
Content-Language: en, de (German)
Content-Location: http://x.org/a.png
Content-Disposition: inline; filename*=utf-8''a%20b.png; size=4

AAAA
--deep--

--outer
Content-Type: application/octet-stream

binary
--outer--
epilogue
`,
  digest: `Content-Type: multipart/digest; boundary=d

--d

From: one@x

first
--d
Content-Type: text/plain

second
--d--
`,
  unterminated: `Content-Type: multipart/mixed; boundary=a

--a
Content-Type: multipart/mixed; boundary=b

--b

inner one
--b

inner two
--a

outer two`,
  noBlankLine: `Content-Type: multipart/mixed; boundary=a

--a
Content-Type: text/html
--a
no header at all
second line
--a
--a--
`,
  boundaryNeverComes: "Content-Type: multipart/mixed; boundary=x\nContent-Transfer-Encoding: 8bit\n\njust\ntext\n",
  noBoundary: "Content-Type: multipart/mixed\n\n--x\njust text\n--x--\n",
  headerOnly: "From: a@b\nSubject: no body",
  headerOnlyMultipart: "Content-Type: multipart/mixed; boundary=a",
  headerOnlyMessage: "Content-Type: message/rfc822\n",
  empty: "",
  blank: "\n",
  sameBoundary: `Content-Type: multipart/mixed; boundary=s

--s
Content-Type: multipart/mixed; boundary=s

--s

inner
--s--

--s

outer
--s--
`,
  encodedMessage: `Content-Type: multipart/mixed; boundary=s

--s
Content-Type: message/rfc822; name=m.eml
Content-Transfer-Encoding: base64

RnJvbTogYUBiCgpoaQo=
--s
Content-Type: message/global

Subject: \u00fc

body
--s--
`,
  prefixes: `Content-Type: multipart/mixed; boundary=abc

--abc
Content-Type: multipart/mixed; boundary="abc--"

--abc--

in the longer one, which "--abc" does not close
--abcd
--abc----
--abc \t
Content-Type: text/x

--abcd
--ab
 --abc
--abc-
--abc--\t
epilogue
--abc
`,
  prefixesReversed: `Content-Type: multipart/mixed; boundary="abc--"

--abc--
Content-Type: multipart/mixed; boundary=abc

--abc

inner
--abc--
--abc--

outer
--abc----
`,
  embedded: `Content-Type: message/rfc822

Content-Type: message/rfc822

Subject: third
Content-Type: text/plain

one
two
`,
};

const limits = (lowered: Partial<MessageLimits>): MessageLimits => ({ ...MESSAGE_LIMITS, ...lowered });
const crlf = (text: string): Buffer => Buffer.from(text.replaceAll("\n", "\r\n"), "utf8");

interface Outline {
  readonly type: string;
  readonly header: string;
  readonly body: string;
  readonly lines: number;
  readonly holds?: readonly Outline[];
}

/** A tree as the bytes at its offsets, with CRLF shown as LF. */
function outline(bytes: Buffer, part: BodyPart): Outline {
  const cut = (start: number, end: number): string => bytes.toString("utf8", start, end).replaceAll("\r\n", "\n");
  const inside = part.message === null ? part.parts : [part.message.structure];
  return {
    type: `${part.type}/${part.subtype}`,
    header: cut(part.headerStart, part.bodyStart),
    body: cut(part.bodyStart, part.bodyEnd),
    lines: part.lines,
    ...(inside.length > 0 && { holds: inside.map((child) => outline(bytes, child)) }),
  };
}

function outlineOf(name: string): Outline {
  const bytes = crlf(CORPUS[name] as string);
  return outline(bytes, scanMessage(bytes).structure);
}

/** Types and bodies alone. */
function bodiesOf(name: string): unknown {
  const shorten = ({ type, body, holds }: Outline): unknown =>
    holds === undefined ? [type, body] : [type, holds.map(shorten)];
  return shorten(outlineOf(name));
}

function scanInPieces(
  bytes: Uint8Array,
  cuts: readonly number[],
  lowered: MessageLimits = MESSAGE_LIMITS,
): MessageSummary {
  const scanner = new MessageScanner(lowered);
  // The same memory for each piece, wiped after it: nothing of a chunk may be kept.
  const piece = new Uint8Array(bytes.length);
  let from = 0;
  for (const to of [...cuts].sort((a, b) => a - b).concat(bytes.length)) {
    piece.set(bytes.subarray(from, to));
    scanner.push(piece.subarray(0, to - from));
    piece.fill(0x2d);
    from = to;
  }
  return scanner.finish();
}

describe("the tree of a message", () => {
  it("gives everything about every part", () => {
    const bytes = crlf(CORPUS["nested"] as string);
    const { structure, sizeBytes } = scanMessage(bytes);
    expect(sizeBytes).toBe(bytes.length);
    expect(outline(bytes, structure)).toMatchObject({
      type: "multipart/mixed",
      lines: 0,
      body: expect.stringMatching(/^preamble\n[^]*epilogue\n$/),
    });
    const [alternative, message, binary] = structure.parts as [BodyPart, BodyPart, BodyPart];
    expect(outline(bytes, alternative)).toEqual({
      type: "multipart/alternative",
      header: 'Content-Type: multipart/alternative; boundary="outer-inner"\n\n',
      body: expect.stringMatching(/^--outer-inner\n[^]*\ninner epilogue\n$/),
      lines: 0,
      holds: [
        { type: "text/plain", header: "Content-Type: text/plain; charset=utf-8\n\n", body: "text\n", lines: 1 },
        {
          type: "text/html",
          header: "Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n",
          body: "<p>h</p>",
          lines: 0,
        },
      ],
    });
    expect(alternative.parts.map(({ parameters, encoding }) => [parameters, encoding])).toEqual([
      [[["charset", "utf-8"]], "7bit"],
      [[], "quoted-printable"],
    ]);
    expect(message).toMatchObject({
      type: "message",
      subtype: "rfc822",
      lines: 20,
      disposition: { type: "attachment", parameters: [["filename", "m.eml"]] },
    });
    const embedded = message.message as EmbeddedMessage;
    expect(embedded.envelope).toMatchObject({ subject: "inner", from: [{ mailbox: "inner", host: "x.org" }] });
    expect(embedded.structure.parts[0]).toMatchObject({
      type: "text",
      lines: 1,
      parameters: [["charset", "us-ascii"]],
    });
    const { headerStart, bodyStart, bodyEnd, ...picture } = embedded.structure.parts[1] as BodyPart;
    expect(bytes.toString("latin1", bodyStart, bodyEnd)).toBe("AAAA");
    expect(bytes.toString("latin1", headerStart, headerStart + 13)).toBe("Content-Type:");
    expect(picture).toEqual({
      type: "image",
      subtype: "png",
      parameters: [["name", "a.png"]],
      id: "<img@x>",
      description: "a picture",
      encoding: "base64",
      md5: "Q2hlY2sgSW50ZWdyaXR5IQ==",
      disposition: {
        type: "inline",
        parameters: [
          ["filename*", "utf-8''a%20b.png"],
          ["size", "4"],
        ],
      },
      language: ["en", "de"],
      location: "http://x.org/a.png",
      lines: 0,
      parts: [],
      message: null,
    });
    expect(outline(bytes, binary)).toMatchObject({ type: "application/octet-stream", body: "binary", lines: 0 });
  });

  it("keeps what the message itself refers to, as ids compare (RFC 5256 2.2)", () => {
    const inner = "Content-Type: message/rfc822\n\nReferences: <in@x>\n\ntext\n";
    const bytes = crlf(`References: <a@x> then\n <"b c"@x>,<d"e\\"@x>  <no-id> <f@x\n${inner}`);
    expect(scanMessage(bytes).references).toEqual(["a@x", "bc@x", "de@x"]);
    expect(scanMessage(bytes, { ...MESSAGE_LIMITS, referencesMax: 2 }).references).toEqual(["bc@x", "de@x"]);
  });

  it("gives a plain message its defaults", () => {
    const bytes = crlf("Subject: x\n\none\ntwo\n");
    expect(scanMessage(bytes)).toEqual({
      sizeBytes: 24,
      references: [],
      isInternationalized: false,
      preview: "one two",
      envelope: {
        date: null,
        subject: "x",
        from: [],
        sender: [],
        replyTo: [],
        to: [],
        cc: [],
        bcc: [],
        inReplyTo: null,
        messageId: null,
      },
      structure: {
        type: "text",
        subtype: "plain",
        parameters: [["charset", "us-ascii"]],
        id: null,
        description: null,
        encoding: "7bit",
        md5: null,
        disposition: null,
        language: null,
        location: null,
        headerStart: 0,
        bodyStart: 14,
        bodyEnd: 24,
        lines: 2,
        parts: [],
        message: null,
      },
    });
  });

  it("takes the parts of a digest for messages", () => {
    expect(bodiesOf("digest")).toEqual([
      "multipart/digest",
      [
        ["message/rfc822", [["text/plain", "first"]]],
        ["text/plain", "second"],
      ],
    ]);
  });

  it("closes what a boundary of an outer multipart, or the end, cuts off", () => {
    expect(bodiesOf("unterminated")).toEqual([
      "multipart/mixed",
      [
        [
          "multipart/mixed",
          [
            ["text/plain", "inner one"],
            ["text/plain", "inner two"],
          ],
        ],
        ["text/plain", "outer two"],
      ],
    ]);
  });

  it("ends a header without a blank line at the boundary, and finds a body without a header", () => {
    expect(outlineOf("noBlankLine").holds).toEqual([
      { type: "text/html", header: "Content-Type: text/html", body: "", lines: 0 },
      { type: "text/plain", header: "", body: "no header at all\nsecond line", lines: 1 },
      { type: "text/plain", header: "", body: "", lines: 0 },
    ]);
  });

  it("takes a multipart whose parts cannot be told for text", () => {
    const text = { type: "text/plain", body: "just\ntext\n", lines: 2 };
    expect(outlineOf("boundaryNeverComes")).toMatchObject(text);
    expect(scanMessage(crlf(CORPUS["boundaryNeverComes"] as string)).structure).toMatchObject({
      encoding: "8bit",
      parameters: [["charset", "us-ascii"]],
    });
    expect(outlineOf("noBoundary")).toMatchObject({ type: "text/plain", lines: 3 });
  });

  it("needs neither header nor body", () => {
    expect(outlineOf("empty")).toEqual({ type: "text/plain", header: "", body: "", lines: 0 });
    expect(outlineOf("blank")).toEqual({ type: "text/plain", header: "\n", body: "", lines: 0 });
    expect(outlineOf("headerOnly")).toEqual({ type: "text/plain", header: CORPUS["headerOnly"], body: "", lines: 0 });
    expect(outlineOf("headerOnlyMultipart")).toMatchObject({ type: "text/plain", body: "" });
    expect(bodiesOf("headerOnlyMessage")).toEqual(["message/rfc822", [["text/plain", ""]]]);
  });

  it("gives the lines of nested multiparts with one boundary to the inner one", () => {
    expect(bodiesOf("sameBoundary")).toEqual([
      "multipart/mixed",
      [
        ["multipart/mixed", [["text/plain", "inner"]]],
        ["text/plain", "outer"],
      ],
    ]);
  });

  it("tells boundaries apart of which one begins like the other", () => {
    expect(bodiesOf("prefixes")).toEqual([
      "multipart/mixed",
      [
        ["multipart/mixed", [["text/plain", 'in the longer one, which "--abc" does not close\n--abcd']]],
        ["text/x", "--abcd\n--ab\n --abc\n--abc-"],
      ],
    ]);
    expect(bodiesOf("prefixesReversed")).toEqual([
      "multipart/mixed",
      [
        ["multipart/mixed", [["text/plain", "inner"]]],
        ["text/plain", "outer"],
      ],
    ]);
  });

  it("looks into messages within messages, unless they are encoded", () => {
    expect(outlineOf("embedded")).toMatchObject({
      type: "message/rfc822",
      lines: 7,
      holds: [{ type: "message/rfc822", lines: 5, holds: [{ type: "text/plain", body: "one\ntwo\n", lines: 2 }] }],
    });
    expect(bodiesOf("encodedMessage")).toEqual([
      "multipart/mixed",
      [
        ["application/octet-stream", "RnJvbTogYUBiCgpoaQo="],
        ["message/global", [["text/plain", "body"]]],
      ],
    ]);
    const { structure } = scanMessage(crlf(CORPUS["encodedMessage"] as string));
    expect(structure.parts[0]).toMatchObject({ parameters: [["name", "m.eml"]], encoding: "base64", message: null });
    expect(structure.parts[1]?.message?.envelope.subject).toBe("\u00c3\u00bc");
  });

  it("reads bare LF as it reads CRLF", () => {
    for (const text of Object.values(CORPUS)) {
      const [bare, full] = [Buffer.from(text, "utf8"), crlf(text)];
      expect(outline(bare, scanMessage(bare).structure)).toEqual(outline(full, scanMessage(full).structure));
    }
  });
});

const boundary = fc.constantFrom("a", "a", "b", "a--");
const lineEnd = fc.constantFrom("\r\n", "\r\n", "\r\n", "\n", "\r");
const multipartHeader = fc
  .tuple(fc.constantFrom("mixed", "Mixed", "digest"), boundary)
  .map(([subtype, text]) => [`Content-Type: multipart/${subtype}; boundary=${text}`, "", `--${text}`]);
const boundaryLine = fc
  .tuple(fc.constantFrom("--", " --"), boundary, fc.constantFrom("", "", "", "--", "-- \t\r", "\r", "x"))
  .map((parts) => [parts.join("")]);
const otherLines = fc.constantFrom(
  [""],
  [""],
  ["Content-Type: message/rfc822", ""],
  ["Content-Type: image/png", ""],
  ["Subject: x", " folded", "To: a@b, c@d"],
  ["text", "--", "-", "-a"],
  ["\0", "\r", "x\ry", "-\r"],
);

/** Messages made of lines that matter, in any order and with any line ends. */
const anyMessage: fc.Arbitrary<Buffer> = fc
  .array(fc.tuple(fc.oneof(multipartHeader, boundaryLine, otherLines), lineEnd), { maxLength: 16 })
  .map((groups) => groups.flatMap(([lines, end]) => lines.map((line) => `${line}${end}`)))
  .map((lines) => Buffer.from(lines.join(""), "latin1"));

const LOWERED = limits({ fieldBytesMax: 24, fieldBytesTotalMax: 100, depthMax: 3, partsMax: 6, addressesMax: 1 });

describe("a message that comes in pieces", () => {
  it("is the same wherever it is cut in two", () => {
    for (const text of Object.values(CORPUS)) {
      for (const bytes of [crlf(text), Buffer.from(text, "utf8")]) {
        const whole = JSON.stringify(scanMessage(bytes));
        for (let cut = 0; cut <= bytes.length; cut++) expect(JSON.stringify(scanInPieces(bytes, [cut]))).toBe(whole);
      }
    }
  });

  it("is the same where a line is as long as is kept, or longer", () => {
    for (let length = 20; length < 30; length++) {
      const bytes = crlf(`Subject: ${"s".repeat(length - 9)}\n x\nTo: ${" ".repeat(length - 4)}\n\nbody`);
      const whole = scanMessage(bytes, LOWERED);
      expect(whole.envelope.subject).toBe(`${"s".repeat(Math.min(length, 24) - 9)} x`);
      for (let cut = 0; cut <= bytes.length; cut++) expect(scanInPieces(bytes, [cut], LOWERED)).toEqual(whole);
    }
  });

  it("is the same byte by byte, and in any other pieces, with any limits", () => {
    fc.assert(
      fc.property(anyMessage, fc.array(fc.nat(400), { maxLength: 12 }), (bytes, cuts) => {
        const within = cuts.filter((cut) => cut <= bytes.length);
        const single = Array.from(bytes.keys());
        for (const lowered of [MESSAGE_LIMITS, LOWERED]) {
          const whole = scanMessage(bytes, lowered);
          expect(scanInPieces(bytes, within, lowered)).toEqual(whole);
          expect(scanInPieces(bytes, single, lowered)).toEqual(whole);
        }
      }),
      { numRuns: 500 },
    );
  });
});

/** Type, header start, body start, body end, lines, and what it holds. */
type Row = [type: string, headerStart: number, bodyStart: number, bodyEnd: number, lines: number, holds: Row[]];

function rowOf(part: BodyPart): Row {
  const inside = part.message === null ? part.parts : [part.message.structure];
  const type = `${part.type}/${part.subtype}`.toLowerCase();
  return [type, part.headerStart, part.bodyStart, part.bodyEnd, part.lines, inside.map(rowOf)];
}

/** The tree once more, from whole lines and by recursion: slow and plain. */
class NaiveScanner {
  readonly #text: string;
  readonly #lines: { from: number; to: number; content: string }[] = [];
  #at = 0;

  constructor(bytes: Buffer) {
    this.#text = bytes.toString("latin1");
    for (const { 0: line, index } of this.#text.matchAll(/[^\n]*\n|[^\n]+$/g)) {
      this.#lines.push({ from: index, to: index + line.length, content: line.replace(/\r?\n$/, "") });
    }
  }

  scan(): Row {
    return this.#readEntity(0, [], "message");
  }

  /** The innermost of the open boundaries whose line is next. */
  #boundary(open: readonly string[]): { level: number; closes: boolean } | undefined {
    const content = this.#lines[this.#at]?.content.replace(/[ \t\r]+$/, "");
    for (let level = open.length - 1; level >= 0; level--) {
      for (const closes of [false, true]) {
        if (open[level] !== "" && content === `--${open[level]}${closes ? "--" : ""}`) return { level, closes };
      }
    }
    return undefined;
  }

  #isStopped(open: readonly string[]): boolean {
    return this.#at === this.#lines.length || this.#boundary(open) !== undefined;
  }

  /** Where what went before ends, if a boundary line or the end comes now. */
  #endBefore(start: number): number {
    const line = this.#lines[this.#at];
    if (line === undefined) return this.#text.length;
    const gap = /\r?\n$/.exec(this.#text.slice(0, line.from))?.[0].length ?? 0;
    return Math.max(start, line.from - gap);
  }

  #readHeader(open: readonly string[], isPart: boolean): string[] {
    const header: string[] = [];
    while (!this.#isStopped(open)) {
      const { content } = this.#lines[this.#at] as { content: string };
      if (isPart && header.length === 0 && content !== "" && !/^[^\0-\x20:]+[ \t]*:/.test(content)) break;
      this.#at++;
      if (content === "") break;
      header.push(content);
    }
    return header;
  }

  #typeOf(header: readonly string[]): { readonly type: string; readonly boundary?: string } | undefined {
    const at = header.findIndex((line) => /^content-type:/i.test(line));
    if (at < 0) return undefined;
    const folded = header.slice(at + 1).findIndex((line) => !/^[ \t]/.test(line));
    const value = header.slice(at, folded < 0 ? undefined : at + 1 + folded).join("");
    const media = parseMediaType(trimBlanks(value.slice(value.indexOf(":") + 1)), 64) ?? PLAIN_TEXT;
    const type = `${media.type}/${media.subtype}`.toLowerCase();
    const boundary = trimBlanks(findParameter(media.parameters, "boundary") ?? "");
    if (!type.startsWith("multipart/")) return { type };
    return boundary === "" ? { type: "text/plain" } : { type, boundary };
  }

  #readEntity(headerStart: number, open: readonly string[], as: "message" | "part" | "digested"): Row {
    const header = this.#readHeader(open, as !== "message");
    const isHeaderOpen = this.#isStopped(open) && this.#lines[this.#at - 1]?.content !== "";
    const bodyStart =
      isHeaderOpen || this.#at === 0 ? this.#endBefore(headerStart) : (this.#lines[this.#at - 1]?.to as number);
    const { type, boundary } = this.#typeOf(header) ?? { type: as === "digested" ? "message/rfc822" : "text/plain" };
    const holds: Row[] = [];
    if (boundary !== undefined) this.#readParts(holds, [...open, boundary], type);
    else if (type === "message/rfc822") holds.push(this.#readEntity(bodyStart, open, "message"));
    while (!this.#isStopped(open)) this.#at++;
    const bodyEnd = Math.max(this.#endBefore(bodyStart), holds.at(-1)?.[3] ?? 0);
    const shown = boundary !== undefined && holds.length === 0 ? "text/plain" : type;
    const lines = this.#text.slice(bodyStart, bodyEnd).split("\n").length - 1;
    return [shown, headerStart, bodyStart, bodyEnd, /^(?:text|message)/.test(shown) ? lines : 0, holds];
  }

  #readParts(parts: Row[], open: readonly string[], type: string): void {
    while (this.#at < this.#lines.length) {
      const boundary = this.#boundary(open);
      if (boundary !== undefined && boundary.level < open.length - 1) return;
      const next = this.#lines[this.#at++]?.to as number;
      if (boundary?.closes === true) return;
      if (boundary !== undefined)
        parts.push(this.#readEntity(next, open, type === "multipart/digest" ? "digested" : "part"));
    }
  }
}

describe("any bytes", () => {
  it("have the tree that a naive scan finds", () => {
    fc.assert(
      fc.property(anyMessage, (bytes) => {
        expect(rowOf(scanMessage(bytes).structure)).toEqual(new NaiveScanner(bytes).scan());
      }),
      { numRuns: 3_000 },
    );
  });
});
