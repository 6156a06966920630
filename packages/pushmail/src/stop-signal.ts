/** Aborted by the first SIGINT or SIGTERM; the second one ends the process at once, as if nobody had asked for it. */
export function stopSignal(): AbortSignal {
  const asked = new AbortController();
  const ask = (signal: NodeJS.Signals): void => {
    process.off("SIGINT", ask).off("SIGTERM", ask);
    asked.abort(signal);
  };
  process.on("SIGINT", ask).on("SIGTERM", ask);
  return asked.signal;
}
