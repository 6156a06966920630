// Settings from three sources, each stronger than the one before: the file, the environment, the command line.
// Each is checked alone, so that a complaint names the field as it is written there.
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parseArgs, type ParseArgsConfig } from "node:util";
import { parse as parseToml } from "smol-toml";
import { flagName, type SettingKind, type SettingPath, settingPaths, variableName } from "./setting-names.ts";
import { checkSettings } from "./setting-check.ts";
import { defaultSettings, mergeSettings, type Settings } from "./settings.ts";
import { complaintOf, StartFault } from "./start-fault.ts";

interface Source {
  readonly name: string;
  readonly values: unknown;
  /** How a setting is written there. */
  spell(path: SettingPath): string;
}

/** The settings of `pushmail serve`; throws a StartFault that says what is wrong and where it stands. */
export async function readSettings(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<Settings> {
  const flags = fromFlags(args);
  // An empty variable says nothing.
  const file = flags.config ?? (environment["PUSHMAIL_CONFIG"] || undefined);
  const sources = [fromEnvironment(environment), flags];
  if (file !== undefined) sources.unshift(await fromFile(file));
  return sources.map(checked).reduce<Settings>(mergeSettings, defaultSettings);
}

async function fromFile(file: string): Promise<Source> {
  const values: Record<string, unknown> = await readFile(file, "utf8")
    .then(parseToml)
    .catch((error: Error & { readonly line?: number }) => {
      const where = error.line === undefined ? file : `${file}:${error.line}`;
      throw new StartFault(`${where}: ${error.message.split("\n")[0]}`, { cause: error });
    });
  for (const [[name = ""], kind] of settingPaths) {
    const value = values[name];
    // A path in the file is relative to the file, wherever the process was started.
    if ((kind === "path" || kind === "users") && typeof value === "string" && value !== "") {
      values[name] = resolve(dirname(file), value);
    }
  }
  return { name: file, values, spell: (path) => path.join(".") };
}

function fromEnvironment(environment: NodeJS.ProcessEnv): Source {
  const values: Record<string, unknown> = {};
  for (const [path, kind] of settingPaths) {
    const text = environment[variableName(path)];
    if (text !== undefined && text !== "") setAt(values, path, fromText(kind, text));
  }
  const known = new Set(settingPaths.map(([path]) => variableName(path)));
  const unknown = Object.keys(environment).find((name) => name.startsWith("PUSHMAIL_LIMITS_") && !known.has(name));
  if (unknown !== undefined) throw new StartFault(`environment: ${unknown}: there is no such setting`);
  return { name: "environment", values, spell: variableName };
}

function fromFlags(args: readonly string[]): Source & { readonly config: string | undefined } {
  const flags = settingPaths.flatMap(([[name = ""], kind]) => (kind === "limit" ? [] : [{ name, kind }]));
  const options: NonNullable<ParseArgsConfig["options"]> = { config: { type: "string" } };
  for (const { name, kind } of flags) {
    options[flagName(name)] = { type: kind === "switch" ? "boolean" : "string", multiple: kind === "names" };
  }
  const given = parseFlags(args, options);
  const values: Record<string, unknown> = {};
  for (const { name, kind } of flags) {
    const value = given[flagName(name)];
    if (value !== undefined) values[name] = typeof value === "string" ? fromText(kind, value) : value;
  }
  const config = given["config"] as string | undefined;
  return { name: "command line", values, spell: ([name = ""]) => `--${flagName(name)}`, config };
}

function parseFlags(
  args: readonly string[],
  options: NonNullable<ParseArgsConfig["options"]>,
): Record<string, unknown> {
  try {
    return parseArgs({ args: [...args], options, strict: true }).values;
  } catch (error) {
    throw new StartFault(`command line: ${complaintOf(error as Error)}`, { cause: error });
  }
}

/** What a text from the environment or the command line stands for; what fits nothing stays and is complained of. */
function fromText(kind: SettingKind, text: string): unknown {
  if (kind === "names") return text.split(",").map((name) => name.trim());
  if (kind === "switch") return { true: true, 1: true, false: false, 0: false }[text] ?? text;
  if (kind === "port" || kind === "limit") return /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  return text;
}

function checked(source: Source): Partial<Settings> {
  const result = checkSettings(source.values);
  if ("wrong" in result) throw new StartFault(`${source.name}: ${source.spell(result.wrong)}: ${result.why}`);
  if (result.settings.memory === true && result.settings.data !== undefined) {
    throw new StartFault(
      `${source.name}: ${source.spell(["data"])} and ${source.spell(["memory"])} exclude each other`,
    );
  }
  return result.settings;
}

function setAt(values: Record<string, unknown>, [name = "", ...rest]: SettingPath, value: unknown): void {
  if (rest.length === 0) values[name] = value;
  else setAt((values[name] ??= {}) as Record<string, unknown>, rest, value);
}
