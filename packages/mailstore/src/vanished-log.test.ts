// How far back it is known what was expunged.
import { expect, it } from "@jest/globals";
import { cursor } from "./ids.ts";
import { VanishedLog } from "./vanished-log.ts";

it("tells what went since a cursor, as far as the vanishedRangesMax newest ranges tell it, also once it was stored", () => {
  const log = new VanishedLog(3);
  log.add(cursor(5), [[1, 1]]);
  log.add(cursor(6), [
    [3, 4],
    [8, 8],
  ]);
  expect(log.since(cursor(0))).toEqual([
    [1, 1],
    [3, 4],
    [8, 8],
  ]);
  log.add(cursor(7), [[2, 2]]);
  const stored = new VanishedLog(3, { floor: log.floor, entries: [...log.entries] });
  for (const each of [log, stored]) {
    expect(each.since(cursor(4))).toBeUndefined();
    expect(each.since(cursor(5))).toEqual([
      [2, 4],
      [8, 8],
    ]);
    expect(each.since(cursor(6))).toEqual([[2, 2]]);
  }
  stored.add(cursor(8), [[9, 9]]);
  expect([stored.since(cursor(5)), stored.since(cursor(6))]).toEqual([
    undefined,
    [
      [2, 2],
      [9, 9],
    ],
  ]);
});
