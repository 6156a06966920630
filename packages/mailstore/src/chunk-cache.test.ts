// Which decoded chunks stay in memory.
import { expect, it } from "@jest/globals";
import { ChunkCache } from "./chunk-cache.ts";
import { accountId, mailboxId } from "./ids.ts";

it("holds the chunks that were used last, as far as what they were decoded of fits in chunkCacheBytes", async () => {
  const at = { account: accountId(1), mailbox: mailboxId(1) };
  const cache = new ChunkCache(250);
  const loads: string[] = [];
  const use = (key: string): Promise<string> =>
    cache.get(at, key, async () => {
      loads.push(key);
      return { value: key, bytes: 100 };
    });
  for (const key of ["a", "b", "a", "c", "a", "b"]) expect(await use(key)).toBe(key);
  expect(loads).toEqual(["a", "b", "c", "b"]);
});
