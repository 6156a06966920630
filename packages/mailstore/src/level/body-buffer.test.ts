// Which pieces of a body are kept as they came, and which are copied together.
import { describe, expect, it } from "@jest/globals";
import { BodyBuffer } from "./body-buffer.ts";

const LARGE = 64 * 1024;

function taken(...pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  const buffer = new BodyBuffer();
  for (const piece of pieces) buffer.append(piece);
  return buffer.take();
}

describe("a body in the making", () => {
  it("keeps large pieces, with the small ones before, between and behind in their places", () => {
    const [first, second] = [new Uint8Array(LARGE).fill(1), new Uint8Array(LARGE).fill(2)];
    const small = Uint8Array.of(7, 8);
    const body = taken(small, small, first, small, second, small);
    expect(body.map(({ length }) => length)).toEqual([4, LARGE, 2, LARGE, 2]);
    expect(body[1]).toBe(first);
    expect(body[3]).toBe(second);
    expect(Buffer.concat(body).equals(Buffer.concat([small, small, first, small, second, small]))).toBe(true);
  });

  it("copies a large piece that would keep much more memory than its own", () => {
    const piece = new Uint8Array(2 * LARGE).subarray(LARGE);
    const [kept, ...more] = taken(piece);
    expect(more).toEqual([]);
    expect(kept).toEqual(piece);
    expect(kept?.buffer).not.toBe(piece.buffer);
  });

  it("copies small pieces, so that many share one allocation", () => {
    const piece = Uint8Array.of(1, 2, 3);
    const [kept] = taken(piece);
    piece.fill(0);
    expect([...(kept as Uint8Array)]).toEqual([1, 2, 3]);
  });

  it("begins anew when it was taken", () => {
    const buffer = new BodyBuffer();
    buffer.append(new Uint8Array(LARGE));
    buffer.append(Uint8Array.of(1));
    expect(buffer.length).toBe(LARGE + 1);
    buffer.take();
    expect(buffer.length).toBe(0);
    expect(buffer.take()).toEqual([]);
  });
});
