// The running process as the outside world of a command.
import type { CliIo } from "./command.ts";

/** Standard streams and environment of this process, with the signal that tells of its end. */
export function processIo(signal: AbortSignal): CliIo {
  const { stdout, stderr, stdin, env } = process;
  return { stdout, stderr, stdin, env, signal, stdoutIsTty: stdout.isTTY };
}
