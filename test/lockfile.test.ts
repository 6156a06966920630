// The lockfile must do for `npm ci` on a clean clone: complete, bound to no registry, no scripts run.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";

interface LockEntry {
  readonly integrity?: string;
  readonly link?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly resolved?: string;
  readonly hasInstallScript?: boolean;
}

const lock = readJson<{ packages: Record<string, LockEntry> }>("package-lock.json").packages;
const { allowScripts, scripts } = readJson<{
  allowScripts: Record<string, boolean>;
  scripts: Record<string, string>;
}>("package.json");

function textOf(path: string): string {
  return readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
}

function readJson<T>(path: string): T {
  return JSON.parse(textOf(path)) as T;
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

  it("has the checksum of everything that is installed from elsewhere", () => {
    const ours = (path: string, { link }: LockEntry): boolean => link === true || !path.includes("node_modules/");
    const unchecked = Object.entries(lock).filter(
      ([path, entry]) => !ours(path, entry) && entry.integrity?.startsWith("sha512-") !== true,
    );
    expect(unchecked.map(([path]) => path)).toEqual([]);
  });

  it("is what CI installs, no more and no less", () => {
    expect(textOf(".ci/run")).toMatch(/^npm ci$/m);
    expect(textOf(".ci/run")).not.toMatch(/npm (i|install|update|add)\b/);
  });

  it("installs without running any package's script, whatever the version of npm", () => {
    expect(textOf(".npmrc").split("\n")).toContain("ignore-scripts=true");
    // With that, npm runs no script before or behind another one either: none may count on it.
    const named = Object.keys(scripts);
    const hooks = named.filter((name) => /^(pre|post)/.test(name) && named.includes(name.replace(/^(pre|post)/, "")));
    expect(hooks).toEqual([]);
    const withScript = Object.entries(lock).flatMap(([path, entry]) =>
      entry.hasInstallScript ? [path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length)] : [],
    );
    expect(Object.fromEntries(withScript.sort().map((name) => [name, false]))).toEqual(allowScripts);
  });
});
