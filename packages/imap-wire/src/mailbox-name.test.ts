import { describe, expect, it, jest } from "@jest/globals";
import fc from "fast-check";
import { DEFAULT_WIRE_LIMITS } from "./limits.ts";
import { matchesListPattern } from "./list-pattern.ts";
import {
  decodeModifiedUtf7,
  encodeModifiedUtf7,
  parseListMailbox,
  parseMailbox,
  printMailbox,
} from "./mailbox-name.ts";
import { faultOf, parseAll } from "./test-support/frame-of.ts";

const wellFormed = fc.string({ unit: "binary", maxLength: 30 });

describe("modified UTF-7", () => {
  it.each([
    // RFC 3501 5.1.3
    ["~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"],
    ["☺!", "&Jjo-!"],
    ["Entwürfe & mehr", "Entw&APw-rfe &- mehr"],
    ["&&", "&-&-"],
    ["💌", "&2D3cjA-"],
    ["ü&ü", "&APw-&-&APw-"],
    ["a\tb\n", "a&AAk-b&AAo-"],
    ["", ""],
  ])("writes %j as %s and reads it back", (name, encoded) => {
    expect(encodeModifiedUtf7(name)).toBe(encoded);
    expect(decodeModifiedUtf7(encoded)).toBe(name);
  });

  it.each([
    ["an open shift", "&Jjo"],
    ["a lone ampersand", "a & b"],
    ["printable ASCII in a shift", "&AGE-"],
    ["a doubled shift (RFC 3501 5.1.3)", "&U,BTFw-&ZeVnLIqe-"],
    ["an ampersand in a shift", "&ACY-"],
    ["padding bits", "&APx-"],
    ["half a UTF-16 unit", "&AP-"],
    ["a slash for the comma", "&U/BTFw-"],
    ["padding", "&AOk=-"],
    ["one half of a surrogate pair", "&2D0-"],
    ["raw octets", "Entw\xfcrfe"],
    ["raw controls", "a\tb"],
  ])("does not read %s", (_, encoded) => {
    expect(decodeModifiedUtf7(encoded)).toBeUndefined();
    expect(faultOf(() => parseAll(parseMailbox, `"${encoded}"`))).not.toBeNull();
  });

  it("reads what is printed, in ASCII", () => {
    fc.assert(
      fc.property(wellFormed, (name) => {
        const printed = printMailbox(name);
        expect(printed).toMatch(/^[\x20-\x7e]+$/);
        expect(parseAll(parseMailbox, printed)).toBe(/^inbox$/i.test(name) ? "INBOX" : name);
      }),
    );
  });

  it("has one form for each name", () => {
    const unit = fc.constantFrom(..."&-AOkJjo,+/Zz9=é".split(""));
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 12 }), (encoded) => {
        const name = decodeModifiedUtf7(encoded);
        expect(name === undefined || encodeModifiedUtf7(name) === encoded).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("parseMailbox", () => {
  it.each(["inbox", '"InBox"', "{5}\r\nINBOX"])("reads %j as INBOX", (octets) => {
    expect(parseAll(parseMailbox, octets)).toBe("INBOX");
    expect(parseAll((scan) => parseMailbox(scan, { utf8: true }), octets)).toBe("INBOX");
  });

  it("takes UTF-8 where it was asked for, and an ampersand as it is", () => {
    const octets = Buffer.from('"Entwürfe & &APw-"', "utf8").toString("latin1");
    expect(parseAll((scan) => parseMailbox(scan, { utf8: true }), octets)).toBe("Entwürfe & &APw-");
    expect(faultOf(() => parseAll((scan) => parseMailbox(scan, { utf8: true }), '"\xfc"'))).not.toBeNull();
    expect(faultOf(() => parseAll(parseMailbox, octets))).not.toBeNull();
    // NUL has no form in UTF-8 strings.
    const property = fc.property(wellFormed, (any) => {
      const name = any.replaceAll("\0", "");
      const read = parseAll((scan) => parseMailbox(scan, { utf8: true }), printMailbox(name, { utf8: true }));
      expect(read).toBe(/^inbox$/i.test(name) ? "INBOX" : name);
    });
    fc.assert(property);
  });

  it("does not take other letters for those of INBOX", () => {
    expect(parseAll(parseMailbox, printMailbox("ınbox"))).toBe("ınbox");
    expect(matchesListPattern("ınbox", "INBOX")).toBe(false);
  });

  it("bounds patterns", () => {
    const longest = "*".repeat(DEFAULT_WIRE_LIMITS.listPatternCharsMax);
    expect(parseAll(parseListMailbox, longest)).toBe(longest);
    expect(faultOf(() => parseAll(parseListMailbox, `${longest}%`))).not.toBeNull();
    expect(parseAll(parseListMailbox, "Entw&APw-rfe/%")).toBe("Entwürfe/%");
  });
});

/** By definition, and exponential. */
function matchesNaively(pattern: string, name: string): boolean {
  if (pattern === "") return name === "";
  const rest = pattern.slice(1);
  if (pattern[0] === "*" || pattern[0] === "%") {
    const step = name !== "" && (pattern[0] === "*" || name[0] !== "/") && matchesNaively(pattern, name.slice(1));
    return step || matchesNaively(rest, name);
  }
  return name !== "" && pattern[0] === name[0] && matchesNaively(rest, name.slice(1));
}

describe("matchesListPattern", () => {
  it.each([
    ["*", "a/b/c", true],
    ["%", "a", true],
    ["%", "a/b", false],
    ["%/%", "a/b", true],
    ["a/%", "a/", true],
    ["a*c", "a/b/c", true],
    ["a%c", "a/b/c", false],
    ["", "", true],
    ["", "a", false],
    ["inbox", "INBOX", true],
    ["iN%", "INBOX", true],
    ["inbox/*", "INBOX/a", true],
    ["%oX/a", "INBOX/a", true],
    ["inbox/A", "INBOX/a", false],
    ["inboxes", "INBOXES", false],
    ["A", "a", false],
    ["%ü%", "Entwürfe", true],
  ])("%j on %j: %j", (pattern, name, expected) => {
    expect(matchesListPattern(pattern, name)).toBe(expected);
  });

  it("does what the definition says", () => {
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "/", "*", "%"), maxLength: 8 });
    const name = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 8 });
    fc.assert(
      fc.property(pattern, name, (wanted, given) => {
        expect(matchesListPattern(wanted, given)).toBe(matchesNaively(wanted, given));
      }),
      { numRuns: 3000 },
    );
  });

  it.each([
    ["*a".repeat(100) + "b", "a".repeat(200), 201],
    ["%*".repeat(100) + "b", "a/".repeat(100), 201],
    ["%a*".repeat(60) + "/", "a".repeat(200), 181],
    // Once nothing can match, the rest of the pattern costs nothing.
    ["*a".repeat(400), "aaaa", 10],
  ])("takes at most one step for each pair of characters: %s", (pattern, name, charsMax) => {
    const charAt = jest.spyOn(String.prototype, "charAt");
    try {
      expect(matchesListPattern(pattern, name)).toBe(false);
      expect(charAt.mock.calls.length).toBeGreaterThan(name.length);
      expect(charAt.mock.calls.length).toBeLessThanOrEqual(charsMax * (name.length + 1));
    } finally {
      charAt.mockRestore();
    }
  });
});
