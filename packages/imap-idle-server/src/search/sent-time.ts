// The instant that a Date header names (RFC 5322 3.3), as SORT and THREAD order by it (RFC 5256 2.2).
import { sentDayMs } from "./sent-day.ts";

const TIME = /(?:^|[\sT])(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s*([+-])(\d{2})(\d{2})(?!\d)|\s*\(?([a-z]{1,4})\b)?/i;
/** RFC 5322 4.3: zones by name, in hours east of UTC; of all others nobody knows. */
const ZONES: ReadonlyMap<string, number> = new Map([
  ["EDT", -4],
  ["EST", -5],
  ["CDT", -5],
  ["CST", -6],
  ["MDT", -6],
  ["MST", -7],
  ["PDT", -7],
  ["PST", -8],
]);
const MINUTE_MS = 60_000;

/** As nearly all write it, on a day that every month has: so far the engine reads dates as RFC 5322 has them. */
const USUAL =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?:0?[1-9]|1\d|2[0-8]) (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [1-9]\d{3} (?:[01]\d|2[0-3])(?::[0-5]\d){2} [+-](?:[01]\d|2[0-3])[0-5]\d(?: \([A-Z]{1,4}\))?$/;

/** In milliseconds since 1970; undefined where the header names no day. */
export function sentTimeMs(date: string): number | undefined {
  // 10,000 in a process that has just begun: 5 ms, where it took 10 with each number taken from the match.
  return USUAL.test(date) ? Date.parse(date) : anyTimeMs(date);
}

function anyTimeMs(date: string): number | undefined {
  const dayMs = sentDayMs(date);
  if (dayMs === undefined) return undefined;
  const [, hours = "", minutes = "", seconds = "0", sign, zoneHours, zoneMinutes, zone = ""] = TIME.exec(date) ?? [];
  // RFC 5256 2.2: a time that is none is midnight, and a zone that is none is UTC.
  if (hours === "" || Number(hours) > 23 || Number(minutes) > 59 || Number(seconds) > 60) return dayMs;
  const east = sign === undefined ? (ZONES.get(zone.toUpperCase()) ?? 0) * 60 : offsetOf(sign, zoneHours, zoneMinutes);
  return dayMs + (Number(hours) * 60 + Number(minutes) - east) * MINUTE_MS + Number(seconds) * 1000;
}

function offsetOf(sign: string, hours = "0", minutes = "0"): number {
  const east = Number(hours) * 60 + Number(minutes);
  if (Number(hours) > 23 || Number(minutes) > 59) return 0;
  return sign === "-" ? -east : east;
}
