// Makes each package one module for each of its entries, behind `tsc -b`: Node takes half a millisecond to load a module,
// whatever its size, and there are more than 300 sources. What comes from another package stays an import.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "rolldown";

const packages = join(import.meta.dirname, "packages");

await build(
  readdirSync(packages).map((name) => ({
    cwd: join(packages, name),
    input: entriesOf(join(packages, name)),
    external: (id, _importer, isResolved) => !isResolved && /^[^./]/.test(id),
    platform: "node",
    output: { dir: "dist", chunkFileNames: "[name].js", sourcemap: true },
  })),
);

/** What a package exports, by the file's name below dist, and its program. */
function entriesOf(directory) {
  const { exports } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
  const sources = Object.values(exports).map(({ source }) => source);
  if (existsSync(join(directory, "src/main.ts"))) sources.push("./src/main.ts");
  return Object.fromEntries(sources.map((source) => [source.slice("./src/".length, -".ts".length), source]));
}
