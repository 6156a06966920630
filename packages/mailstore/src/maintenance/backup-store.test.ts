// Backups of a store whose index was made anew since the one before, and of what is no store.
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { openLevelDriver } from "../level/index.ts";
import { keepIndex, soundKeptIndex } from "../level/maintenance/kept-index.ts";
import { openMailStore } from "../open-mail-store.ts";
import { backupStore, restoreStore } from "./backup-store.ts";
import { findingLine } from "./finding.ts";

let base: string;
let directory: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "pushmail-backup-"));
  directory = join(base, "data");
});
afterEach(() => rm(base, { recursive: true }));

/** Opens the store, which makes its index where that is gone, and adds an account. */
async function grow(address: string): Promise<void> {
  const driver = await openLevelDriver({ directory });
  const store = openMailStore(driver, { scryptCost: { N: 16, r: 1, p: 1 }, scramIterations: 4_096 });
  await store.createAccount({ address, password: "secret" });
  await store.close();
}

/** Its tables have the numbers that others had before. */
async function makeIndexAnew(): Promise<void> {
  await rm(join(directory, "index"), { recursive: true });
  await grow("ben@example.org");
}

/** The tables of a backup's index, as files of the disk. */
async function tablesOf(backup: string): Promise<number[]> {
  const index = join(backup, (await readdir(backup)).find((name) => name.startsWith("index-")) as string);
  const tables = (await readdir(index)).filter((name) => name.endsWith(".ldb")).sort();
  return Promise.all(tables.map(async (name) => (await stat(join(index, name))).ino));
}

describe("a backup", () => {
  it("shares with the one before the tables that the index still has", async () => {
    const backup = join(base, "backup");
    await grow("ann@example.org");
    await backupStore(directory, backup);
    const [first] = await tablesOf(backup);
    await grow("ben@example.org");
    await backupStore(directory, backup);
    const tables = await tablesOf(backup);
    expect(tables.length).toBeGreaterThan(1);
    expect(tables[0]).toBe(first);
  });

  it("takes no table from the one before where the index was made anew", async () => {
    const backup = join(base, "backup");
    await grow("ann@example.org");
    await backupStore(directory, backup);
    await makeIndexAnew();
    await backupStore(directory, backup);
    const found: string[] = [];
    await restoreStore(backup, join(base, "restored"), (finding) => found.push(findingLine(finding)));
    expect(found).toEqual([]);
  });
});

describe("the second copy of an index", () => {
  it("takes no table from the one before where the index was made anew", async () => {
    await grow("ann@example.org");
    await keepIndex(directory);
    await makeIndexAnew();
    await rm(join(directory, "damaged"), { recursive: true, force: true });
    await keepIndex(directory);
    expect(await soundKeptIndex(directory)).toBeDefined();
  });
});
