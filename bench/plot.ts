// A result as a picture: a line for each metric, a dot for each server at its median, a bar from least to most.
import { renderNumber } from "./print-result.ts";
import { type Metric, peersOf, type Result, summaryOf } from "./result.ts";
import type { PeerName } from "./peer.ts";

const WIDTH = 860;
const LEFT = 330;
const RIGHT = 24;
const TOP = 92;
const ROW = 26;
const BOTTOM = 52;
const TITLE = 24;

/** All metrics of one unit; the axis is logarithmic, and what is not above 0 is left out. */
export function renderPlot(result: Result, metrics: readonly Metric[]): string {
  const names = peersOf(result);
  const points = metrics.flatMap(({ metric }, row) => names.flatMap((name) => pointOf(result, name, { metric, row })));
  const values = points.flatMap(({ least, most }) => [least, most]);
  const first = Math.floor(Math.log10(Math.min(...values)));
  const last = Math.max(first + 1, Math.ceil(Math.log10(Math.max(...values))));
  const x = (value: number): string =>
    (LEFT + ((Math.log10(value) - first) / (last - first)) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const height = TOP + metrics.length * ROW + BOTTOM;
  const ticks = Array.from({ length: last - first + 1 }, (_, index) => 10 ** (first + index));
  const description = points.map(
    (point) => `${metrics[point.row]?.metric}, ${point.name}: ${renderNumber(point.median)}`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">${escapeXml(result.scenario)}</title>
<desc id="description">${escapeXml(description.join("; "))}</desc>
<style>
  text { fill: #1f2328; font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; }
  text.soft { fill: #59636e; font-size: 12px; } text.head { font-size: 17px; font-weight: 600; }
  .back { fill: #ffffff; } .grid { stroke: #d1d9e0; } .reach { stroke-width: 3; stroke-linecap: round; opacity: 0.5; }
  .pushmail { fill: #1a7f37; stroke: #1a7f37; } .dovecot { fill: #8250df; stroke: #8250df; }
  .cyrus { fill: #0969da; stroke: #0969da; } .bare { fill: #9a6700; stroke: #9a6700; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } text.soft { fill: #9198a1; } .back { fill: #0d1117; } .grid { stroke: #3d444d; }
    .pushmail { fill: #3fb950; stroke: #3fb950; } .dovecot { fill: #ab7df8; stroke: #ab7df8; }
    .cyrus { fill: #4493f8; stroke: #4493f8; } .bare { fill: #d29922; stroke: #d29922; }
  }
</style>
<rect class="back" width="${WIDTH}" height="${height}" rx="8"/>
<text class="head" x="24" y="${TITLE + 10}">${escapeXml(result.scenario)}</text>
${names.map((name, index) => legend(name, 24 + index * 110)).join("\n")}
${ticks.map((tick) => tickLine(x(tick), renderNumber(tick), height - BOTTOM)).join("\n")}
<text class="soft" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${height - 12}" text-anchor="middle">${axisName(metrics[0])}</text>
${metrics.map(({ metric }, row) => rowLine(escapeXml(metric), middleOf(row))).join("\n")}
${points.map((point) => mark(point, x)).join("\n")}
</svg>
`;
}

interface Point {
  readonly name: PeerName;
  readonly row: number;
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

function pointOf(result: Result, name: PeerName, { metric, row }: { metric: string; row: number }): Point[] {
  const { median = null, least = null, most = null } = summaryOf(result, name, metric) ?? {};
  if (median === null || least === null || most === null || least <= 0) return [];
  return [{ name, row, median, least, most }];
}

function mark({ name, row, median, least, most }: Point, x: (value: number) => string): string {
  const y = middleOf(row);
  const reach = `<line class="reach ${name}" x1="${x(least)}" y1="${y}" x2="${x(most)}" y2="${y}"/>`;
  return `${reach}<circle class="${name}" cx="${x(median)}" cy="${y}" r="5"/>`;
}

function legend(name: PeerName, x: number): string {
  return `<circle class="${name}" cx="${x + 5}" cy="${TITLE + 32}" r="5"/><text x="${x + 16}" y="${TITLE + 36}">${name}</text>`;
}

function rowLine(label: string, y: number): string {
  const line = `<line class="grid" x1="${LEFT}" y1="${y}" x2="${WIDTH - RIGHT}" y2="${y}"/>`;
  return `<text class="soft" x="${LEFT - 12}" y="${y + 4}" text-anchor="end">${label}</text>${line}`;
}

function tickLine(x: string, label: string, bottom: number): string {
  const line = `<line class="grid" x1="${x}" y1="${TOP - 12}" x2="${x}" y2="${bottom}"/>`;
  return `${line}<text class="soft" x="${x}" y="${bottom + 18}" text-anchor="middle">${label}</text>`;
}

function middleOf(row: number): number {
  return TOP + row * ROW + ROW / 2;
}

function axisName(metric: Metric | undefined): string {
  const side = metric?.better === "more" ? "right" : "left";
  return `${metric?.unit}; further to the ${side} is better; dot: median, bar: least to most`;
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
