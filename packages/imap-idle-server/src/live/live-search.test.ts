// What a live search looks at when some messages have changed.
import { describe, expect, it } from "@jest/globals";
import type { SearchKey, SequenceSet } from "@pushmail/imap-wire";
import { amongOnly } from "./live-search.ts";

describe("a live search", () => {
  it("looks at no more of its sets than is of the messages that changed", () => {
    const uid = (...set: Exclude<SequenceSet, "$">): SearchKey => ({ type: "uid", set });
    const odd = uid(...Array.from({ length: 10_000 }, (_, i) => [2 * i + 1, 2 * i + 1] as const));
    const last = uid(["*", 5]);
    const either: SearchKey = { type: "or", keys: [last, uid([9, 9], [6, 4])] };
    const key: SearchKey = { type: "and", keys: [{ type: "not", key: odd }, either] };
    const among = [[5, 6] as const, [9, 10] as const];
    expect(amongOnly(key, among)).toEqual({
      type: "and",
      keys: [
        { type: "not", key: uid([5, 5], [9, 9]) },
        { type: "or", keys: [last, uid([5, 6], [9, 9])] },
      ],
    });
    expect(amongOnly(odd, [[30_000, 30_001]])).toEqual(uid());
  });
});
