import { expect, it } from "@jest/globals";
import { collationKey } from "./collation-key.ts";

it("orders by octets, so that what has an accent follows the letter without", () => {
  const words = ["zebra", "Äpfel", "apfel", "\u{1f600}", "\uffee", "Zebra2"];
  const ordered = words.toSorted((a, b) => (collationKey(a) < collationKey(b) ? -1 : 1));
  expect(ordered).toEqual(["apfel", "Äpfel", "zebra", "Zebra2", "\uffee", "\u{1f600}"]);
});
