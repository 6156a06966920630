// What keeps the repository as ARCHITECTURE.md describes it, where no compiler and no linter looks.
import { execFileSync } from "node:child_process";
import { readFileSync, statSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "@jest/globals";
import { COMMANDS, IMAP_TOLERANCES } from "@pushmail/imap-idle-server";
import { SASL_TOLERANCES } from "@pushmail/sasl";
import { SMTP_TOLERANCES } from "@pushmail/smtp-ingest";
import { DECODE_LIMITS, MESSAGE_LIMITS } from "@pushmail/mailstore";

/** Who may import whom: the workspace packages that each package may name, of those alone it may be made. */
const layers: Readonly<Record<string, readonly string[]>> = {
  "imap-wire": [],
  mailstore: ["imap-wire"],
  sasl: ["mailstore"],
  "smtp-ingest": ["mailstore", "sasl"],
  "search-index": ["mailstore"],
  "imap-idle-server": ["mailstore", "sasl", "search-index", "imap-wire"],
  "client-cli": [],
  pushmail: ["mailstore", "sasl", "smtp-ingest", "search-index", "imap-idle-server", "client-cli"],
};
const wordlessNames = /^(utils?|helpers?|common|manager|misc|types)\b/;
const linesMax = 300;

const root = fileURLToPath(new URL("..", import.meta.url));
const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => statSync(root + file, { throwIfNoEntry: false })?.isFile());
const sources = files.filter((file) => /\.[cm]?[jt]s$/.test(file));
const texts = new Map(files.map((file) => [file, readFileSync(root + file, "utf8")]));

interface Package {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

function textOf(file: string): string {
  const text = texts.get(file);
  if (text === undefined) throw new Error(`${file} is missing`);
  return text;
}

function packageIn(directory: string): Package {
  return JSON.parse(textOf(`${directory}package.json`)) as Package;
}

/** The directory in packages/ of each workspace package by its name. */
const workspace = new Map(Object.keys(layers).map((name) => [packageIn(`packages/${name}/`).name, name]));

function referencesOf(directory: string): string[] {
  const { references } = JSON.parse(textOf(`${directory}tsconfig.json`)) as { references: { path: string }[] };
  return references.map(({ path }) => path).sort();
}

/** Files that are there for tests alone: they may use what the root package lists for development. */
function isForTests(file: string): boolean {
  return /\.test\.ts$|\/test-support\/|\/contract\.ts$/.test(file);
}

/** The packages that a source imports, node's own left out. */
function importsOf(file: string): string[] {
  const before = /^(?:import|export)\b[^"\n]* from |^\} from |^import |\bimport\(|\brequire\(/;
  const name = /((?:@[a-z0-9-]+\/)?[a-z0-9][a-z0-9._-]*)/;
  const found = textOf(file).matchAll(new RegExp(`(?:${before.source})"${name.source}["/]`, "gm"));
  return Array.from(found, ([, imported]) => imported as string);
}

/** `file:line: text` of every line of the files that a test finds fault with. */
function linesThat(isFaulty: (line: string, file: string) => boolean, among: readonly string[]): string[] {
  return among.flatMap((file) =>
    textOf(file)
      .split("\n")
      .flatMap((line, i) => (isFaulty(line, file) ? [`${file}:${i + 1}: ${line.trim()}`] : [])),
  );
}

function unique(names: Iterable<string>): string[] {
  return [...new Set(names)].sort();
}

describe.each(Object.entries(layers))("packages/%s", (name, mayImport) => {
  const directory = `packages/${name}/`;
  const { dependencies = {}, devDependencies = {} } = packageIn(directory);
  const code = sources.filter((file) => file.startsWith(directory));
  const imports = unique(code.filter((file) => !isForTests(file)).flatMap(importsOf));
  const testImports = unique(code.filter(isForTests).flatMap(importsOf));

  it("lists as dependencies what it imports, and nothing else", () => {
    expect(Object.keys(dependencies).sort()).toEqual(imports);
  });

  it("lists for development what only its tests import", () => {
    const listed = { ...dependencies, ...packageIn("").devDependencies };
    expect(Object.keys(devDependencies).sort()).toEqual(testImports.filter((imported) => !(imported in listed)));
  });

  it("keeps to its layer", () => {
    const allowed = mayImport.map((other) => packageIn(`packages/${other}/`).name);
    expect(imports.filter((imported) => workspace.has(imported) && !allowed.includes(imported))).toEqual([]);
  });

  it("refers in its tsconfig to the packages that it imports", () => {
    const imported = [...imports, ...testImports].flatMap((other) => workspace.get(other) ?? []);
    expect(referencesOf(directory)).toEqual(unique(imported).map((other) => `../${other}`));
  });
});

describe.each(["test", "bench"])("%s/", (directory) => {
  const imports = unique(sources.filter((file) => file.startsWith(`${directory}/`)).flatMap(importsOf));

  it("imports what some package or the root package lists", () => {
    const packages = ["", ...Object.keys(layers).map((name) => `packages/${name}/`)].map(packageIn);
    const listed = packages.flatMap((one) => [
      one.name,
      ...Object.keys({ ...one.dependencies, ...one.devDependencies }),
    ]);
    expect(imports.filter((imported) => !listed.includes(imported))).toEqual([]);
  });

  it("refers in its tsconfig to the packages that it imports", () => {
    const imported = imports.flatMap((other) => workspace.get(other) ?? []);
    expect(referencesOf(`${directory}/`)).toEqual(
      expect.arrayContaining(imported.map((other) => `../packages/${other}`)),
    );
  });
});

describe("the workspace", () => {
  it("has the packages of the layer table, and its tsconfig refers to each", () => {
    expect(unique(files.flatMap((file) => /^packages\/([^/]+)\//.exec(file)?.[1] ?? []))).toEqual(
      Object.keys(layers).sort(),
    );
    const projects = [...Object.keys(layers).map((name) => `packages/${name}`), "test", "bench"];
    expect(referencesOf("")).toEqual(projects.sort());
  });

  it("has one version", () => {
    const versions = ["", ...Object.keys(layers).map((name) => `packages/${name}/`)].map(
      (directory) => packageIn(directory).version,
    );
    expect(unique(versions)).toHaveLength(1);
  });
});

describe("documents", () => {
  it("show the layers as they are", () => {
    const shown = rowsOf("ARCHITECTURE.md", "may import").map((row): [string | undefined, readonly string[]] => {
      const imports = codeIn(row["may import"]);
      return [codeIn(row["package"])[0], row["may import"] === "all" ? (layers["pushmail"] ?? []) : imports];
    });
    expect(Object.fromEntries(shown)).toEqual(layers);
  });

  it("have every directory of code in the map of ARCHITECTURE.md", () => {
    const known = codeIn(textOf("ARCHITECTURE.md").replaceAll(/^```[^]*?^```/gm, ""));
    const directories = unique(
      files.flatMap((file) => /^(?:packages\/.*?\/src|test|bench)\/(.+)\/[^/]+$/.exec(file)?.[1] ?? []),
    );
    const mapped = (directory: string): boolean => known.some((name) => `/${name}`.endsWith(`/${directory}/`));
    expect(directories.filter((directory) => !directory.endsWith("test-support") && !mapped(directory))).toEqual([]);
  });

  it("refer to scripts, files and headings that are there", () => {
    const { scripts } = JSON.parse(textOf("package.json")) as { scripts: Readonly<Record<string, string>> };
    const wrong = files
      .filter((file) => file.endsWith(".md"))
      .flatMap((file) => {
        const text = textOf(file);
        const named = Array.from(text.matchAll(/\bnpm run ([\w:-]+)/g), ([, name = ""]) => name);
        const links = Array.from(text.matchAll(/\]\((?!\w+:)([^)#]*)(?:#([^)]*))?\)/g), ([, to = "", heading]) => {
          const target = to === "" ? file : normalize(join(dirname(file), to));
          const isThere = files.some((each) => each === target || each.startsWith(`${target}/`));
          if (!isThere || heading === undefined) return isThere ? [] : [to];
          return headingsOf(textOf(target)).includes(heading) ? [] : [`${to}#${heading}`];
        });
        return [...named.filter((name) => scripts[name] === undefined), ...links.flat()].map((each) => [file, each]);
      });
    expect(wrong).toEqual([]);
  });
});

describe("docs/protocols.md", () => {
  const rows = rowsOf("docs/protocols.md", "transcripts").map(({ capability, commands, transcripts }) => {
    return { capability: codeIn(capability), commands: codeIn(commands), transcripts: codeIn(transcripts) };
  });

  it("lists every IMAP command and its capability, and no command that is none", () => {
    const capabilities = [...COMMANDS.values()].flatMap(({ capability }) => capability ?? []);
    expect(unique(rows.flatMap(({ commands }) => commands))).toEqual(unique(COMMANDS.keys()));
    expect(rows.flatMap(({ capability }) => capability)).toEqual(expect.arrayContaining(unique(capabilities)));
  });

  it("lists every transcript, and none that is not there", () => {
    const there = files.flatMap((file) => /^test\/transcripts\/(.+)\.txt$/.exec(file)?.[1] ?? []);
    expect(unique(rows.flatMap(({ transcripts }) => transcripts))).toEqual(unique(there));
  });

  it.each(rows)("has for $capability transcripts of $commands, and of what is refused", ({ commands, transcripts }) => {
    const lines = transcripts.map((name) => textOf(`test/transcripts/${name}.txt`)).join("\n");
    expect(commands.filter((name) => !new RegExp(`^\\d+C: \\S+ (UID )?${name}\\b`, "m").test(lines))).toEqual([]);
    expect(lines).toMatch(/^\d+S: \S+ (NO|BAD)\b/m);
  });
});

describe("docs/", () => {
  it("names no test that is not there", () => {
    const named = files.filter((file) => file.endsWith(".md")).flatMap((file) => codeIn(textOf(file)));
    const tests = named.filter((name) => /^(test|packages)\/[\w./-]+\.(test\.ts|txt)$/.test(name));
    expect(tests.length).toBeGreaterThan(100);
    expect(tests.filter((name) => !texts.has(name))).toEqual([]);
  });
});

describe("docs/feed.md", () => {
  it("tells of every type of change", () => {
    const types = Array.from(
      textOf("packages/mailstore/src/change.ts").matchAll(/readonly type: "(\w+)"/g),
      ([, type]) => type,
    );
    expect(types).toContain("MessageAppended");
    expect(types.filter((type) => !textOf("docs/feed.md").includes(`\`${type}\``))).toEqual([]);
  });
});

describe("docs/clients.md", () => {
  const rows = rowsOf("docs/clients.md", "tolerance");

  it("lists every tolerance, with whose it is, why it is harmless, and a test that knows it", () => {
    const tolerances = [...SASL_TOLERANCES, ...SMTP_TOLERANCES, ...IMAP_TOLERANCES];
    expect(rows.map(({ tolerance }) => codeIn(tolerance)[0])).toEqual(tolerances);
    expect(rows.filter((row) => Object.values(row).some((cell) => cell.length < 8))).toEqual([]);
    for (const { tolerance, test } of rows) expect(textOf(codeIn(test)[0] ?? "")).toContain(codeIn(tolerance)[0]);
  });
});

describe("docs/limits.md", () => {
  const rows = rowsOf("docs/limits.md", "limit").map(({ limit, default: value = "", why = "", test }) => {
    return { limit: codeIn(limit)[0] ?? "", value, why, test: codeIn(test)[0] ?? "" };
  });

  it("lists every limit once, with the default that it has", () => {
    const settings = rowsOf("docs/settings.md", "key in the file");
    const settable = settings
      .map((row): [string, string] => [codeIn(row["key in the file"])[0] ?? "", row["default"] ?? ""])
      .filter(([key]) => key.startsWith("limits."));
    const fixed = Object.entries({ message: MESSAGE_LIMITS, decode: DECODE_LIMITS }).flatMap(([of, limits]) =>
      Object.entries(limits).map(([name, value]): [string, string] => [`${of}.${name}`, String(value)]),
    );
    expect(settable.length).toBeGreaterThan(100);
    expect(rows.map(({ limit, value }) => [limit, value])).toEqual([...settable, ...fixed]);
  });

  it("says of each why it is so", () => {
    expect(rows.filter(({ why }) => why.length < 8)).toEqual([]);
  });

  it("names for each a test that knows it, by its own name or by that of its environment variable", () => {
    const unknown = rows.filter(({ limit, test }) => {
      const name = limit.slice(limit.lastIndexOf(".") + 1);
      const variable = name.replace(/[A-Z]/g, "_$&").toUpperCase();
      const text = texts.get(test) ?? "";
      return !new RegExp(`\\b${name}\\b|${variable}\\b`).test(text);
    });
    expect(unknown.map(({ limit, test }) => `${limit}: ${test}`)).toEqual([]);
  });
});

describe("transcripts", () => {
  it("use every IMAP command", () => {
    const said = files
      .filter((file) => file.startsWith("test/transcripts/") && !file.endsWith(".ts"))
      .map(textOf)
      .join("\n");
    const unused = [...COMMANDS.keys()].filter(
      (name) => !new RegExp(`^\\d*C: *\\S+ (UID )?${name}\\b`, "im").test(said),
    );
    expect(unused).toEqual([]);
  });
});

describe("source files", () => {
  const products = sources.filter((file) => file.startsWith("packages/") && !isForTests(file));
  const tests = sources
    .filter((file) => isForTests(file) || file.startsWith("test/"))
    .filter((file) => !file.startsWith("test/soak/"));

  it("are named in kebab-case after what they hold", () => {
    const names = sources.map((file) => basename(file));
    expect(
      names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*$/.test(name) || wordlessNames.test(name)),
    ).toEqual([]);
  });

  it(`have at most ${linesMax} lines that are neither blank nor comment`, () => {
    const long = products.filter((file) => textOf(file).split("\n").filter(isCode).length > linesMax);
    expect(long).toEqual([]);
  });

  it("say what they are before they do anything", () => {
    const code = products.filter((file) => file.endsWith(".ts"));
    expect(code.filter((file) => !/^\s*\/[/*]/.test(textOf(file).replace(/^import\b[^;]*;$/gm, "")))).toEqual([]);
  });

  it("have no default export", () => {
    const typed = sources.filter((file) => file.endsWith(".ts"));
    expect(linesThat((line) => /^export default\b|\bas default\b/.test(line), typed)).toEqual([]);
  });

  // V8 gives each such closure a hidden class of the generators it makes, in the old generation; until a full collection
  // that keeps alive whatever the closure sees, and each collection of young garbage copies it.
  it("have no generator function within another function", () => {
    const nested = /^(?!(export )?(async )?function\*|\s*(\/\/|\*)).*\bfunction ?\*/;
    expect(linesThat((line) => nested.test(line), products)).toEqual([]);
  });

  it("refer to RFCs in one form", () => {
    expect(linesThat((line) => [...line.matchAll(/\bRFC[^a-z]?\d+(.{0,12})/gi)].some(isIllFormed), sources)).toEqual(
      [],
    );
  });

  it("never let a test wait for a time", () => {
    const waits = [
      /\bsetTimeout\(\s*(\(\)\s*=>\s*)?\{?\s*(r|res|resolve|resolved|done|ok)\b/,
      /["'](node:)?timers\/promises["']/,
      /(?<![.\w])(sleep|delay|pause)\(/,
    ];
    expect(linesThat((line) => waits.some((wait) => wait.test(line)), tests)).toEqual([]);
  });

  it("skip, focus and plan no test", () => {
    const marks = /^\s*(it|test|describe)(\.\w+)*\.(only|skip|todo|failing)\b|^\s*[xf](it|test|describe)\(/;
    expect(linesThat((line) => marks.test(line), tests)).toEqual([]);
  });
});

describe("every file", () => {
  const written = files.filter((file) => file !== "package-lock.json");

  it("is finished, and speaks of no machine and no registry", () => {
    const banned = [
      /\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/,
      /not[ ]implemented/i,
      /(?<![\w.~-])\/(work|home|root|Users)\/\w/,
      /registry\.(np[m]js|yarnpkg)|\b(npm[-]registry|verdacci[o]|artifactor[y])\b/i,
    ];
    expect(linesThat((line) => banned.some((word) => word.test(line)), written)).toEqual([]);
  });
});

type Row = Readonly<Record<string, string>>;

/** The rows of a document's tables that have a column of this name: cells by the names of their columns. */
function rowsOf(file: string, column: string): Row[] {
  const tables = textOf(file).matchAll(/^\|(.*)\|\n\|[-| :]+\|\n((?:\|.*\|\n)+)/gm);
  return Array.from(tables).flatMap(([, head = "", body = ""]) => {
    const names = cellsOf(head);
    if (!names.includes(column)) return [];
    const lines = body.trimEnd().split("\n");
    return lines.map(
      (line) => Object.fromEntries(cellsOf(line.slice(1, -1)).map((cell, i) => [names[i], cell])) as Row,
    );
  });
}

function cellsOf(row: string): string[] {
  return row.split("|").map((cell) => cell.trim());
}

/** The headings of a document as links name them. */
function headingsOf(markdown: string): string[] {
  return Array.from(markdown.matchAll(/^#+ (.*)$/gm), ([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} -]/gu, "")
      .replaceAll(" ", "-"),
  );
}

/** What a text sets in backticks. */
function codeIn(markdown = ""): string[] {
  return Array.from(markdown.matchAll(/`([^`]+)`/g), ([, code]) => code as string);
}

/** Whether a reference is written otherwise than `RFC 9051` or `RFC 9051 7.5.1`. */
function isIllFormed([reference, rest]: RegExpMatchArray): boolean {
  if (/^rfc822\b/i.test(reference)) return false; // a media type or an item of FETCH
  return !/^RFC \d{3,5}(?!\d)/.test(reference) || /^[-.#]\d|^[,:]? ?(§|sec|chapter|appendix|para)/i.test(rest ?? "");
}

function isCode(line: string): boolean {
  return !/^\s*($|\/\/|\/?\*)/.test(line);
}
