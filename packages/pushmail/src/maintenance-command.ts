// What the commands that look after a data directory have in common: their options, their exit codes, their errors.
import { parseArgs, type ParseArgsConfig } from "node:util";
import type { CliCommand, CliIo } from "@pushmail/client-cli";

/** 0: all is well; 1: something was found; 2: it could not run. */
export type MaintenanceResult = 0 | 1 | 2;

export interface MaintenanceOptions {
  readonly data: string;
  readonly json: boolean;
  readonly dryRun: boolean;
  readonly positional: string | undefined;
}

export interface MaintenanceDefinition {
  readonly name: string;
  readonly summary: string;
  readonly details: string;
  /** The flags beside --data, and how the argument is called where there is one. */
  readonly flags: readonly ("json" | "dry-run")[];
  readonly positional?: string;
  run(options: MaintenanceOptions, io: CliIo): Promise<MaintenanceResult>;
}

const SAYS = {
  json: "print one JSON object a line",
  "dry-run": "say what it would do, and do nothing but what a start does",
};

export function maintenanceCommand(definition: MaintenanceDefinition): CliCommand {
  const { name, summary, details, flags, positional } = definition;
  const rows = flags.map((flag) => `  --${flag.padEnd(12)}${SAYS[flag]}\n`).join("");
  const usage = `pushmail ${name}${positional === undefined ? "" : ` ${positional}`} --data DIR: ${summary}

${details}

  --data DIR    the data directory (PUSHMAIL_DATA)
${rows}
Exit codes: 0 all is well  1 something was found  2 it could not run
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
        return await definition.run(optionsOf(definition, args, io), io);
      } catch (error) {
        io.stderr.write(`pushmail ${name}: ${(error as Error).message.split("\n")[0]}\n`);
        return 2;
      }
    },
  };
}

function optionsOf(definition: MaintenanceDefinition, args: readonly string[], { env }: CliIo): MaintenanceOptions {
  const options: NonNullable<ParseArgsConfig["options"]> = { data: { type: "string" } };
  for (const flag of definition.flags) options[flag] = { type: "boolean" };
  const { values, positionals } = parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  const data = (values["data"] as string | undefined) ?? env["PUSHMAIL_DATA"] ?? "";
  if (data === "") throw new Error("--data DIR is missing");
  const wanted = definition.positional === undefined ? 0 : 1;
  if (positionals.length !== wanted) throw new Error(`${definition.positional ?? "no argument"} is expected`);
  return { data, json: values["json"] === true, dryRun: values["dry-run"] === true, positional: positionals[0] };
}
