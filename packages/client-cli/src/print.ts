// Writing to the user's streams: whole lines, no faster than they are taken, colours only for a terminal.
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

/** Writes one line; resolves when the stream has taken it, rejects where it does not. */
export function printLine(stream: Writable, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(`${line}\n`, (error) => (error ? reject(error) : resolve()));
  });
}

/** A line for the user beside the output: on standard error, made safe. */
export function noticeTo(io: CliIo, command: string): (text: string) => void {
  return (text) => {
    io.stderr.write(`pushmail ${command}: ${visibleLine(text)}\n`);
  };
}
