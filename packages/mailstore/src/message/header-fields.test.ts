import { describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { headerFields, pickFields } from "./header-fields.ts";

const HEADER = "From: a@b\r\nSUBJECT : folded\r\n\tonce  \r\n twice\r\nno field\r\nX:\r\nSubject: 2\r\n\r\n";

function pick(header: string, names: readonly string[], not = false): string {
  return Buffer.from(pickFields(Buffer.from(header, "latin1"), names, { not })).toString("latin1");
}

describe("picked fields", () => {
  it("are those of the names, in the header's order, and the blank line", () => {
    expect(pick(HEADER, ["subject", "FROM", "to"])).toBe(
      "From: a@b\r\nSUBJECT : folded\r\n\tonce  \r\n twice\r\nSubject: 2\r\n\r\n",
    );
    expect(pick(HEADER, ["to"])).toBe("\r\n");
  });

  it("are with NOT all others", () => {
    expect(pick(HEADER, ["Subject", "x"], true)).toBe("From: a@b\r\nno field\r\n\r\n");
    expect(pick(HEADER, [], true)).toBe(HEADER);
  });

  it("get no blank line where there is none, and keep line ends as they are", () => {
    expect(pick("A: 1\nB: 2\n b\nC: 3", ["b", "c"])).toBe("B: 2\n b\nC: 3");
    expect(pick("A: 1\n\nB: 2\n", ["a", "b"])).toBe("A: 1\n\n");
    expect(pick("", ["a"])).toBe("");
    expect(pick("\r\nbody: x", ["body"])).toBe("\r\n");
  });

  it("are what a naive reading picks", () => {
    const line = fc.tuple(
      fc.constantFrom("A: 1", "b : 2", " folded", "\tx", "junk", "C:", ":", "\u00e0: \xff", "a", "aa: b"),
      fc.constantFrom("\r\n", "\n"),
    );
    const names = fc.subarray(["A", "B", "c", "\u00e0", ""]);
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), names, fc.boolean(), (lines, wanted, not) => {
        const header = lines.flat().join("");
        const picked = (header.match(/(?:^|(?<=\n))[^\n]*\n(?:[ \t][^\n]*\n)*/g) ?? []).filter((field) => {
          const name = /^([^ \t:]+)[ \t]*:/.exec(field)?.[1] ?? "";
          return wanted.some((other) => other.toLowerCase() === name.toLowerCase()) !== not;
        });
        expect(pick(header, wanted, not)).toBe(picked.join(""));
        expect(pick(`${header}\r\nA: body`, wanted, not)).toBe(`${picked.join("")}\r\n`);
      }),
      { numRuns: 500 },
    );
  });
});

describe("the fields of a header", () => {
  it("have a name in lower case and an unfolded value", () => {
    const fields = [...headerFields(Buffer.from(HEADER, "latin1"))];
    expect(fields.map(({ name, value }) => [name, value])).toEqual([
      ["from", "a@b"],
      ["subject", "folded\tonce   twice"],
      ["", "no field"],
      ["x", ""],
      ["subject", "2"],
    ]);
    expect(HEADER.slice(fields[1]?.start, fields[1]?.end)).toBe("SUBJECT : folded\r\n\tonce  \r\n twice\r\n");
  });
});
