// Copying an index that LevelDB compacts meanwhile: its tables go, and others come.
import fs from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "@jest/globals";
import { manifestOf } from "../test-support/leveldb-files.ts";
import { copyIndex } from "./copy-index.ts";

const { copyFile } = fs;
let base: string;
let index: string;
beforeEach(async () => {
  base = await fs.mkdtemp(join(tmpdir(), "pushmail-copy-"));
  index = join(base, "index");
  await fs.mkdir(index);
});
afterEach(async () => {
  Object.assign(fs, { copyFile });
  await fs.rm(base, { recursive: true });
});

it("goes on with the tables that it has where others went: it copies none twice", async () => {
  const tables = Array.from({ length: 8 }, (_, i) => i + 10);
  const write = async (...made: number[]): Promise<void> => {
    for (const number of made) await fs.writeFile(join(index, `0000${number}.ldb`), `table ${number}`);
    await fs.writeFile(join(index, "MANIFEST-000002"), manifestOf(3, new Map(tables.map((number) => [number, 8]))));
  };
  await fs.writeFile(join(index, "CURRENT"), "MANIFEST-000002\n");
  await fs.writeFile(join(index, "000003.log"), "");
  await write(...tables);
  const copied: string[] = [];
  // As each is copied, the last of those that were not is compacted into another.
  const compacting = async (from: string, to: string, mode?: number): Promise<void> => {
    await copyFile(from, to, mode);
    if (!from.endsWith(".ldb")) return;
    copied.push(from.slice(-6, -4));
    const last = tables.findLast((number) => !copied.includes(String(number)));
    if (last === undefined) return;
    await fs.rm(join(index, `0000${last}.ldb`));
    const other = 20 + copied.length;
    tables.splice(tables.indexOf(last), 1, other);
    await write(other);
  };
  Object.assign(fs, { copyFile: compacting });
  await copyIndex(index, join(base, "copy"), undefined);
  expect(copied).toEqual([...new Set(copied)]);
  const names = (await fs.readdir(join(base, "copy"))).filter((name) => name.endsWith(".ldb"));
  expect(names.sort()).toEqual(tables.map((number) => `0000${number}.ldb`).sort());
});

it("is for the eyes of its owner alone", async () => {
  await fs.writeFile(join(index, "CURRENT"), "MANIFEST-000002\n", { mode: 0o644 });
  await fs.writeFile(join(index, "MANIFEST-000002"), manifestOf(3, new Map([[10, 5]])), { mode: 0o644 });
  for (const name of ["000003.log", "000010.ldb"]) await fs.writeFile(join(index, name), "bytes", { mode: 0o644 });
  const copy = join(base, "copy");
  await copyIndex(index, copy, undefined);
  const names = await fs.readdir(copy);
  expect(names.sort()).toEqual(["000003.log", "000010.ldb", "CURRENT", "MANIFEST-000002"]);
  for (const name of names) expect([name, (await fs.stat(join(copy, name))).mode & 0o777]).toEqual([name, 0o600]);
});

it("leaves an older copy as it is, though the index is made anew meanwhile, with other tables by the same names", async () => {
  const table = join(index, "000010.ldb");
  const write = async (text: string, size: number): Promise<void> => {
    await fs.rm(table, { force: true });
    await fs.writeFile(table, text);
    await fs.writeFile(
      join(index, "MANIFEST-000002"),
      manifestOf(
        3,
        new Map([
          [10, size],
          [11, 6],
        ]),
      ),
    );
  };
  await fs.writeFile(join(index, "CURRENT"), "MANIFEST-000002\n");
  await fs.writeFile(join(index, "000003.log"), "");
  await fs.writeFile(join(index, "000011.ldb"), "before");
  await write("old", 3);
  const [known, copy] = [join(base, "known"), join(base, "copy")];
  await copyIndex(index, known, undefined);
  await fs.utimes(join(known, "000011.ldb"), 0, 0);
  const anew = async (from: string, to: string, mode?: number): Promise<void> => {
    if (!from.endsWith("11.ldb")) return copyFile(from, to, mode);
    Object.assign(fs, { copyFile });
    await write("newer", 5);
    throw Object.assign(new Error("gone"), { code: "ENOENT" });
  };
  Object.assign(fs, { copyFile: anew });
  await copyIndex(index, copy, known);
  expect(await fs.readFile(join(copy, "000010.ldb"), "utf8")).toBe("newer");
  expect(await fs.readFile(join(known, "000010.ldb"), "utf8")).toBe("old");
});
