// The texts of bodies, whatever the pieces in which they come.
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { decodeBody, decodeTransferEncoding, unicodeCasemap, scanMessage, type BodyPart } from "@pushmail/mailstore";
import { describeFormat } from "./describe-messages.ts";
import { SEARCH_LIMITS } from "./limits.ts";
import { TextReader } from "./text-reader.ts";
import { transferDecoder } from "./transfer-decoder.ts";

const RUNS = { numRuns: 300 };

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, i) => bytes.subarray(ends[i - 1] ?? 0, end));
}

function decode(encoding: string, pieces: readonly Buffer[]): Buffer {
  const decoder = transferDecoder(encoding);
  const decoded = pieces.map((piece) => decoder(piece, { isLast: false }));
  return Buffer.concat([...decoded, decoder(Buffer.alloc(0), { isLast: true })]);
}

function textPart(encoding: string, charset: string | null): BodyPart {
  const type = charset === null ? "text/plain" : `text/plain; charset="${charset}"`;
  const header = `Content-Type: ${type}\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`;
  return scanMessage(Buffer.from(header)).structure;
}

function textsOf(pieces: readonly Buffer[], part: BodyPart): readonly string[] {
  const reader = new TextReader(part, SEARCH_LIMITS.lineBytesMax);
  return [...pieces.map((piece) => reader.push(piece)), reader.end()];
}

describe("transferDecoder", () => {
  const places = fc.array(fc.nat({ max: 5_000 }), { maxLength: 8 });

  it("reads base64 cut anywhere, with line ends and foreign bytes in it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 80 }), places, (bytes, width, cuts) => {
        const digits = Buffer.from(bytes).toString("base64");
        const lines = digits.replace(new RegExp(`.{${width}}`, "g"), "$&\r\n");
        expect(decode("BASE64", cut(Buffer.from(`!${lines}`), cuts))).toEqual(Buffer.from(bytes));
      }),
      RUNS,
    );
  });

  it("begins anew behind padding", () => {
    const twice = Buffer.from("YQ==\r\nYmM=\r\nZGVm");
    for (let at = 0; at <= twice.length; at++) expect(decode("base64", cut(twice, [at])).toString()).toBe("abcdef");
  });

  it("reads quoted-printable cut anywhere", () => {
    const encoded = Buffer.from(
      "A=3DB =C3=A4=c3=bc soft=\r\nbreak, with blanks= \t\r\n, bare=\nend; =zz =4 stay \t\r\n=20 \n =",
    );
    const decoded = Buffer.from("A=B äü softbreak, with blanks, bareend; =zz =4 stay\r\n \n ");
    for (let at = 0; at <= encoded.length; at++) {
      expect(decode("quoted-printable", cut(encoded, [at, at + 1, at + 3]))).toEqual(decoded);
    }
  });

  it("gives what the whole gives, whatever it is", () => {
    const soup = fc.array(fc.constantFrom("=", "3", "D", "\r", "\n", " ", "x", "=\r\n", "=3D", "\t"), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(soup, places, (parts, cuts) => {
        const bytes = Buffer.from(parts.join(""));
        const whole = decodeTransferEncoding(bytes, "quoted-printable");
        expect(decode("quoted-printable", cut(bytes, cuts))).toEqual(Buffer.from(whole));
      }),
      RUNS,
    );
  });

  it("gives what the whole gives, however many blanks stand before what decides what they are", () => {
    const blanks = [1, 79, 80, 81, 400].flatMap((count) => [" ".repeat(count), "\t".repeat(count)]);
    const soup = fc.array(fc.constantFrom(...blanks, "=", "\r", "\n", "\r\n", "=\r\n", "x"), { maxLength: 12 });
    fc.assert(
      fc.property(soup, places, (some, cuts) => {
        const bytes = Buffer.from(some.join(""));
        const whole = decodeTransferEncoding(bytes, "quoted-printable");
        expect(decode("quoted-printable", cut(bytes, cuts))).toEqual(Buffer.from(whole));
      }),
      RUNS,
    );
  });

  it("holds back little, however long an escape is not ended", () => {
    const decoder = transferDecoder("quoted-printable");
    let given = 0;
    for (let i = 0; i < 100; i++) given += decoder(Buffer.from(`=${" ".repeat(1_000)}`), { isLast: false }).length;
    expect(given).toBeGreaterThan(99_000);
  });
});

describe("TextReader", () => {
  const encodings = { "8bit": 0, base64: 1, "quoted-printable": 2 } as const;
  const line = fc.string({ unit: "grapheme", maxLength: 30 });

  it("gives the folded text of the whole body, in every encoding and charset", () => {
    fc.assert(
      fc.property(
        fc.array(line, { maxLength: 20 }),
        fc.constantFrom("8bit", "base64", "quoted-printable"),
        fc.constantFrom("utf-8", null, "UTF-8"),
        fc.array(fc.nat({ max: 5_000 }), { maxLength: 6 }),
        (lines, encoding, charset, cuts) => {
          const bytes = Buffer.from(lines.join("\r\n"));
          const body = encode(bytes, encoding);
          const expected = unicodeCasemap(decodeBody(body, encoding, charset));
          expect(textsOf(cut(body, cuts), textPart(encoding, charset)).join("")).toBe(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("does not take octets below 128 for ASCII where they are none", () => {
    const japanese = Buffer.from("\x1b$B$3$l\x1b(B", "latin1");
    expect(textsOf([japanese], textPart("7bit", "ISO-2022-JP")).join("")).toBe("これ");
    const wide = Buffer.from("Ab\nĊ\u{1f600}\u{1f4d8}d\n", "utf16le");
    for (const [charset, octets] of [["utf-16le", wide] as const, ["utf-16be", Buffer.from(wide).swap16()] as const]) {
      for (let at = 0; at <= wide.length; at++) {
        const texts = textsOf(cut(octets, [at]), textPart("8bit", charset));
        expect([charset, at, texts.join("")]).toEqual([charset, at, unicodeCasemap("ab\nċ\u{1f600}\u{1f4d8}d\n")]);
      }
    }
    expect(textsOf([Buffer.from([0xc4, 0x4c])], textPart("8bit", "windows-1252")).join("")).toBe(unicodeCasemap("äl"));
  });

  it("takes the order of octets that the mark says for that of UTF-16", () => {
    const little = Buffer.from("\ufeffab\n\u{1f600}\u{1f4d8}d\n\ufffee\ufffef", "utf16le");
    const folded = unicodeCasemap("ab\n\u{1f600}\u{1f4d8}d\n\ufffee\ufffef");
    for (const octets of [little, Buffer.from(little).swap16(), little.subarray(2)]) {
      expect(unicodeCasemap(decodeBody(octets, "8bit", "UTF-16"))).toBe(folded);
      for (let at = 0; at <= octets.length; at++) {
        const texts = textsOf(cut(octets, [at]), textPart("8bit", "UTF-16"));
        expect([at, texts.join("")]).toEqual([at, folded]);
      }
    }
    // Here the label says it: what would be a mark elsewhere is none.
    expect(decodeBody(Buffer.from("feff0041", "hex"), "8bit", "utf-16le")).toBe("\ufffe\u4100");
  });

  it.each(["utf-8", null, "windows-1252"])("keeps what only at the beginning is no part of a text in %s", (charset) => {
    const bytes = Buffer.from("\ufeffone\r\n\ufefftwo\r\n\ufeff\ufeffthree");
    const whole = unicodeCasemap(decodeBody(bytes, "8bit", charset));
    for (let at = 0; at <= bytes.length; at++) {
      expect([at, textsOf(cut(bytes, [at]), textPart("8bit", charset)).join("")]).toEqual([at, whole]);
    }
  });

  it("gives long lines in bounded pieces, and holds no more", () => {
    const piece = Buffer.alloc(10_000, "x");
    const texts = textsOf(
      Array.from({ length: 100 }, () => piece),
      textPart("8bit", null),
    );
    expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(SEARCH_LIMITS.lineBytesMax + 10_000);
    expect(texts.join("")).toHaveLength(1_000_000);
  });

  it.each([
    ["utf-8", null, "größe, "],
    ["utf-8", "us-ascii", "größe, "],
    ["gb18030", "gb18030", "\u{1f600}漢字,"],
    ["shift_jis", "shift_jis", "表示ソ,"],
  ])("cuts no character of a long line in %s in two, labelled %s", (charset, label, words) => {
    const encoded = charset === "utf-8" ? Buffer.from(words) : ENCODED[charset as keyof typeof ENCODED];
    const line = Buffer.concat(Array.from({ length: 20_000 }, () => encoded));
    for (const piece of [30_001, 65_537]) {
      const pieces = Array.from({ length: Math.ceil(line.length / piece) }, (_, i) =>
        line.subarray(i * piece, (i + 1) * piece),
      );
      const texts = textsOf(pieces, textPart("8bit", label));
      expect(texts.join("") === unicodeCasemap(words.repeat(20_000))).toBe(true);
    }
  });

  /** Node does not write these. */
  const ENCODED = {
    gb18030: Buffer.from("9439fc369d68d7d62c", "hex"),
    shift_jis: Buffer.from("955c8ea6835c2c", "hex"),
  };

  function encode(bytes: Buffer, encoding: keyof typeof encodings): Buffer {
    if (encoding === "8bit") return bytes;
    if (encoding === "base64") return Buffer.from(bytes.toString("base64").replace(/.{76}/g, "$&\r\n"));
    const escaped = Array.from(bytes, (byte) =>
      byte === 10 || byte === 13 || (byte > 31 && byte < 127 && byte !== 61)
        ? String.fromCharCode(byte)
        : `=${byte.toString(16).toUpperCase().padStart(2, "0")}`,
    );
    return Buffer.from(escaped.join(""));
  }
});

it("comes with another version where another text is read, so that no index of the texts before is searched", () => {
  const blanks = (count: number): string => `a${" ".repeat(count)}\n`;
  const read = (octets: Buffer, encoding: string, charset: string | null): string =>
    textsOf([octets], textPart(encoding, charset)).join("");
  const wide = Buffer.from("\ufeffab", "utf16le");
  expect({
    version: (JSON.parse(describeFormat(SEARCH_LIMITS)) as { version: number }).version,
    fewBlanks: read(Buffer.from(blanks(80)), "quoted-printable", null),
    manyBlanks: read(Buffer.from(blanks(81)), "quoted-printable", null),
    highFirst: read(Buffer.from(wide).swap16(), "8bit", "utf-16"),
    lowFirst: read(wide, "8bit", "utf-16"),
    unlabelled: read(Buffer.from("\xe4", "latin1"), "8bit", null),
  }).toEqual({
    version: 3,
    fewBlanks: "A\n",
    manyBlanks: blanks(81).toUpperCase(),
    highFirst: "AB",
    lowFirst: "AB",
    unlabelled: unicodeCasemap("\xe4"),
  });
});
