// A command of the `pushmail` program: what it is called, how it is used, and running it to an exit code.
import type { Readable, Writable } from "node:stream";
import { abortWith } from "./abort.ts";
import { connectionOptions, environmentHelp } from "./endpoint.ts";
import type { ConnectionOption } from "./endpoint.ts";
import { CommandFault, exitCodes } from "./command-fault.ts";
import type { ExitCode } from "./command-fault.ts";
import { describeOptions, parseOptions } from "./options.ts";
import type { Options, OptionTable } from "./options.ts";
import { visibleLine } from "./visible.ts";

/** What a command has of the outside world. */
export interface CliIo {
  readonly stdout: Writable;
  readonly stderr: Writable;
  readonly stdin: Readable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Aborted when the user wants an end (SIGINT, SIGTERM). */
  readonly signal: AbortSignal;
  readonly stdoutIsTty: boolean;
}

/** A subcommand as the `pushmail` program mounts it. */
export interface CliCommand {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** The whole help text. */
  readonly usage: string;
  /** Runs to the end, prints its own errors and gives the exit code. */
  run(args: readonly string[], io: CliIo): Promise<number>;
}

/** What a command must say of itself; the connection options come on top. */
export interface CommandDefinition<Name extends string> {
  readonly name: string;
  readonly summary: string;
  readonly details: string;
  readonly options: OptionTable<Name>;
  run(options: Options<Name | ConnectionOption>, io: CliIo): Promise<ExitCode>;
}

const exitHelp = `Exit codes:
  0 done  1 refused or failed  2 wrong usage  69 server not reachable  70 internal error  75 refused for now
  77 login refused  130 interrupted before the end`;

/** Makes the command: parsing, --help, errors as one line, and a quiet end when nobody reads the output any more. */
export function defineCommand<Name extends string>(definition: CommandDefinition<Name>): CliCommand {
  const { name, summary } = definition;
  const table: OptionTable<string> = { ...connectionOptions, ...definition.options };
  const usage = `pushmail ${name}: ${summary}

${definition.details}

Options:
${describeOptions(definition.options)}

Connection:
${describeOptions(connectionOptions)}

${environmentHelp}

${exitHelp}
`;
  return {
    name,
    summary,
    usage,
    async run(args, io): Promise<number> {
      const end = abortWith(io.signal);
      let unread = false;
      const stopUnread = (): void => {
        unread = true;
        end.abort();
      };
      io.stdout.on("error", stopUnread);
      try {
        const options = parseOptions<string>(args, { ...table, help: { help: "", short: "h" } });
        if (options.given("help")) {
          io.stdout.write(usage);
          return exitCodes.done;
        }
        const exitCode = await definition.run(options, { ...io, signal: end.signal });
        return unread ? exitCodes.done : exitCode;
      } catch (error) {
        return unread ? exitCodes.done : reportFailure(name, error, io);
      } finally {
        io.stdout.off("error", stopUnread);
        end.abort();
      }
    },
  };
}

function reportFailure(name: string, error: unknown, io: CliIo): ExitCode {
  if (io.signal.aborted) return exitCodes.interrupted;
  if (error instanceof CommandFault) {
    const hint = error.exitCode === exitCodes.usage ? ` (see pushmail ${name} --help)` : "";
    io.stderr.write(`pushmail ${name}: ${visibleLine(error.message)}${hint}\n`);
    return error.exitCode;
  }
  const { message = "", stack = "" } = error as { message?: string; stack?: string };
  io.stderr.write(`pushmail ${name}: internal error: ${visibleLine(message || String(error))}\n`);
  if (io.env["PUSHMAIL_DEBUG"]) io.stderr.write(`${stack}\n`);
  return exitCodes.internal;
}
