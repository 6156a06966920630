// A backup that a server makes of itself: it needs no socket to hold compaction.
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { restoreStore } from "@pushmail/mailstore/maintenance";
import { type Pushmail, startPushmail } from "./start.ts";

/** After so many passes in which segments go, compaction is held. */
const PASSES = 20;
const OFF = { smtp: "off", submission: "off", submissions: "off", lmtp: "off", imap: "off", imaps: "off" } as const;
const { copyFile } = fs;

let base: string;
let server: Pushmail;
beforeEach(async () => {
  base = await fs.mkdtemp(join(tmpdir(), "pushmail-backup-"));
});
afterEach(async () => {
  Object.assign(fs, { copyFile });
  await server.close();
  await fs.rm(base, { recursive: true });
});

it("holds compaction where that comes between too often", async () => {
  const [data, backup] = [join(base, "data"), join(base, "backup")];
  const limits = { level: { segmentBytesMax: 2_000 } };
  server = await startPushmail({ ...OFF, memory: false, data, users: { "ann@example.org": "secret" }, limits });
  const segment = join(data, "segments", "0000000001.seg");
  // Listed, and not there, as one that compaction removes meanwhile.
  await fs.rename(segment, join(base, "gone"));
  await fs.symlink("nowhere", segment);
  let passes = 0;
  const counted = async (...args: Parameters<typeof copyFile>): Promise<void> => {
    if (args[0].toString().endsWith(".log") && ++passes === PASSES + 1) await fs.rename(join(base, "gone"), segment);
    return copyFile(...args);
  };
  Object.assign(fs, { copyFile: counted });
  await server.backup(backup);
  expect(passes).toBeGreaterThan(PASSES);
  const restored = await restoreStore(backup, join(base, "restored"), () => undefined);
  expect(restored).toMatchObject({ findings: 0, accounts: 1 });
});

it("is refused by a server in memory", async () => {
  server = await startPushmail(OFF);
  await expect(server.backup(join(base, "backup"))).rejects.toThrow("a server in memory has no data directory");
});
