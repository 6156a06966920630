import { expect, it } from "@jest/globals";
import { unicodeCasemap } from "./unicode-casemap.ts";

it.each([
  ["hello", "HELLO"],
  ["Grüße", "GRÜßE"],
  ["gru\u0308n", "GRÜN"],
  ["ǆ", "ǅ"],
  ["ς", "Σ"],
  ["Å", "\u212b"],
])("takes %s and %s for the same (RFC 5051 2)", (a, b) => {
  expect(unicodeCasemap(a)).toBe(unicodeCasemap(b));
});

it("orders by octets, so that what has an accent follows the letter without", () => {
  const words = ["zebra", "Äpfel", "apfel", "\u{1f600}", "\uffee", "Zebra2"];
  const ordered = words.toSorted((a, b) => (unicodeCasemap(a) < unicodeCasemap(b) ? -1 : 1));
  expect(ordered).toEqual(["apfel", "Äpfel", "zebra", "Zebra2", "\uffee", "\u{1f600}"]);
});
