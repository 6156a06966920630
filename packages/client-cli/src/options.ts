// Command lines: a table of options gives the parser and the help text, and the names a command may ask for.
import { parseArgs } from "node:util";
import { usageFault } from "./command-fault.ts";

/** One option: `value` names its argument in the help text, without it the option is a switch. */
export interface OptionSpec {
  readonly value?: string;
  readonly short?: string;
  readonly multiple?: true;
  readonly help: string;
}

/** The options of a command by name. */
export type OptionTable<Name extends string> = Readonly<Record<Name, OptionSpec>>;

/** The bounds of a number on the command line. */
export interface NumberRange {
  readonly least: number;
  readonly most: number;
}

type OptionValues = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

/** The options as given; whatever is asked for and wrong throws a usage fault. */
export class Options<Name extends string> {
  readonly #values: OptionValues;

  constructor(values: OptionValues) {
    this.#values = values;
  }

  given(name: Name): boolean {
    return this.#values[name] !== undefined;
  }

  text(name: Name): string | undefined {
    return this.list(name).at(-1);
  }

  list(name: Name): readonly string[] {
    const value = this.#values[name];
    return (Array.isArray(value) ? value : [value]).filter((each) => typeof each === "string");
  }

  /** Every value of the option, those given as a comma-separated list taken apart. */
  items(name: Name): readonly string[] {
    return this.list(name).flatMap((value) =>
      value
        .split(",")
        .map((item) => item.trim())
        .filter((item) => item !== ""),
    );
  }

  number(name: Name, range: NumberRange): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : parseNumber(`--${name}`, text, range);
  }

  integer(name: Name, range: NumberRange): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : parseInteger(`--${name}`, text, range);
  }

  /** At most one of the options may be given; says which. */
  oneOf<Choice extends Name>(...names: readonly Choice[]): Choice | undefined {
    const given = names.filter((name) => this.given(name));
    if (given.length > 1) throw usageFault(`${given.map((name) => `--${name}`).join(" and ")} exclude each other`);
    return given[0];
  }
}

/** Reads a decimal number in a range. */
export function parseNumber(label: string, text: string, range: NumberRange): number {
  const value = /^\d+(\.\d+)?$|^\.\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= range.least && value <= range.most) return value;
  throw usageFault(`${label} must be a number from ${range.least} to ${range.most}, not "${text}"`);
}

/** Reads a whole number in a range. */
export function parseInteger(label: string, text: string, range: NumberRange): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= range.least && value <= range.most) return value;
  throw usageFault(`${label} must be a whole number from ${range.least} to ${range.most}, not "${text}"`);
}

/** Parses a command line strictly by the table. */
export function parseOptions<Name extends string>(args: readonly string[], table: OptionTable<Name>): Options<Name> {
  const specs = Object.entries<OptionSpec>(table).map(([name, spec]) => [
    name,
    {
      type: spec.value === undefined ? ("boolean" as const) : ("string" as const),
      ...(spec.short === undefined ? {} : { short: spec.short }),
      ...(spec.multiple ? { multiple: true } : {}),
    },
  ]);
  try {
    return new Options(parseArgs({ args: [...args], options: Object.fromEntries(specs), strict: true }).values);
  } catch (error) {
    const { code = "", message = "" } = error as { code?: string; message?: string };
    if (!code.startsWith("ERR_PARSE_ARGS")) throw error;
    throw usageFault(message.split(". ")[0] ?? message);
  }
}

/** The help lines of the options, two columns. */
export function describeOptions(table: OptionTable<string>): string {
  const rows = Object.entries(table).map(([name, spec]) => {
    const short = spec.short === undefined ? "    " : `-${spec.short}, `;
    return { head: `  ${short}--${name}${spec.value === undefined ? "" : ` ${spec.value}`}`, help: spec.help };
  });
  const width = Math.max(...rows.map((row) => row.head.length)) + 2;
  return rows.map((row) => `${row.head.padEnd(width)}${row.help}`).join("\n");
}
