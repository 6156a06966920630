// The subcommands of `pushmail`: `serve` and maintenance from here, the others from client-cli. What a command needs is read in only
// where it runs.
import { readFileSync } from "node:fs";
import type { CliCommand } from "@pushmail/client-cli";
import { descriptorsMax } from "./descriptors.ts";
import { stopSignal } from "./stop-signal.ts";

/** Node's loader has a hundred files open at a time, and some more. */
const LOADER_DESCRIPTORS_MAX = 200;

/** Runs one command line; the result is the exit code. */
export async function run(args: readonly string[]): Promise<number> {
  const { stdin, stdout, stderr, env } = process;
  const [name = "help", ...rest] = args;
  if (["version", "--version", "-v"].includes(name)) {
    stdout.write(`${version()}\n`);
    return 0;
  }
  if (["help", "--help", "-h"].includes(name)) {
    stdout.write(await help(rest[0]));
    return 0;
  }
  // A certificate that is renewed before it was read needs nothing; whoever renews it does not look.
  if (name === "serve") process.on("SIGHUP", () => undefined);
  let command: CliCommand | undefined;
  // Read before there may be none left to read it with.
  const descriptors = descriptorsMax();
  try {
    command = await commandNamed(name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // Of a file that it cannot open Node's loader may say that it is not there.
    const isWanting = code === "EMFILE" || (code === "ERR_MODULE_NOT_FOUND" && descriptors < LOADER_DESCRIPTORS_MAX);
    if (!isWanting) throw error;
    stderr.write("pushmail: too few file descriptors to begin with (see ulimit -n)\n");
    return 2;
  }
  if (command === undefined) {
    stderr.write(`pushmail: there is no command "${name}" (see pushmail help)\n`);
    return 2;
  }
  return command.run(rest, { stdin, stdout, stderr, env, signal: stopSignal(), stdoutIsTty: stdout.isTTY });
}

/** The commands of this package, each read in where it is asked for. */
const ownCommands: Readonly<Record<string, () => Promise<CliCommand>>> = {
  serve: async () => (await import("./serve.ts")).serve,
  "app-password": async () => (await import("./app-password.ts")).appPassword,
  check: async () => (await import("./check.ts")).check,
  repair: async () => (await import("./repair.ts")).repair,
  backup: async () => (await import("./backup.ts")).backup,
  restore: async () => (await import("./restore.ts")).restore,
};

async function commandNamed(name: string): Promise<CliCommand | undefined> {
  const own = Object.hasOwn(ownCommands, name) ? ownCommands[name] : undefined;
  if (own !== undefined) return own();
  const { clientCommands } = await import("@pushmail/client-cli");
  return clientCommands.find((command) => command.name === name);
}

async function help(topic: string | undefined): Promise<string> {
  if (topic === "settings") return (await import("./usage.ts")).settingsReference();
  const command = topic === undefined ? undefined : await commandNamed(topic);
  if (command !== undefined) return command.usage;
  const { clientCommands } = await import("@pushmail/client-cli");
  const own = await Promise.all(Object.values(ownCommands).map((load) => load()));
  const rows = [...own, ...clientCommands].map(({ name, summary }) => `  ${name.padEnd(14)}${summary}`);
  return `pushmail ${version()}: mail in by SMTP, pushed out by IMAP IDLE

${rows.join("\n")}
  help          this list; with a command's name its usage, with "settings" the table of all settings
  --version     the version
`;
}

function version(): string {
  const file = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(file) as { version: string }).version;
}
