// The process's log: pino, on stderr, written before the call returns. No line of it holds a character that a terminal
// obeys: clients choose much of what it says.
import { destination, type DestinationStream, type Logger, pino } from "pino";
import type { Settings } from "./settings.ts";

/** Controls that JSON leaves as they are, line ends of Unicode, and what turns the direction of text. */
const OBEYED = /[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g;
/** What is kept of lines that cannot be written, on a full disk, until they can be. */
const UNWRITTEN_BYTES_MAX = 1024 * 1024;
/** Controls as JSON writes them, save for tabs and line feeds; a backslash that is meant is passed over. */
const ESCAPES = /\\\\|\\u[0-9a-f]{4}|\\[bfr]/g;

/** A log that looks as the settings ask; the library that colours it is read in only where it is wanted. */
export async function createLogger({ log, logLevel }: Pick<Settings, "log" | "logLevel">): Promise<Logger> {
  const options = { level: logLevel, base: null, formatters: { level: (level: string) => ({ level }) } };
  const lines = destination({ dest: 2, sync: true, maxLength: UNWRITTEN_BYTES_MAX });
  // Mail goes on without a log.
  lines.on("error", () => undefined);
  if (log === "json") return pino(options, through(escaped, lines));
  const { prettyFactory } = await import("pino-pretty");
  const pretty = prettyFactory({ colorize: process.stderr.isTTY });
  // It reads the escapes back: those that are to be seen are escaped twice.
  return pino(
    options,
    through((line) => pretty(shown(escaped(line))), lines),
  );
}

function through(change: (line: string) => string, stream: DestinationStream): DestinationStream {
  return { write: (line) => stream.write(change(line)) };
}

function escaped(line: string): string {
  return line.replace(OBEYED, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function shown(line: string): string {
  return line.replace(ESCAPES, (escape) => (escape === "\\\\" ? escape : `\\${escape}`));
}
