// Runs one client command from this package alone: node dist/main.js tail ...
import { clientCommands, exitCodes, processIo } from "./index.ts";

const [name = "", ...args] = process.argv.slice(2);
const command = clientCommands.find((candidate) => candidate.name === name);

if (command === undefined) {
  const lines = clientCommands.map((each) => `  ${each.name.padEnd(10)}${each.summary}`);
  process.stderr.write(`usage: main.js COMMAND [OPTIONS]\n${lines.join("\n")}\n`);
  process.exitCode = exitCodes.usage;
} else {
  const end = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.once(signal, () => end.abort());
  }
  process.exitCode = await command.run(args, processIo(end.signal));
}
