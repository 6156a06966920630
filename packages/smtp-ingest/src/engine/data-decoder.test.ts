// The content behind DATA against a naive model of it, with the input cut anywhere.
import { describe, expect, it } from "@jest/globals";
import * as fc from "fast-check";
import { DataDecoder } from "./data-decoder.ts";
import type { ContentFault, LineEndPolicy } from "./data-decoder.ts";

interface Decoded {
  readonly content: string;
  /** What stands behind the end mark, null where there is no end. */
  readonly rest: string | null;
  readonly fault: ContentFault | null;
}

function decode(policy: LineEndPolicy, chunks: readonly string[]): Decoded {
  const decoder = new DataDecoder(policy);
  let content = "";
  for (const [i, chunk] of chunks.entries()) {
    const decoded = decoder.decode(Buffer.from(chunk, "latin1"));
    content += Buffer.concat(decoded.content).toString("latin1");
    if (decoded.end >= 0) {
      return { content, rest: chunk.slice(decoded.end) + chunks.slice(i + 1).join(""), fault: decoder.fault };
    }
  }
  return { content, rest: null, fault: decoder.fault };
}

/** What RFC 5321 says, by search and replace over the whole. */
function model(input: string): { content: string; rest: string } | null {
  const end = `\r\n${input}`.indexOf("\r\n.\r\n");
  if (end < 0) return null;
  const lines = input.slice(0, end).split(/(?<=\r\n)/);
  const content = lines.map((line) => line.replace(/^\./, "")).join("");
  return { content: content.replace(/\r\n|\r|\n/g, "\r\n"), rest: input.slice(end + 3) };
}

const END = "\r\n.\r\n";

describe("the end of the content", () => {
  it.each([
    ["LF . LF", "a\n.\nb"],
    ["LF . CRLF", "a\n.\r\nb"],
    ["CRLF . LF", "a\r\n.\nb"],
    ["CRLF . CR", "a\r\n.\rb"],
    ["CR . CR", "a\r.\rb"],
    ["CR . CRLF", "a\r.\r\nb"],
    ["CR LF . CR CR LF", "a\r\n.\r\r\nb"],
    ["CR CR LF . LF", "a\r\r\n.\nb"],
    ["CRLF NUL . CRLF", "a\r\n\0.\r\nb"],
    ["CRLF . NUL CRLF", "a\r\n.\0\r\nb"],
    ["CRLF . blank CRLF", "a\r\n. \r\nb"],
    ["CRLF . . CRLF", "a\r\n..\r\nb"],
    ["LF at the start . CRLF", "\n.\r\nb"],
  ])("is not %s", (_name, input) => {
    for (const policy of ["refuse", "normalize"] as const) {
      expect(decode(policy, [input]).rest).toBeNull();
      expect(decode(policy, [input + END + "NOOP"]).rest).toBe("NOOP");
      expect(decode(policy, (input + END + "NOOP").split("")).rest).toBe("NOOP");
    }
  });

  it("is a dot alone at the very start", () => {
    expect(decode("refuse", [".\r\nQUIT\r\n"])).toEqual({ content: "", rest: "QUIT\r\n", fault: null });
  });
});

describe("line ends", () => {
  it.each([
    ["a\nb", "bareLineEnd"],
    ["a\rb", "bareLineEnd"],
    ["a\r", "bareLineEnd"],
    ["\n", "bareLineEnd"],
    [".\n", "bareLineEnd"],
    [".\ra", "bareLineEnd"],
    ["a\0b", "nul"],
    ["a\r\n.b", null],
    ["", null],
  ])("%j has the fault %s", (text, fault) => {
    expect(decode("refuse", [text + END]).fault).toBe(fault);
  });

  it("are made CRLF where they are bare, and a dot behind one stays", () => {
    const { content, fault } = decode("normalize", ["a\n.b\n..c\rd\r\r\n\n..e\r\n..f", END]);
    expect(content).toBe("a\r\n.b\r\n..c\r\nd\r\n\r\n\r\n..e\r\n.f\r\n");
    expect(fault).toBeNull();
  });
});

it("decodes as the model does, wherever the input is cut", () => {
  const piece = fc.constantFrom("\r", "\n", ".", "\r\n", "\r\n.", "..", "a", "bc", END, "\r\n..");
  fc.assert(
    fc.property(fc.array(fc.array(piece, { maxLength: 6 }), { maxLength: 5 }), (pieces) => {
      const chunks = [...pieces.map((each) => each.join("")), END];
      const expected = model(chunks.join(""));
      const { content, rest } = decode("normalize", chunks);
      expect({ content, rest }).toEqual(expected);
      const bare = /\r(?!\n)|(?<!\r)\n/.test(
        chunks.join("").slice(0, chunks.join("").length - (expected?.rest ?? "").length),
      );
      expect(decode("refuse", chunks)).toMatchObject({ rest, fault: bare ? "bareLineEnd" : null });
    }),
    { numRuns: 2_000 },
  );
});
