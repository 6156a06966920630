// The lockfile must do for `npm ci` on a clean clone: complete, bound to no registry, no scripts run.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";

interface LockEntry {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
}

const lock = readJson<{ packages: Record<string, LockEntry> }>("package-lock.json").packages;
const { allowScripts } = readJson<{ allowScripts: Record<string, boolean> }>("package.json");

function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), "utf8")) as T;
}

/** Whether node would find `name` from the package at `path`: in its own node_modules or in one further up. */
function isInstalled(name: string, path: string): boolean {
  for (let at = path; ; at = at.slice(0, Math.max(0, at.lastIndexOf("node_modules/") - 1))) {
    if (`${at === "" ? "" : `${at}/`}node_modules/${name}` in lock) return true;
    if (at === "") return false;
  }
}

describe("package-lock.json", () => {
  it("has an entry for every dependency that an entry names, the optional ones for other platforms too", () => {
    // Where one is missing, as with a tool's release whose binaries are not all there, `npm ci` refuses to begin.
    const missing = Object.entries(lock).flatMap(([path, { dependencies, optionalDependencies }]) =>
      Object.keys({ ...dependencies, ...optionalDependencies })
        .filter((name) => !isInstalled(name, path))
        .map((name) => `${path} needs ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it("names no registry", () => {
    const addresses = Object.values(lock).flatMap((entry) => (entry.resolved?.includes("://") ? [entry.resolved] : []));
    expect(addresses).toEqual([]);
  });

  it("installs without running any package's script", () => {
    const withScript = Object.entries(lock).flatMap(([path, entry]) =>
      entry.hasInstallScript ? [path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)] : [],
    );
    expect(Object.fromEntries(withScript.sort().map((name) => [name, false]))).toEqual(allowScripts);
  });
});
