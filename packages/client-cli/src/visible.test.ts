import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { clip, visibleJson, visibleLine, visibleText } from "./visible.ts";

// Text in which the dangerous characters are as frequent as the others.
const dangerous = ["\u001b", "\u009b", "\u0007", "\u0000", "\u007f", "\u202e", "\u2066", "\u200b", "\ufeff", "\ud800"];
const hostile = fc.array(fc.oneof(fc.constantFrom(...dangerous), fc.string({ unit: "binary" }), fc.string()), {
  maxLength: 20,
});
const text = hostile.map((parts) => parts.join(""));

function isSafe(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  const control = (code < 0x20 && code !== 0x09 && code !== 0x0a) || (code >= 0x7f && code < 0xa0);
  return !control && !dangerous.includes(character) && !/\p{Surrogate}/u.test(character);
}

describe("visible text", () => {
  it("shows what a terminal would obey", () => {
    expect(visibleText("\u001b[31mred\u0007 \u009bH \u007f")).toBe("␛[31mred␇ <U+009B>H ␡");
    expect(visibleText("a\u202egpj.exe")).toBe("a<U+202E>gpj.exe");
    expect(visibleText("one\r\ntwo\tthree\rfour")).toBe("one\ntwo\tthree␍four");
    expect(visibleText("\ud83d\udc68\u200d\ud83d\udc69 ok \ud83d")).toBe("\ud83d\udc68\u200d\ud83d\udc69 ok <U+D83D>");
  });

  it("makes one line of a line", () => {
    expect(visibleLine("  a\r\n b\u2028c\td \u001b ")).toBe("a b c d ␛");
  });

  it("lets nothing dangerous through, whatever comes", () => {
    fc.assert(
      fc.property(text, (input) => {
        for (const shown of [visibleText(input), visibleLine(input), visibleJson({ input })]) {
          expect(Array.from(shown).every(isSafe)).toBe(true);
        }
        expect(visibleLine(input)).not.toMatch(/[\t\n]/);
      }),
    );
  });

  it("writes JSON that parses to the same value", () => {
    fc.assert(
      fc.property(text, (input) => {
        expect(JSON.parse(visibleJson({ input }))).toEqual({ input });
      }),
    );
  });

  it("cuts between characters, never inside one", () => {
    expect(clip("abc", 3)).toBe("abc");
    expect(clip("\u{1f600}\u{1f601}\u{1f602}", 2)).toBe("\u{1f600}…");
    expect(clip("abc", 0)).toBe("…");
  });
});
