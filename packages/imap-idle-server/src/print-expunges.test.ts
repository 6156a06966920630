import { describe, expect, it } from "@jest/globals";
import { printExpunges } from "./print-expunges.ts";

describe("printExpunges", () => {
  const EXPUNGED = [
    [0, 2],
    [4, 4],
    [7, 11],
  ] as const;
  const TOLD = [12, 11, 10, 9, 8, 5, 3, 2, 1].map((number) => `* ${number} EXPUNGE\r\n`);

  it.each([1, 2, 3, 4, 9, 500])("tells each from the last to the first, %i in a piece", (atOnce) => {
    const pieces = [...printExpunges(EXPUNGED, atOnce)];
    expect(pieces.join("")).toBe(TOLD.join(""));
    expect(pieces).toHaveLength(Math.ceil(TOLD.length / atOnce));
  });

  it("tells nothing where nothing is gone", () => {
    expect([...printExpunges([])]).toEqual([]);
  });
});
