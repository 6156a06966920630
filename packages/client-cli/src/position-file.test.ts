import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import fs, { mkdtemp, readdir, readFile, rm, writeFile, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PositionFile } from "./position-file.ts";

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "pushmail-"));
  path = join(directory, "state.json");
});

afterEach(() => rm(directory, { recursive: true }));

describe("the position file", () => {
  it("keeps what was set last, for each mailbox, through any number of writes at once", async () => {
    const file = await PositionFile.open(path);
    expect(file.get("a")).toBeUndefined();
    const saves = Array.from({ length: 20 }, (_, index) =>
      file.set(index % 2 === 0 ? "a" : "b", { uidValidity: "1", uid: index, above: [index + 2] }),
    );
    await Promise.all(saves);
    const again = await PositionFile.open(path);
    expect(again.get("a")).toEqual({ uidValidity: "1", uid: 18, above: [20] });
    expect(again.get("b")).toEqual({ uidValidity: "1", uid: 19, above: [21] });
    expect(await readdir(directory)).toEqual(["state.json"]);
  });

  it("is whole at any moment, whoever reads it meanwhile", async () => {
    const file = await PositionFile.open(path);
    await file.set("a", { uidValidity: "1", uid: 0, above: [] });
    let writing = true;
    const writes = (async () => {
      for (let uid = 1; uid <= 30; uid += 1) await file.set("a", { uidValidity: "1", uid, above: [] });
    })().finally(() => (writing = false));
    let last = 0;
    while (writing) {
      const { a } = JSON.parse(await readFile(path, "utf8")) as { a: { uid: number } };
      expect(a.uid).toBeGreaterThanOrEqual(last);
      last = a.uid;
    }
    await writes;
    expect((await PositionFile.open(path)).get("a")?.uid).toBe(30);
  });

  it("is on disk before it takes the place of the one before, and its name is before that is said", async () => {
    const { open, rename } = fs;
    const steps: string[] = [];
    const opened = async (at: string, flags?: string, mode?: number): Promise<FileHandle> => {
      const handle = await open(at, flags, mode);
      const sync = handle.sync.bind(handle);
      return Object.assign(handle, { sync: () => sync().then(() => void steps.push(`sync ${at}`)) });
    };
    const renamed = (from: string, to: string): Promise<void> =>
      rename(from, to).then(() => void steps.push(`rename ${to}`));
    Object.assign(fs, { open: opened, rename: renamed });
    try {
      await (await PositionFile.open(path)).set("a", { uidValidity: "1", uid: 1, above: [] });
    } finally {
      Object.assign(fs, { open, rename });
    }
    expect(steps).toEqual([`sync ${path}.next`, `rename ${path}`, `sync ${directory}`]);
  });

  it("refuses what is no state file, and leaves it alone", async () => {
    for (const text of [
      "",
      "[]garbage",
      "null",
      '{"a":1}',
      '{"a":{"uidValidity":1,"uid":2,"above":[]}}',
      '{"a":null}',
    ]) {
      await writeFile(path, text);
      await expect(PositionFile.open(path)).rejects.toMatchObject({ exitCode: 1, message: /is no state file/ });
      expect(await readFile(path, "utf8")).toBe(text);
    }
  });

  it("says when it cannot be written", async () => {
    const file = await PositionFile.open(join(directory, "none", "state.json"));
    const position = { uidValidity: "1", uid: 1, above: [] };
    await expect(file.set("a", position)).rejects.toMatchObject({ exitCode: 1, message: /cannot write/ });
  });
});
