// The figures of a contrast as a picture: latency against requests per hour, both logarithmic, in one SVG file.
import type { ClientResult, ContrastResult } from "./result.ts";
import { renderMs } from "./table.ts";

const frame = { left: 86, top: 84, width: 620, height: 330 };
const size = { width: 760, height: 480 };
const leastLatencyMs = 0.1;

/** A logarithmic axis over whole decades. */
interface Axis {
  readonly first: number;
  readonly last: number;
}

/** A client with something to draw. */
type Point = ClientResult & { readonly p50Ms: number; readonly p99Ms: number };

/** The picture; colours follow the reader's light or dark scheme. */
export function renderPlot(result: ContrastResult): string {
  const points = result.clients.filter((client): client is Point => client.p50Ms !== null && client.p99Ms !== null);
  const across = axisOver(points.map((point) => Math.max(point.requestsPerHour, 1)));
  const up = axisOver(points.flatMap((point) => [atLeast(point.p50Ms), atLeast(point.p99Ms)]));
  const x = (value: number): number => frame.left + frame.width * along(across, Math.max(value, 1));
  const y = (value: number): number => frame.top + frame.height * (1 - along(up, atLeast(value)));
  const title = "How late a mail is known, and what the waiting costs";
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" role="img" aria-labelledby="title description">
<title id="title">${title}</title>
<desc id="description">${describe(points)}</desc>
<style>
  text { fill: #1f2328; font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; }
  text.soft { fill: #59636e; font-size: 12px; } text.head { font-size: 17px; font-weight: 600; } text.name { font-weight: 600; }
  .back { fill: #ffffff; } .grid { stroke: #d1d9e0; } .poll { fill: #8250df; stroke: #8250df; } .push { fill: #1a7f37; stroke: #1a7f37; }
  .reach { stroke-width: 2.5; stroke-linecap: round; opacity: 0.55; }
  @media (prefers-color-scheme: dark) {
    text { fill: #f0f6fc; } text.soft { fill: #9198a1; }
    .back { fill: #0d1117; } .grid { stroke: #3d444d; } .poll { fill: #ab7df8; stroke: #ab7df8; } .push { fill: #3fb950; stroke: #3fb950; }
  }
</style>
<rect class="back" width="${size.width}" height="${size.height}" rx="8"/>
<text class="head" x="${frame.left}" y="34">${title}</text>
<text class="soft" x="${frame.left}" y="56">${subtitle(result)}</text>
${ticks(across)
  .map((value) => verticalLine(x(value), groupThousands(value)))
  .join("\n")}
${ticks(up)
  .map((value) => horizontalLine(y(value), tickMs(value)))
  .join("\n")}
<text class="soft" x="${frame.left + frame.width / 2}" y="${size.height - 18}" text-anchor="middle">IMAP requests per hour, fetching the mails included</text>
<text class="soft" transform="translate(22 ${frame.top + frame.height / 2}) rotate(-90)" text-anchor="middle">from the SMTP reply to the client knowing</text>
${points.map((point) => mark(point, x(point.requestsPerHour), y)).join("\n")}
</svg>
`;
}

function mark(point: Point, x: number, y: (value: number) => number): string {
  const kind = point.intervalSeconds === null ? "push" : "poll";
  const [middle, end] = [y(point.p50Ms), y(point.p99Ms)];
  const onRight = x < frame.left + frame.width - 130;
  const textX = onRight ? x + 13 : x - 13;
  const anchor = onRight ? "start" : "end";
  const name = point.intervalSeconds === null ? "push (IDLE)" : `poll ${point.intervalSeconds} s`;
  return `<g><line class="reach ${kind}" x1="${round(x)}" y1="${round(middle)}" x2="${round(x)}" y2="${round(end)}"/>
<line class="reach ${kind}" x1="${round(x - 5)}" y1="${round(end)}" x2="${round(x + 5)}" y2="${round(end)}"/>
<circle class="${kind}" cx="${round(x)}" cy="${round(middle)}" r="${kind === "push" ? 8 : 6}"/>
<text class="name" x="${round(textX)}" y="${round(middle - 1)}" text-anchor="${anchor}">${name}</text>
<text class="soft" x="${round(textX)}" y="${round(middle + 14)}" text-anchor="${anchor}">${renderMs(point.p50Ms)}, p99 ${renderMs(point.p99Ms)}</text></g>`;
}

function subtitle(result: ContrastResult): string {
  const minutes = result.seconds / 60;
  const time = minutes < 2 ? `${result.seconds.toFixed(0)} s` : `${minutes.toFixed(0)} minutes`;
  return `${result.accepted} mails at random times in ${time} to one inbox; dot: p50, bar: up to p99`;
}

function describe(points: readonly Point[]): string {
  return points
    .map(({ name, p50Ms, p99Ms, requestsPerHour }) => {
      const latency = `p50 ${renderMs(p50Ms)}, p99 ${renderMs(p99Ms)}`;
      return `${name}: ${latency}, ${requestsPerHour.toFixed(0)} requests per hour.`;
    })
    .join(" ");
}

function verticalLine(x: number, label: string): string {
  const bottom = frame.top + frame.height;
  return `<line class="grid" x1="${round(x)}" y1="${frame.top}" x2="${round(x)}" y2="${bottom}"/><text class="soft" x="${round(x)}" y="${bottom + 20}" text-anchor="middle">${label}</text>`;
}

function horizontalLine(y: number, label: string): string {
  return `<line class="grid" x1="${frame.left}" y1="${round(y)}" x2="${frame.left + frame.width}" y2="${round(y)}"/><text class="soft" x="${frame.left - 10}" y="${round(y + 4)}" text-anchor="end">${label}</text>`;
}

/** The decades around the values, at least one. */
function axisOver(values: readonly number[]): Axis {
  const first = Math.floor(Math.log10(Math.min(...values, 1e9)));
  const last = Math.ceil(Math.log10(Math.max(...values, 1e-9)));
  return values.length === 0 ? { first: 0, last: 1 } : { first, last: Math.max(last, first + 1) };
}

function along(axis: Axis, value: number): number {
  return (Math.log10(value) - axis.first) / (axis.last - axis.first);
}

function ticks(axis: Axis): readonly number[] {
  return Array.from({ length: axis.last - axis.first + 1 }, (_, index) => 10 ** (axis.first + index));
}

function tickMs(value: number): string {
  return value < 1000 ? `${Number(value.toPrecision(1))} ms` : `${value / 1000} s`;
}

function groupThousands(value: number): string {
  return value.toFixed(0).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

function atLeast(latencyMs: number): number {
  return Math.max(latencyMs, leastLatencyMs);
}

function round(value: number): string {
  return value.toFixed(1);
}
