// The process's log: pino, on stderr, written before the call returns.
import { destination, type Logger, pino } from "pino";
import type { Settings } from "./settings.ts";

/** A log that looks as the settings ask; the library that colours it is read in only where it is wanted. */
export async function createLogger({ log, logLevel }: Pick<Settings, "log" | "logLevel">): Promise<Logger> {
  const options = { level: logLevel, base: null, formatters: { level: (level: string) => ({ level }) } };
  if (log === "json") return pino(options, destination({ dest: 2, sync: true }));
  const { default: pretty } = await import("pino-pretty");
  return pino(options, pretty({ destination: 2, sync: true, colorize: process.stderr.isTTY }));
}
