// The run that may pass as it came, against a regular expression, wherever the bytes lie in memory.
import { expect, it } from "@jest/globals";
import * as fc from "fast-check";
import { endOfPlainRun } from "./plain-run.ts";

/** Whole lines and the beginning of one, none with a dot in front; a dot in front of all is for `atLineStart` to judge. */
const PLAIN = /^(?:[^\r\n\0]|\r\n(?!\.))*(?:\r\n(?=\.))?/;

it("ends before the first byte that may have to be changed", () => {
  const piece = fc.constantFrom(
    "\r",
    "\n",
    "\0",
    ".",
    "\t",
    "\r\n",
    "\r\n.",
    "a",
    "\x0e",
    "\xff",
    "bcdefg",
    "\x80\x8a\x8d ",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), fc.nat(3), fc.nat(8), fc.boolean(), (pieces, offset, start, at) => {
      const text = pieces.join("");
      const bytes = Buffer.from("\r".repeat(offset) + text, "latin1").subarray(offset);
      const from = Math.min(start, text.length);
      const rest = text.slice(from);
      const expected = at && rest.startsWith(".") ? from : from + (PLAIN.exec(rest)?.[0].length ?? 0);
      expect(endOfPlainRun(bytes, from, { atLineStart: at })).toBe(expected);
    }),
    { numRuns: 2_000 },
  );
});
