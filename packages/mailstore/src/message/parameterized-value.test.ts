import { describe, expect, it } from "@jest/globals";
import { findParameter, parseDisposition, parseLanguages, parseMediaType, parseToken } from "./parameterized-value.ts";
import type { Parameter } from "./summary.ts";

describe("a Content-Type", () => {
  const CASES: readonly (readonly [value: string, type: string, parameters?: readonly Parameter[]])[] = [
    ["text/plain", "text/plain"],
    ["Text/HTML; Charset=UTF-8", "Text/HTML", [["Charset", "UTF-8"]]],
    ["(c) text / plain", ""],
    ["(c) text/plain (d); (e) charset = (f) us-ascii (Plain text)", "text/plain", [["charset", "us-ascii"]]],
    [
      'a/b; x="quo\\"ted; (x)" junk; y=z',
      "a/b",
      [
        ["x", 'quo"ted; (x)'],
        ["y", "z"],
      ],
    ],
    [
      "a/b; name=two words.pdf; n=report(1).pdf",
      "a/b",
      [
        ["name", "two words.pdf"],
        ["n", "report(1).pdf"],
      ],
    ],
    [
      "a/b;;; novalue; =nameless; x=; y=1",
      "a/b",
      [
        ["x", ""],
        ["y", "1"],
      ],
    ],
    [
      'a/b; NAME*1=c; x=y; name*0="a b"; name*3=gap; name*0=z',
      "a/b",
      [
        ["x", "y"],
        ["name", "a bc"],
        ["name*3", "gap"],
        ["name*0", "z"],
      ],
    ],
    ["a/b; n*0*=utf-8''%c3; n*1=b%c; n*2*=%20d", "a/b", [["n*", "utf-8''%c3b%25c%20d"]]],
    [
      "a/b; n*0=a'; n*1*=%41; m*1=late; o*01=odd",
      "a/b",
      [
        ["n*", "''a%27%41"],
        ["m*1", "late"],
        ["o*01", "odd"],
      ],
    ],
    ['a/b; x="open', "a/b", [["x", "open"]]],
    ["multipart/mixed;\r\n\tboundary==_x?=y:/", "multipart/mixed", [["boundary", "=_x?=y:/"]]],
    ["text/html charset=utf-8", "text/html"],
    ['"text/html"; charset=utf-8', "text/html", [["charset", "utf-8"]]],
    ['""', ""],
    ["text", ""],
    ["/plain", ""],
    ["text/", ""],
    ["", ""],
  ];

  it.each(CASES)("%j", (value, type, parameters = []) => {
    const parsed = parseMediaType(value, 10);
    expect(parsed === undefined ? "" : `${parsed.type}/${parsed.subtype}`).toBe(type);
    expect(parsed?.parameters ?? []).toEqual(parameters);
  });
});

describe("other fields", () => {
  it("have a word before their parameters", () => {
    expect(parseDisposition('ATTACHMENT (c); filename="a b"', 10)).toEqual({
      type: "ATTACHMENT",
      parameters: [["filename", "a b"]],
    });
    expect(parseDisposition("; filename=x", 10)).toBeNull();
    expect(parseToken(" (c) Base64 (d); x=y")).toBe("Base64");
    expect(parseToken('"base64"')).toBe("base64");
    expect(parseLanguages("en, de-CH (Swiss), ,fr", 10)).toEqual(["en", "de-CH", "fr"]);
    expect(parseLanguages(" ,", 10)).toBeNull();
  });
});

describe("a parameter", () => {
  it("is found in any case, put together and decoded", () => {
    const parameters: Parameter[] = [
      ["NAME", "plain"],
      ["name", "second"],
      ["title*", "utf-8'de'%c3%bcber%zz"],
      ["URL*1", "b%20"],
      ["url*0*", "iso-8859-1''a%20"],
      ["url*2*", "%63"],
      ["url*4", "after a gap"],
      ["late*1", "no beginning"],
    ];
    expect(findParameter(parameters, "name")).toBe("plain");
    expect(findParameter(parameters, "title")).toBe("\u00c3\u00bcber%zz");
    expect(findParameter(parameters, "url")).toBe("a b%20c");
    expect(findParameter(parameters, "late")).toBeNull();
    expect(findParameter(parameters, "charset")).toBeNull();
  });
});
