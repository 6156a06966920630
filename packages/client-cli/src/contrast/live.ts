// The figures while they come: redrawn in place on a terminal, else a line on standard error every so often.
import type { CliIo } from "../command.ts";
import { noticeTo, outputColors } from "../print.ts";
import type { ContrastResult } from "./result.ts";
import { renderProgress, renderTable } from "./table.ts";

const redrawMs = 250;
const lineMs = 5_000;

/** Shows snapshots until the returned function is called, which leaves the terminal clean. */
export function showLive(io: CliIo, redraw: boolean, snapshot: () => ContrastResult): () => void {
  if (!redraw) {
    const notice = noticeTo(io, "contrast");
    const timer = setInterval(() => notice(renderProgress(snapshot())), lineMs);
    return () => clearInterval(timer);
  }
  const colors = outputColors(io);
  let lines = 0;
  // Up to the first line drawn, and clear from there to the end of the screen.
  const erase = (): string => (lines === 0 ? "" : `\u001b[${lines}F\u001b[J`);
  const draw = (): void => {
    const result = snapshot();
    const next = [colors.dim(renderProgress(result)), ...renderTable(result, colors)];
    // Without wrapping, for a wrapped line would be two to erase.
    io.stdout.write(`${erase()}\u001b[?7l${next.join("\n")}\u001b[?7h\n`);
    lines = next.length;
  };
  draw();
  const timer = setInterval(draw, redrawMs);
  return () => {
    clearInterval(timer);
    io.stdout.write(erase());
  };
}
