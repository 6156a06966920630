// What whoever starts it is told where the disk does not let it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "@jest/globals";
import { startPushmail } from "./start.ts";

it.each([
  ["EACCES", "permission denied", ""],
  ["ENOSPC", "no space left on device", ". Make room and try again: nothing is lost"],
])("says what the system said, not what clients are told: %s", async (code, what, advice) => {
  const data = await mkdtemp(join(tmpdir(), "pushmail-start-"));
  const said = `${code}: ${what}, open '0000000001.seg'`;
  let isFailing = true;
  const onStep = (step: string): void => {
    if (isFailing && step === "file:create") throw Object.assign(new Error(said), { code });
  };
  const started = startPushmail({ memory: false, data, onStep });
  await expect(started).rejects.toMatchObject({ message: `cannot open the data directory ${data}: ${said}${advice}` });
  isFailing = false;
  await (await startPushmail({ memory: false, data, onStep })).close();
  await rm(data, { recursive: true });
});
