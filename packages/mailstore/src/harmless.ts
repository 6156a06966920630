// A log that never throws: what it tells of is done, and has its answer whether or not that can be written down.

const LEVELS = ["trace", "debug", "info", "warn", "error"] as const;

type Said = readonly [fields: object, message: string];

/** The same log, which has some of these methods, and no others that are used. */
export function harmless<Log extends object>(log: Log): Log {
  const methods = log as { readonly [level in (typeof LEVELS)[number]]?: (...said: Said) => void };
  const quiet = LEVELS.filter((level) => methods[level] !== undefined).map((level) => [
    level,
    (...said: Said): void => {
      try {
        methods[level]?.(...said);
      } catch {
        // There is nowhere else to say it.
      }
    },
  ]);
  return Object.fromEntries(quiet) as Log;
}
