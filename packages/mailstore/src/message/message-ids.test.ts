import { runInNewContext } from "node:vm";
import { expect, it } from "@jest/globals";
import { messageIds } from "./message-ids.ts";

it("looks once at what never becomes an id", () => {
  const value = `<${"@".repeat(1_000_000)}`;
  // What a pattern does is not counted; were it the square, it would not end.
  expect(runInNewContext("messageIds(value)", { messageIds, value }, { timeout: 20_000 })).toEqual([]);
});
