import { afterEach, beforeEach, describe, expect, it, jest } from "@jest/globals";
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, rmdir, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { checkStore, repairStore } from "../maintenance/index.ts";
import { openLevelDriver } from "./index.ts";
import { KeyIndex } from "./key-index.ts";

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "pushmail-open-"));
});
afterEach(() => rm(parent, { recursive: true }));

describe("a data directory", () => {
  it("belongs to one opener, and the next is told who that is", async () => {
    const directory = join(parent, "deep", "data");
    const driver = await openLevelDriver({ directory });
    const second = openLevelDriver({ directory });
    await expect(second).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await expect(second).rejects.toThrow(`${directory} is in use by process ${process.pid} on ${hostname()} since `);
    await driver.close();
    await driver.close();
    const again = await openLevelDriver({ directory });
    await again.close();
    expect(await readdir(directory)).toEqual(["index", "lock", "segments", "store-id"]);
  });

  it("is opened where nobody can write down by whom, and is not said to be open by who had it before", async () => {
    const directory = join(parent, "data");
    await (await openLevelDriver({ directory })).close();
    const note = join(directory, "holder.json");
    await symlink("/dev/full", note);
    const driver = await openLevelDriver({ directory });
    await expect(openLevelDriver({ directory })).rejects.toThrow(`${directory} is in use by another process`);
    await driver.close();
    await mkdir(note);
    await (await openLevelDriver({ directory })).close();
    expect(await readdir(directory)).toEqual(["holder.json", "index", "lock", "segments", "store-id"]);
  });

  it("is free again where its index fails to close, which is told", async () => {
    const directory = join(parent, "data");
    const driver = await openLevelDriver({ directory });
    jest.spyOn(KeyIndex.prototype, "close").mockImplementationOnce(async function (this: KeyIndex) {
      await this.close();
      throw new Error("as the test says");
    });
    await expect(driver.close()).rejects.toThrow("as the test says");
    await (await openLevelDriver({ directory })).close();
  });

  it("loses what a process left that was killed while it tried for room", async () => {
    const directory = join(parent, "data");
    await (await openLevelDriver({ directory })).close();
    const trial = join(directory, "index", "trial");
    await writeFile(trial, "x");
    const driver = await openLevelDriver({ directory });
    expect(await readdir(join(directory, "index"))).not.toContain("trial");
    await driver.close();
  });

  it("is free again where its opening fails, and its lock stays with whoever has it", async () => {
    const directory = join(parent, "data");
    await (await openLevelDriver({ directory })).close();
    await rm(join(directory, "store-id"));
    await mkdir(join(directory, "store-id"));
    await expect(openLevelDriver({ directory })).rejects.toMatchObject({ code: "EISDIR" });
    await rmdir(join(directory, "store-id"));
    await truncate(join(directory, "lock", "CURRENT"), 3);
    const driver = await openLevelDriver({ directory });
    await truncate(join(directory, "lock", "CURRENT"), 3);
    await expect(openLevelDriver({ directory })).rejects.toMatchObject({ code: "STORE_LOCKED" });
    await driver.close();
    await (await openLevelDriver({ directory })).close();
  });

  it.each(["0000000003.seg.bak", "0000000001.body.part", "0000000001.seg~", "2.txt", "README"])(
    "opens, and leaves alone what somebody put beside its segments: %s",
    async (name) => {
      const directory = join(parent, "data");
      const first = await openLevelDriver({ directory });
      await first.directory.put([{ key: "a", value: Buffer.from("b") }]);
      await first.close();
      await writeFile(join(directory, "segments", name), "not ours");
      const again = await openLevelDriver({ directory });
      expect(await again.directory.get("a")).toEqual(Buffer.from("b"));
      await again.close();
      expect(await readdir(join(directory, "segments"))).toEqual(["0000000001.seg", name].sort());
    },
  );

  it("of another format is told from a damaged one, and left as it is", async () => {
    const directory = join(parent, "data");
    await (await openLevelDriver({ directory })).close();
    const segment = join(directory, "segments", "0000000001.seg");
    const bytes = await readFile(segment);
    bytes[6] = 2;
    bytes.writeUInt32LE(crc32(bytes.subarray(0, 28)), 28);
    await writeFile(segment, bytes);
    const ignore = (): void => undefined;
    const told = "segment 1 has format 2: it needs another version of pushmail";
    await expect(openLevelDriver({ directory })).rejects.toThrow(told);
    await expect(checkStore({ directory, onFinding: ignore })).rejects.toThrow(told);
    await expect(repairStore({ directory, dryRun: false, onMended: ignore, onLost: ignore })).rejects.toThrow(told);
    expect(await readFile(segment)).toEqual(bytes);
  });

  it("can be read by its owner alone", async () => {
    const directory = join(parent, "data");
    const driver = await openLevelDriver({ directory });
    await driver.directory.put([{ key: "a", value: Buffer.from("b") }]);
    for (const name of ["", "index", "segments"]) expect((await stat(join(directory, name))).mode & 0o777).toBe(0o700);
    for (const name of ["holder.json", "segments/0000000001.seg", "store-id"]) {
      expect((await stat(join(directory, name))).mode & 0o777).toBe(0o600);
    }
    await driver.close();
  });

  it("has its index opened again, behind a failed write, while a file of that goes", async () => {
    const directory = join(parent, "data");
    let isFailing = false;
    const onStep = (step: string): void => {
      if (isFailing && step === "index:write") throw new Error("as the test says");
    };
    const driver = await openLevelDriver({ directory, onStep });
    isFailing = true;
    expect(await driver.directory.put([{ key: "a", value: Buffer.from("b") }])).toBe(true);
    isFailing = false;
    // As a log that LevelDB removes between two looks at it.
    await symlink("nowhere", join(directory, "index", "000001.log"));
    expect(await driver.directory.put([{ key: "c", value: Buffer.from("d") }])).toBe(true);
    expect(await driver.directory.get("a")).toEqual(Buffer.from("b"));
    await driver.close();
  });

  it("is small while little is in it", async () => {
    const directory = join(parent, "data");
    const driver = await openLevelDriver({ directory });
    await driver.directory.put([{ key: "a", value: Buffer.from("b") }]);
    await driver.close();
    const kibibytes = Number.parseInt(execFileSync("du", ["-sk", directory]).toString(), 10);
    expect(kibibytes).toBeLessThan(1024);
  });

  it("refuses what comes after its close", async () => {
    const driver = await openLevelDriver({ directory: join(parent, "data") });
    const inTime = driver.directory.put([{ key: "a", value: Buffer.from("b") }]);
    const closing = driver.close();
    await expect(inTime).resolves.toBe(true);
    await closing;
    await expect(driver.directory.put([{ key: "a", value: null }])).rejects.toThrow("the store is closed");
    await expect(driver.commit([])).rejects.toThrow("the store is closed");
  });
});
