// The `pushmail` program. Nothing here waits for an end by force: it comes when nothing is left to do.
import { run } from "./run.ts";

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // Whoever reads may have read enough.
  if (error.code === "EPIPE") return;
  process.exitCode = 1;
  process.stderr.write(`pushmail: cannot write the output: ${error.message}\n`);
});
// There is nobody left to tell.
process.stderr.on("error", () => undefined);

const code = await run(process.argv.slice(2));
process.exitCode ??= code;
