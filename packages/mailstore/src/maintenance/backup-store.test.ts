// Backups of a store whose index was made anew since the one before, and of what is no store.
import fs, { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { openLevelDriver } from "../level/index.ts";
import { keepIndex, soundKeptIndex } from "../level/maintenance/kept-index.ts";
import type { LevelLimits } from "../level/limits.ts";
import { openMailStore } from "../open-mail-store.ts";
import { copySegments, type KnownSegments } from "./backup-segments.ts";
import { backupStore, restoreStore } from "./backup-store.ts";
import { checkStore } from "./check-store.ts";
import { findingLine } from "./finding.ts";
import { repairStore } from "./repair-store.ts";

let base: string;
let directory: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "pushmail-backup-"));
  directory = join(base, "data");
});
afterEach(() => rm(base, { recursive: true }));

/** Opens the store, which makes its index where that is gone, and adds an account. */
async function grow(address: string, limits: Partial<LevelLimits> = {}): Promise<void> {
  const driver = await openLevelDriver({ directory, limits });
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

  it("is one at a time into a directory, and what is restored of it has a second copy of its index", async () => {
    const backup = join(base, "backup");
    await grow("ann@example.org");
    await backupStore(directory, backup);
    const both = await Promise.allSettled([backupStore(directory, backup), backupStore(directory, backup)]);
    expect(both.flatMap((one) => (one.status === "rejected" ? one.reason : []))).toMatchObject([
      { code: "STORE_LOCKED" },
    ]);
    const restored = join(base, "restored");
    expect(await restoreStore(backup, restored, () => undefined)).toMatchObject({ accounts: 1, findings: 0 });
    expect(await soundKeptIndex(restored)).toBeDefined();
  });

  it("copies what may only be read", async () => {
    const backup = join(base, "backup");
    await grow("ann@example.org");
    const segments = join(directory, "segments");
    for (const name of await readdir(segments)) await chmod(join(segments, name), 0o400);
    await backupStore(directory, backup);
    for (const name of await readdir(join(backup, "segments"))) {
      expect((await stat(join(backup, "segments", name))).mode & 0o777).toBe(0o600);
    }
  });

  it("keeps what it has copied where a segment is removed meanwhile", async () => {
    const [from, to] = [join(directory, "segments"), join(base, "copies")];
    await grow("ann@example.org", { segmentBytesMax: 100 });
    const names = (await readdir(from)).sort();
    expect(names.length).toBeGreaterThan(2);
    await mkdir(to);
    // Listed, and no longer there when its turn comes.
    const gone = join(from, names.at(-2) as string);
    await rename(gone, join(base, "gone"));
    await symlink("nowhere", gone);
    const provenEnd = (): Promise<undefined> => Promise.resolve(undefined);
    const there = { known: {} as KnownSegments, before: new Map<string, string>(), provenEnd };
    expect(await copySegments(from, to, { listed: names, ...there })).toBeUndefined();
    expect(Object.keys(there.known)).toEqual(names.slice(0, -2));
    await rename(join(base, "gone"), gone);
    const copied = await copySegments(from, to, { listed: names, ...there });
    const [left, last] = [await stat(gone), await stat(join(from, names.at(-1) as string))];
    expect(copied?.copiedBytes).toBe(left.size + last.size);
    expect([...(copied?.files.keys() ?? [])].sort()).toEqual(names);
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

  it("is restored, and checked, where the manifest of its index is damaged", async () => {
    const [backup, restored] = [join(base, "backup"), join(base, "restored")];
    await grow("ann@example.org");
    await backupStore(directory, backup);
    const index = join(backup, (await readdir(backup)).find((name) => name.startsWith("index-")) as string);
    const manifest = (await readdir(index)).find((name) => name.startsWith("MANIFEST-")) as string;
    await writeFile(join(index, manifest), (await readFile(join(index, manifest))).fill(0xa5, 8, 12));
    const found: string[] = [];
    await restoreStore(backup, restored, (finding) => found.push(findingLine(finding)));
    expect(found).toEqual([`the manifest fails its checksum: ${join(restored, "index", manifest)} at offset 0`]);
    const told = { onMended: () => undefined, onLost: () => undefined };
    expect(await repairStore({ directory: restored, dryRun: false, ...told })).toMatchObject({ lost: 0, left: [] });
  });
});

describe("a backup that is refused", () => {
  const silent = (): void => undefined;

  it.each(["index", "index/CURRENT"])(
    "leaves the one before as it was where the store has lost its %s",
    async (lost) => {
      const backup = join(base, "backup");
      await grow("ann@example.org");
      await backupStore(directory, backup);
      const before = await readdir(backup);
      await rm(join(directory, lost), { recursive: true });
      await expect(backupStore(directory, backup)).rejects.toThrow(
        /no backup before a start or a repair: the index is missing/,
      );
      expect(await readdir(backup)).toEqual(before);
      expect(await restoreStore(backup, join(base, "restored"), silent)).toMatchObject({ accounts: 1, findings: 0 });
    },
  );

  it("leaves nothing of itself behind, nor of one that was killed, and what is not its own where it is", async () => {
    const backup = join(base, "backup");
    await grow("ann@example.org");
    await backupStore(directory, backup);
    await writeFile(join(backup, "files.txt"), "what is what");
    await mkdir(join(backup, "segments", "@eaDir"));
    const before = [await readdir(backup), await readdir(join(backup, "segments"))];
    await mkdir(join(backup, "index-1"));
    await writeFile(join(backup, "segments", "0000000009.seg"), "");
    const index = join(directory, "index");
    const table = join(index, (await readdir(index)).find((name) => name.endsWith(".ldb")) as string);
    const sound = await readFile(table);
    await writeFile(table, Buffer.from(sound).fill(0xa5, 20, 24));
    for (let i = 0; i < 2; i++) {
      await expect(backupStore(directory, backup)).rejects.toThrow(/no backup before a repair: a block of the index/);
      expect([await readdir(backup), await readdir(join(backup, "segments"))]).toEqual(before);
    }
    await writeFile(table, sound);
    await backupStore(directory, backup);
    expect(await readdir(backup)).toContain("files.txt");
    expect(await restoreStore(backup, join(base, "restored"), silent)).toMatchObject({ accounts: 1, findings: 0 });
  });

  it("says why it is, also where what is left of it cannot be removed before the next one", async () => {
    const backup = join(base, "backup");
    await grow("ann@example.org");
    await backupStore(directory, backup);
    const before = await readdir(backup);
    const current = join(directory, "index", "CURRENT");
    const sound = await readFile(current);
    await rm(current);
    const { rm: remove } = fs;
    // What a copy takes the place of is removed otherwise.
    const isRest = (options: Parameters<typeof remove>[1]): boolean => options?.force !== true;
    const failing: typeof remove = (path, options) =>
      isRest(options) && String(path).startsWith(join(backup, "index-"))
        ? Promise.reject(new Error("EIO: rm"))
        : remove(path, options);
    Object.assign(fs, { rm: failing });
    const refused = backupStore(directory, backup).finally(() => void Object.assign(fs, { rm: remove }));
    await expect(refused).rejects.toThrow("the index is missing");
    expect(await readdir(backup)).toHaveLength(before.length + 1);
    await writeFile(current, sound);
    await backupStore(directory, backup);
    expect(await readdir(backup)).toHaveLength(before.length);
  });

  it("is one into a directory in which the data directory lies", async () => {
    directory = join(base, "files-1");
    await grow("ann@example.org");
    await expect(backupStore(directory, base)).rejects.toThrow("a backup cannot lie around the data directory");
    expect(await readdir(directory)).toContain("segments");
  });
});

describe("a backup of another store", () => {
  const silent = (): void => undefined;

  it("stays as it was; a store that was restored is the same, and one that came to its id behind a backup", async () => {
    const [backup, restored] = [join(base, "backup"), join(base, "restored")];
    await grow("ann@example.org");
    await rm(join(directory, "store-id"));
    // As versions without ids have made it.
    await backupStore(directory, backup);
    await grow("ben@example.org");
    await backupStore(directory, backup);
    await rename(directory, join(base, "original"));
    await grow("cid@example.org");
    const isAnother = /backup holds a backup of another store, which stays as it is: take another directory/;
    await expect(backupStore(directory, backup)).rejects.toThrow(isAnother);
    await rm(join(directory, "store-id"));
    await expect(backupStore(directory, backup)).rejects.toThrow(isAnother);
    expect(await restoreStore(backup, restored, silent)).toMatchObject({ accounts: 2, findings: 0 });
    await rename(restored, (directory = join(base, "moved")));
    await grow("dan@example.org");
    await backupStore(directory, backup);
    expect(await restoreStore(backup, restored, silent)).toMatchObject({ accounts: 3, findings: 0 });
  });
});

describe("two backups at once", () => {
  it("are not of two stores: the later one is refused, also where it had found nothing there", async () => {
    const [backup, other] = [join(base, "backup"), join(base, "other")];
    await grow("ann@example.org");
    await rename(directory, other);
    await grow("ben@example.org");
    let isFirst = true;
    const { mkdir: make } = fs;
    const hooked = async (...[path, options]: Parameters<typeof make>): ReturnType<typeof make> => {
      if (isFirst && path === join(backup, "segments")) {
        isFirst = false;
        await backupStore(other, backup);
      }
      return make(path, options);
    };
    Object.assign(fs, { mkdir: hooked });
    const later = backupStore(directory, backup).finally(() => void Object.assign(fs, { mkdir: make }));
    await expect(later).rejects.toThrow("holds a backup of another store");
    await rename(directory, join(base, "ben"));
    await restoreStore(backup, directory, () => undefined);
    const store = openMailStore(await openLevelDriver({ directory }));
    expect(await store.findAccount("ann@example.org")).toBeDefined();
    await store.close();
  });
});

describe("what is no store", () => {
  const silent = (): void => undefined;

  it("is neither opened, checked nor backed up where it is a backup, which stays as it was", async () => {
    const backup = join(base, "backup");
    await grow("ann@example.org");
    await backupStore(directory, backup);
    const before = await readdir(backup);
    const isBackup = /backup is a backup: pushmail restore makes/;
    await expect(openLevelDriver({ directory: backup })).rejects.toThrow(isBackup);
    await expect(checkStore({ directory: backup, onFinding: silent })).rejects.toThrow(isBackup);
    await expect(backupStore(backup, join(base, "other"))).rejects.toThrow(isBackup);
    expect(await readdir(backup)).toEqual(before);
  });

  it("is neither opened nor checked where a restore was cut short", async () => {
    const [backup, restored] = [join(base, "backup"), join(base, "restored")];
    await grow("ann@example.org");
    await backupStore(directory, backup);
    const [segment] = await readdir(join(backup, "segments"));
    await rm(join(backup, "segments", segment as string));
    await expect(restoreStore(backup, restored, silent)).rejects.toThrow(segment);
    const isCut = /restored was not restored to the end/;
    await expect(openLevelDriver({ directory: restored })).rejects.toThrow(isCut);
    await expect(checkStore({ directory: restored, onFinding: silent })).rejects.toThrow(isCut);
  });

  it("gets no backup put into it", async () => {
    await grow("ann@example.org");
    const target = join(base, "photographs");
    await mkdir(join(target, "holidays"), { recursive: true });
    await expect(backupStore(directory, target)).rejects.toThrow(/photographs holds something that is no backup/);
    expect(await readdir(target)).toEqual(["holidays"]);
  });

  it("is named where it is a backup of another format, or a broken one", async () => {
    const backup = join(base, "backup");
    await grow("ann@example.org");
    await backupStore(directory, backup);
    const contents = join(backup, "backup.json");
    for (const [text, message] of [
      ['{"format":2}', /backup\.json is of another format/],
      ['{"format":1,', /backup\.json cannot be read: /],
    ] as const) {
      await writeFile(contents, text);
      await expect(restoreStore(backup, join(base, "restored"), silent)).rejects.toThrow(message);
      await expect(backupStore(directory, backup)).rejects.toThrow(message);
    }
  });
});

describe("the second copy of an index", () => {
  it("is none where a crash has left nothing of it", async () => {
    await mkdir(join(directory, "kept", "index-0000000001"), { recursive: true });
    expect(await soundKeptIndex(directory)).toBeUndefined();
  });

  it("takes no table from the one before where the index was made anew", async () => {
    await grow("ann@example.org");
    await keepIndex(directory);
    await makeIndexAnew();
    await rm(join(directory, "damaged"), { recursive: true, force: true });
    await keepIndex(directory);
    expect(await soundKeptIndex(directory)).toBeDefined();
  });
});
