// The short ways of SEARCH find what folding everything finds, no more and no less.
import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { decodeHeaderValue, unicodeCasemap, headerFields } from "@pushmail/mailstore";
import type { Needle } from "./candidate.ts";
import { foldHeader } from "./fold-header.ts";
import { NeedleScan } from "./needle-scan.ts";
import { SearchedText, soughtInBody, soughtInHeader } from "./sought-text.ts";

const RUNS = { numRuns: 2_000 };
const CHARACTERS = [
  ...Array.from("aAkKsSiIfFtT .:=?(\\[$*+-"),
  "\u0301",
  "\u0308",
  "ß",
  "ẞ",
  "İ",
  "ı",
  "ſ",
  "\u212a",
  "ﬀ",
  "ﬅ",
  "é",
  "日",
];
const word = fc.array(fc.constantFrom(...CHARACTERS), { minLength: 1, maxLength: 4 }).map((parts) => parts.join(""));
const text = fc.array(fc.constantFrom(...CHARACTERS), { maxLength: 30 }).map((parts) => parts.join(""));

describe("SearchedText", () => {
  it("has what the folded text has", () => {
    fc.assert(
      fc.property(text, word, (searched, sought) => {
        const isAscii = /^[\0-\x7f]*$/.test(searched);
        const has = new SearchedText(searched, { isAscii }).has(soughtInBody(sought));
        expect(has).toBe(unicodeCasemap(searched).includes(unicodeCasemap(sought)));
      }),
      RUNS,
    );
  });

  it("misses no character whose folded form has ASCII in it", () => {
    const missed: string[] = [];
    for (let code = 0x80; code <= 0x10ffff; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const character = String.fromCodePoint(code);
      // What is in lower case there is found by no letter.
      for (const ascii of unicodeCasemap(character).match(/[\0-`{-\x7f]/g) ?? []) {
        if (!new SearchedText(character, { isAscii: false }).has(soughtInBody(ascii))) missed.push(character);
      }
    }
    expect(missed).toEqual([]);
  });
});

describe("NeedleScan in a header", () => {
  const bits = [
    "a",
    "A",
    "b",
    ":",
    " ",
    "\t",
    "\r\n ",
    "\r\n\t",
    "\r",
    "=?utf-8?q?=C3=A4?=",
    "x: ",
    "\r\nX:",
    "é",
    ".",
  ];
  const header = fc.array(fc.constantFrom(...bits), { maxLength: 20 }).map((parts) => `X: ${parts.join("")}\r\n\r\n`);
  const sought = fc
    .array(fc.constantFrom("a", "b", ":", " ", "  ", "x", "ä", "."), { maxLength: 5 })
    .map((parts) => parts.join(""));

  it("finds what each field has, decoded and folded", () => {
    fc.assert(
      fc.property(header, sought, fc.constantFrom("message", "field"), (raw, wanted, place) => {
        const octets = Buffer.from(raw, "latin1");
        const field = place === "field" ? "x" : "";
        const needle: Needle = { in: place, field, inHeader: soughtInHeader(wanted), inBody: soughtInBody(wanted) };
        const scan = new NeedleScan([needle]);
        scan.takeHeader(octets);
        scan.finish();
        const expected = [...headerFields(octets)].some(({ name, value }) => {
          const plain = foldHeader(decodeHeaderValue(value));
          if (place === "message") return `${foldHeader(name)}: ${plain}`.includes(foldHeader(wanted));
          return name === "x" && plain.includes(foldHeader(wanted));
        });
        expect({ raw, wanted, found: scan.found }).toEqual({ raw, wanted, found: [expected] });
      }),
      RUNS,
    );
  });

  it("takes time in proportion to the header, however many blanks and colons it has", () => {
    // In square time this would not end.
    const blanks = Buffer.from(`X: a${" \t".repeat(400_000)}${":".repeat(100_000)}\r\n\r\n`);
    for (const wanted of ["a b", "a: b", " : b", "a:: b", "a : : b", "  b"]) {
      const needle: Needle = {
        in: "message",
        field: "",
        inHeader: soughtInHeader(wanted),
        inBody: soughtInBody(wanted),
      };
      const scan = new NeedleScan([needle]);
      scan.takeHeader(blanks);
      scan.finish();
      expect(scan.found).toEqual([false]);
    }
  });
});
