// The lockfile must install everywhere with `npm ci`: complete for this platform, bound to no registry, no scripts run.
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

const usesMusl = !("glibcVersionRuntime" in (process.report.getReport() as { header: object }).header);
const systems: readonly (readonly [ours: string, all: RegExp])[] = [
  [process.platform, /android|aix|darwin|freebsd|linux|netbsd|openbsd|openharmony|sunos|wasm32|win32/],
  [process.arch, /armv?\d*(?:eabi|hf)?\b|arm64|ia32|loong64|mips64el|ppc64(?:le)?|riscv64|s390x|x64/],
  [usesMusl ? "musl" : "gnu", /gnu|musl/],
];

/** Whether the name of a binary package says that it is made for another system than this one. */
function isForeign(name: string): boolean {
  return systems.some(([ours, all]) => ![ours, undefined].includes(all.exec(name.slice(name.lastIndexOf("/")))?.[0]));
}

describe("package-lock.json", () => {
  it("has an entry for every dependency that an entry names and this platform needs", () => {
    const missing = Object.entries(lock).flatMap(([path, entry]) =>
      [
        ...Object.keys(entry.dependencies ?? {}),
        ...Object.keys(entry.optionalDependencies ?? {}).filter((name) => !isForeign(name)),
      ]
        .filter((name) => !isInstalled(name, path))
        .map((name) => `${path} needs ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it("knows a binary package for this platform behind every native tool", () => {
    const native = ["@swc/core", "oxfmt", "oxlint", "oxlint-tsgolint", "typescript", "unrs-resolver"];
    const without = native.filter((tool) => {
      const offered = Object.keys(lock[`node_modules/${tool}`]?.optionalDependencies ?? {});
      return !offered.some((name) => !isForeign(name) && isInstalled(name, `node_modules/${tool}`));
    });
    expect(without).toEqual([]);
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
