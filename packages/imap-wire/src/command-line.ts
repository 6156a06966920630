// What every command begins with: its tag and its name.
import type { Frame } from "./frame.ts";
import type { WireLimits } from "./limits.ts";
import { Scanner } from "./scanner.ts";

export interface CommandLine {
  readonly tag: string;
  /** Upper case; a command of UIDs with its prefix, as in `UID FETCH`. */
  readonly name: string;
  /** Stands behind the name: at a space before the arguments, or at the end. */
  readonly scan: Scanner;
}

/** Reads the beginning of a command. After a fault `tagOf` still tells which command to answer. */
export function readCommandLine(frame: Frame, limits?: WireLimits): CommandLine {
  const scan = new Scanner(frame, limits);
  const tag = scan.tag();
  scan.space();
  const name = scan.word();
  if (name !== "UID") return { tag, name, scan };
  scan.space();
  return { tag, name: `UID ${scan.word()}`, scan };
}
