// Runs one client command from this package alone: node dist/main.js tail ...
import { clientCommands, exitCodes } from "./index.ts";

const [name = "", ...args] = process.argv.slice(2);
const command = clientCommands.find((candidate) => candidate.name === name);
const { stdin, stdout, stderr, env } = process;

if (command === undefined) {
  const lines = clientCommands.map((each) => `  ${each.name.padEnd(10)}${each.summary}`);
  stderr.write(`usage: main.js COMMAND [OPTIONS]\n${lines.join("\n")}\n`);
  process.exitCode = exitCodes.usage;
} else {
  const end = new AbortController();
  // Once: a second signal ends the process at once.
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => end.abort());
  const io = { stdin, stdout, stderr, env, signal: end.signal, stdoutIsTty: stdout.isTTY };
  process.exitCode = await command.run(args, io);
}
