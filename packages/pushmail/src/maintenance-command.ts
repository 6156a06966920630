// What the commands that look after a data directory have in common: their options, their exit codes, their errors.
import { parseArgs, type ParseArgsConfig } from "node:util";
import type { CliCommand, CliIo } from "@pushmail/client-cli";
import { complaintOf, reasonOf } from "./start-fault.ts";
import { untilStopped } from "./stop-signal.ts";

/** 0: all is well; 1: something was found; 2: it could not run. */
export type MaintenanceResult = 0 | 1 | 2;

type Flag = "json" | "dry-run" | "moved" | "remove";

export interface MaintenanceOptions {
  readonly data: string;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly moved: boolean;
  readonly remove: boolean;
  /** As many as were expected. */
  readonly positionals: readonly string[];
}

export interface MaintenanceDefinition {
  readonly name: string;
  readonly summary: string;
  readonly details: string;
  /** The flags beside --data, and how the arguments are called: those in brackets may be left out. */
  readonly flags: readonly Flag[];
  readonly positionals?: readonly string[];
  /** What the exit codes 0 and 1 mean, where that is something else. */
  readonly exits?: readonly [done: string, found: string];
  run(options: MaintenanceOptions, io: CliIo): Promise<MaintenanceResult>;
}

const SAYS: Record<Flag, string> = {
  json: "print one JSON object a line",
  "dry-run": "say what it would do, and do nothing but what a start does",
  moved: "nothing came into the store behind the backup: UIDVALIDITY stays",
  remove: "takes the one of this name back",
};

export function maintenanceCommand(definition: MaintenanceDefinition): CliCommand {
  const { name, summary, details, flags, positionals = [] } = definition;
  const [done, found] = definition.exits ?? ["all is well", "something was found"];
  const rows = flags.map((flag) => `  --${flag.padEnd(12)}${SAYS[flag]}\n`).join("");
  const usage = `pushmail ${[name, ...positionals].join(" ")} --data DIR: ${summary}

${details}

  --data DIR    the data directory (PUSHMAIL_DATA)
${rows}
Exit codes: 0 ${done}  1 ${found}  2 it could not run
`;
  return {
    name,
    summary,
    usage,
    async run(args, io) {
      if (args.includes("--help") || args.includes("-h")) {
        io.stdout.write(usage);
        return 0;
      }
      try {
        const options = optionsOf(definition, args, io);
        return await untilStopped(io.signal, () => definition.run(options, io));
      } catch (error) {
        io.stderr.write(`pushmail ${name}: ${reasonOf(error as Error).split("\n")[0]}\n`);
        return 2;
      }
    },
  };
}

function parsed(args: readonly string[], options: NonNullable<ParseArgsConfig["options"]>) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch (error) {
    throw new Error(complaintOf(error as Error), { cause: error });
  }
}

function optionsOf(definition: MaintenanceDefinition, args: readonly string[], { env }: CliIo): MaintenanceOptions {
  const options: NonNullable<ParseArgsConfig["options"]> = { data: { type: "string" } };
  for (const flag of definition.flags) options[flag] = { type: "boolean" };
  const { values, positionals } = parsed(args, options);
  const data = (values["data"] as string | undefined) ?? env["PUSHMAIL_DATA"] ?? "";
  if (data === "") throw new Error("--data DIR is missing");
  const { positionals: names = [] } = definition;
  const needed = names.filter((name) => !name.startsWith("[")).length;
  if (positionals.length < needed || positionals.length > names.length) {
    throw new Error(`${names.join(" ") || "no argument"} is expected`);
  }
  const has = (flag: Flag): boolean => values[flag] === true;
  return { data, json: has("json"), dryRun: has("dry-run"), moved: has("moved"), remove: has("remove"), positionals };
}
