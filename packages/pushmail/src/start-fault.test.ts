// What whoever starts it is told where the disk does not let it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "@jest/globals";
import { startPushmail } from "./start.ts";

it("says what the system said, not what clients are told", async () => {
  const data = await mkdtemp(join(tmpdir(), "pushmail-start-"));
  const said = "EACCES: permission denied, open '0000000001.seg'";
  const onStep = (step: string): void => {
    if (step === "file:create") throw Object.assign(new Error(said), { code: "EACCES" });
  };
  const started = startPushmail({ memory: false, data, onStep });
  await expect(started).rejects.toThrow(`cannot open the data directory ${data}: ${said}`);
  await rm(data, { recursive: true });
});
