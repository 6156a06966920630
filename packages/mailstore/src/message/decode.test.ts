import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { decodeBody } from "./decode-body.ts";
import { decodeHeaderValue } from "./decode-header-value.ts";
import { DECODE_LIMITS } from "./limits.ts";

const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

describe("a header value", () => {
  const CASES: readonly (readonly [latin1: string, decoded: string])[] = [
    ["plain", "plain"],
    ["=?utf-8?Q?J=C3=BCrgen_M?= <j@x>", "J\u00fcrgen M <j@x>"],
    ["=?UTF-8?b?SsO8cmdlbg==?=", "J\u00fcrgen"],
    ["=?iso-8859-1?q?a?= \r\n\t=?utf-8?Q?b?=  =?utf-8?Q?c?= d =?utf-8?Q?e?=", "abc d e"],
    ["x =?us-ascii?q?y?=z", "x yz"],
    // A character cut in two.
    ["=?utf-8?Q?=C3?= =?utf-8?B?vA==?=", "\u00fc"],
    ["=?utf-8*de?Q?=C3=BC?=", "\u00fc"],
    ["=?utf-8?Q?with blanks?=", "with blanks"],
    ["=?utf-8?Q?ends_in_?= =?utf-8?Q?some ?= =?utf-8?Q?more_=20_?=x", "ends in some more   x"],
    ["=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=", "\u65e5\u672c"],
    ["=?windows-1252?Q?=93quoted=94?=", "\u201cquoted\u201d"],
    ["=?x-unknown?Q?=E9?= =?x-unknown?Q?=C3=A9?=", "\u00e9\u00c3\u00a9"],
    // Broken words stay.
    [
      "=?utf-8?Q?=C?= =?utf-8?B?a*b?= =?utf-8?X?a?= =?utf-8?Q?open",
      "=?utf-8?Q?=C?= =?utf-8?B?a*b?= =?utf-8?X?a?= =?utf-8?Q?open",
    ],
    ["=?utf-8?Q?=GG?= =?utf-8?Q?ok?=", "=?utf-8?Q?=GG?= ok"],
    ["=??Q?a?= =?=?utf-8?Q?b?=", "=??Q?a?= =?b"],
    ["=?utf-8?Q??=", ""],
    // Bytes as they are.
    [latin1("J\u00fcrgen \u65e5"), "J\u00fcrgen \u65e5"],
    ["J\u00fcrgen \x80", "J\u00fcrgen \u20ac"],
    [`${latin1("\u00fc")} =?utf-8?Q?=C3=BC?= \xfc`, "\u00fc \u00fc \u00fc"],
  ];

  it.each(CASES)("%j", (value, decoded) => {
    expect(decodeHeaderValue(value)).toBe(decoded);
  });

  it("is decoded as it was encoded", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", minLength: 1 }), fc.constantFrom("b", "q"), (text, encoding) => {
        const bytes = Buffer.from(text, "utf8");
        const hex = bytes.toString("hex").replaceAll(/../g, "=$&");
        const value = `=?utf-8?${encoding}?${encoding === "b" ? bytes.toString("base64") : hex}?=`;
        expect(decodeHeaderValue(value)).toBe(bytes.toString("utf8").replace(/^\ufeff/, ""));
      }),
    );
  });

  it("may be anything, of any length", () => {
    const limit = DECODE_LIMITS.headerCharactersMax;
    expect(decodeHeaderValue("x".repeat(limit + 1)).length).toBe(limit);
    expect(decodeHeaderValue("=?".repeat(limit)).length).toBe(limit);
    const pieces = fc.array(
      fc.constantFrom("=?", "utf-8", "?", "q", "B", "?=", "=", " ", "_", "=C3", "\xc3", "a", "*"),
    );
    fc.assert(fc.property(pieces, (parts) => expect(typeof decodeHeaderValue(parts.join(""))).toBe("string")));
  });
});

describe("a body", () => {
  const decode = (body: string, encoding: string, charset: string | null = "utf-8"): string =>
    decodeBody(Buffer.from(body, "latin1"), encoding, charset);

  it("comes out of quoted-printable", () => {
    expect(decode("a=3Db=C3=BC soft=\r\nbreak= \t\r\nbare=\nend=", "Quoted-Printable")).toBe(
      "a=b\u00fc softbreakbareend",
    );
    expect(decode("=zz = =3 =\r x=3d", "quoted-printable")).toBe("=zz = =3 =\r x=");
    expect(decode("=3", "quoted-printable")).toBe("=3");
    // RFC 2045 6.7: blanks at the end of a line came in on the way.
    expect(decode("a \t\r\nb=20 \nc =20\r\nd  e= f \r \t", "quoted-printable")).toBe("a\r\nb \nc  \r\nd  e= f \r");
  });

  it("comes out of base64", () => {
    expect(decode("SsO8\r\ncmdl\r\nbg==\r\n", "BASE64")).toBe("J\u00fcrgen");
    expect(decode("YQ==YmM=\r\n--\r\nZA", "base64")).toBe("abcd");
    expect(decode("====", "base64")).toBe("");
  });

  it("comes out of both as it went in", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.integer({ min: 1, max: 76 }), (bytes, width) => {
        const text = Buffer.from(bytes).toString("latin1");
        const base64 = Buffer.from(bytes)
          .toString("base64")
          .replaceAll(new RegExp(`.{${width}}`, "g"), "$&\r\n");
        const quoted = text.replaceAll(/[^ -<>-~]/g, (c) => `=${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
        const folded = quoted.replaceAll(/(?:=..|.){1,25}/g, "$&=\r\n");
        expect(decode(base64, "base64", "iso-8859-5")).toBe(decode(text, "8bit", "iso-8859-5"));
        expect(decode(folded, "quoted-printable", "koi8-r")).toBe(decode(text, "binary", "koi8-r"));
      }),
    );
  });

  it("is what its charset says, or what its bytes say", () => {
    expect(decode("\xcf\xf0\xe8", "8bit", "Windows-1251")).toBe("\u041f\u0440\u0438");
    expect(decode("\x93\xfa", "8bit", "cp932")).toBe("\u65e5");
    expect(decode("\x80\x99\xe9", "8bit", "iso-8859-1")).toBe("\u20ac\u2122\u00e9");
    for (const charset of [null, "", "US-ASCII", " ascii ", "x-unknown", "utf-7", "\0", "unknown-8bit"]) {
      expect(decode("\xc3\xbc", "8bit", charset)).toBe("\u00fc");
      expect(decode("\xfc \x80", "8bit", charset)).toBe("\u00fc \u20ac");
    }
    expect(decode("\xfc", "8bit", "utf-8")).toBe("\ufffd");
  });

  it("is as it is in an unknown encoding, and cut at the limit", () => {
    expect(decode("a=3Db", "x-uuencode")).toBe("a=3Db");
    expect(decodeBody(Buffer.alloc(DECODE_LIMITS.bodyBytesMax + 10, "x"), "7bit", null).length).toBe(
      DECODE_LIMITS.bodyBytesMax,
    );
  });
});
