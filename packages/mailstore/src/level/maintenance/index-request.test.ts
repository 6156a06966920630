// What a repair writes, however much it is.
import { expect, it } from "@jest/globals";
import type { LevelDriver } from "../driver.ts";
import { openMemoryDriver } from "../index.ts";
import { directoryKey } from "../keys.ts";
import { REQUEST_BYTES_MAX } from "../limits.ts";

it("writes more than one commit takes", async () => {
  const driver = (await openMemoryDriver({ limits: { sliceEntriesMax: 10 } })) as LevelDriver;
  const value = Buffer.alloc(REQUEST_BYTES_MAX / 32);
  const names = Array.from({ length: 33 }, (_, i) => `name ${i}`);
  await driver.inside.write(names.map((name) => ({ key: directoryKey(name), value })));
  for (const name of names) expect((await driver.directory.get(name))?.length).toBe(value.length);
  await driver.close();
});
