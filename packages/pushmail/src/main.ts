// The `pushmail` program. Nothing here waits for an end by force: it comes when nothing is left to do.
import { run } from "./run.ts";

process.exitCode = await run(process.argv.slice(2));
