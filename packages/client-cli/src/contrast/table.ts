// The figures of a contrast as a table for a terminal.
import type { Colors } from "../print.ts";
import type { ClientResult, ContrastResult } from "./result.ts";

/** The table, one string a line. */
export function renderTable(result: ContrastResult, colors: Colors): readonly string[] {
  const head = ["", "p50", "p99", "max", "known", "commands", "per hour", "wake-ups", "sent", "received"];
  const rows = [head, ...result.clients.map((client) => cells(client, result))];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row, index) => {
    const line = row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join("  ");
    if (index === 0) return colors.dim(line);
    return result.clients[index - 1]?.intervalSeconds === null ? colors.green(line) : line;
  });
}

/** How far a run has come, in one line. */
export function renderProgress(result: ContrastResult): string {
  const rate = `${result.ratePerSecond} mails a second on average`;
  return `${result.accepted} of ${result.mails} mails sent in ${result.seconds.toFixed(0)} s, ${rate}, seed ${result.seed}`;
}

/** Milliseconds as people read them. */
export function renderMs(value: number | null): string {
  if (value === null) return "-";
  if (value < 10) return `${value.toFixed(1)} ms`;
  return value < 1000 ? `${value.toFixed(0)} ms` : `${(value / 1000).toFixed(1)} s`;
}

function cells(client: ClientResult, { accepted }: ContrastResult): readonly string[] {
  return [
    client.name,
    renderMs(client.p50Ms),
    renderMs(client.p99Ms),
    renderMs(client.maxMs),
    `${client.known}/${accepted}`,
    String(client.commands),
    client.requestsPerHour.toFixed(0),
    String(client.wakeups),
    renderBytes(client.bytesSent),
    renderBytes(client.bytesReceived),
  ];
}

function renderBytes(bytes: number): string {
  return bytes < 10_000 ? `${bytes} B` : `${(bytes / 1000).toFixed(0)} kB`;
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
