// What ends a command: the first signal asks it to, the next one does it.
import { constants } from "node:os";

/** Aborted by the first SIGINT or SIGTERM; the next one ends the process at once, as if nobody had asked for it. */
export function stopSignal(interruptsAtOnce: number = countInterrupts()): AbortSignal {
  const asked = new AbortController();
  let left = 1;
  const ask = (signal: NodeJS.Signals): void => {
    if (signal === "SIGINT" && !asked.signal.aborted) left = interruptsAtOnce;
    left -= 1;
    if (left === 0) process.off("SIGINT", ask).off("SIGTERM", ask);
    // npm doubles an interrupt, and nothing else.
    if (asked.signal.aborted && signal !== "SIGINT") endBy(signal);
    asked.abort(signal);
  };
  process.on("SIGINT", ask).on("SIGTERM", ask);
  return asked.signal;
}

/** Does what may be cut short anywhere, and is not worth waiting for: to be asked to end is to end, as by that signal. */
export async function untilStopped<T>(stop: AbortSignal, work: () => Promise<T>): Promise<T> {
  const end = (): void => endBy(stop.reason as NodeJS.Signals);
  if (stop.aborted) end();
  stop.addEventListener("abort", end);
  try {
    return await work();
  } finally {
    stop.removeEventListener("abort", end);
  }
}

function endBy(signal: NodeJS.Signals): void {
  process.kill(process.pid, signal);
  // The first process of a container does not die of its own signal.
  process.exit(128 + constants.signals[signal]);
}

/** A terminal interrupts npm and us, and npm passes it on to us: two signals are one. */
function countInterrupts(): number {
  return process.env["npm_lifecycle_event"] !== undefined && process.stdin.isTTY ? 2 : 1;
}
