import { expect, it } from "@jest/globals";
import { DECODE_LIMITS } from "@pushmail/mailstore";
import { collationKey } from "./collation-key.ts";

it("orders by octets, so that what has an accent follows the letter without", () => {
  const words = ["zebra", "Äpfel", "apfel", "\u{1f600}", "\uffee", "Zebra2"];
  const ordered = words.toSorted((a, b) => (collationKey(a) < collationKey(b) ? -1 : 1));
  expect(ordered).toEqual(["apfel", "Äpfel", "zebra", "Zebra2", "\uffee", "\u{1f600}"]);
});

it("is of a text of which each letter becomes many not much longer than of others", () => {
  const { collatedCharactersMax } = DECODE_LIMITS;
  for (const letter of ["x", "\u00e9", "\ufdfa"]) {
    const text = letter.repeat(collatedCharactersMax);
    expect(collationKey(text).length).toBeLessThanOrEqual(4 * collatedCharactersMax);
    expect(collationKey(`${text}, and so on`)).toBe(collationKey(text));
  }
});

it("tells long subjects apart by their ends, in scripts of many octets too", () => {
  for (const letter of ["x", "\u754c", "\ud55c"]) {
    const text = letter.repeat(255);
    expect(collationKey(`${text}1`)).not.toBe(collationKey(`${text}2`));
  }
});
