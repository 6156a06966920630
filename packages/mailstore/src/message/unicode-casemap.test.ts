import { describe, expect, it } from "@jest/globals";
import { unicodeCasemap } from "./unicode-casemap.ts";

describe("i;unicode-casemap (RFC 5051 2)", () => {
  it.each([
    ["hello", "HELLO"],
    ["Grüße", "GRÜßE"],
    ["gru\u0308n", "GRÜN"],
    ["\u00c9t\u00e9", "E\u0301te\u0301"],
    ["ΟΔΟΣ", "οδος"],
    ["οδοσ", "οδος"],
    ["Å", "\u212b"],
    ["a\u030a", "Å"],
    ["k", "\u212a"],
    ["İ", "I\u0307"],
    ["ı", "i"],
    ["ſ", "S"],
    ["ǆ", "ǅ"],
    ["ᾀι", "ᾈΙ"],
    ["ῃ", "ῌ"],
    ["½", "1\u20442"],
    ["Ｆｕｌｌ", "full"],
    ["\u{10428}", "\u{10400}"],
    ["x\u00a0y", "X Y"],
    // Marks in another order that look the same.
    ["q\u0323\u0307", "q\u0307\u0323"],
  ])("takes %s and %s for the same", (a, b) => {
    expect(unicodeCasemap(a)).toBe(unicodeCasemap(b));
  });

  it.each([
    ["Straße", "Strasse"],
    ["ß", "ẞ"],
    ["e", "é"],
    ["İ", "i"],
    ["\u01f0", "j"],
  ])("tells %s from %s", (a, b) => {
    expect(unicodeCasemap(a)).not.toBe(unicodeCasemap(b));
  });

  it("makes one character of one before it is decomposed", () => {
    for (let code = 0x80; code <= 0x1ffff; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue;
      const character = String.fromCodePoint(code);
      const upper = character.toUpperCase();
      if (upper.length === character.length) continue;
      // Of several there is a form in titlecase, or the character stays.
      const forms = [character, ...Array.from("ᾈᾉᾊᾋᾌᾍᾎᾏᾘᾙᾚᾛᾜᾝᾞᾟᾨᾩᾪᾫᾬᾭᾮᾯᾼῌῼ")];
      expect(forms.map((form) => form.normalize("NFKD"))).toContain(unicodeCasemap(character));
    }
  });

  it("keeps no more marks on a letter than can be sorted in no time", () => {
    const many = "\u0301\u0316".repeat(1_000);
    expect(unicodeCasemap(`e${many}x${many}`)).toBe(unicodeCasemap(`e${many.slice(0, 30)}x${many.slice(0, 30)}`));
  });
});
