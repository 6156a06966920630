import { describe, expect, it } from "@jest/globals";
import { baseSubject } from "./base-subject.ts";

describe("a base subject (RFC 5256 2.1)", () => {
  it.each([
    ["hello", "hello", false],
    ["  two \t words ", "two words", false],
    ["Re: hello", "hello", true],
    ["RE : re:Fwd: FW: hello", "hello", true],
    ["re [list] : hello", "hello", true],
    ["[list] hello", "hello", false],
    ["[a] [b] Re: [c] hello", "hello", true],
    ["[list]", "[list]", false],
    ["[a][b] [c]", "[c]", false],
    ["Re: [a] [b]", "[b]", true],
    ["hello (fwd)", "hello", true],
    ["hello (FWD) (fwd) ", "hello", true],
    ["[Fwd: hello]", "hello", true],
    ["[fwd: Re: [list] hello (fwd)]", "hello", true],
    ["[fwd: [FWD: hello] ]", "hello", true],
    ["[fwd: hello", "[fwd: hello", false],
    ["Re: [fwd: hello]", "hello", true],
    ["hello re: you", "hello re: you", false],
    ["read: hello", "read: hello", false],
    ["re hello", "re hello", false],
    ["Re:", "", true],
    ["", "", false],
    ["(fwd)", "", true],
    ["[open hello", "[open hello", false],
    ["[a]re[b]c", "re[b]c", false],
    ["\u0130 re (FWD)", "\u0130 re", true],
  ])("of %j is %j", (subject, base, isReply) => {
    expect(baseSubject(subject)).toEqual({ base, isReply });
  });

  it.each(["re:", "[a]", "(fwd)", "[fwd:", "[fwd: x]", "[", "]", "re[a]", " ", "re [a][b]:"])(
    "of very many %j is found in one way through them",
    (piece) => {
      const long = piece.repeat(65_536 / piece.length);
      // Twice the square of the length would not end within the time that a test has.
      expect(baseSubject(`${long}x${long}`).base.length).toBeLessThanOrEqual(2 * long.length + 1);
    },
  );
});
