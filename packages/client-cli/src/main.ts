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
  const ask = (): void => {
    // A second signal, whichever it is, ends the process at once.
    process.off("SIGINT", ask).off("SIGTERM", ask);
    end.abort();
  };
  process.on("SIGINT", ask).on("SIGTERM", ask);
  const io = { stdin, stdout, stderr, env, signal: end.signal, stdoutIsTty: stdout.isTTY };
  process.exitCode = await command.run(args, io);
}
