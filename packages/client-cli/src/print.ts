// Writing to the user's streams: whole lines, no faster than they are taken, colours only for a terminal.
import { once } from "node:events";
import type { Writable } from "node:stream";
import picocolors from "picocolors";
import type { CliIo } from "./command.ts";
import { visibleLine } from "./visible.ts";

/** The colours of a terminal, or none. */
export type Colors = ReturnType<typeof picocolors.createColors>;

/** Colours for standard output: none off a terminal or under NO_COLOR. */
export function outputColors(io: CliIo): Colors {
  return picocolors.createColors(io.stdoutIsTty && !io.env["NO_COLOR"]);
}

/** Writes one line and waits while the stream is full. */
export async function printLine(stream: Writable, line: string): Promise<void> {
  if (!stream.write(`${line}\n`) && !stream.destroyed) await once(stream, "drain");
}

/** A line for the user beside the output: on standard error, made safe. */
export function noticeTo(io: CliIo, command: string): (text: string) => void {
  return (text) => {
    io.stderr.write(`pushmail ${command}: ${visibleLine(text)}\n`);
  };
}
