// Dates of the grammar: `date-time` of APPEND and INTERNALDATE, `date` of SEARCH (RFC 9051 9).
import type { Scanner } from "./scanner.ts";

export interface DateTime {
  /** Milliseconds since 1970; always whole seconds. */
  readonly ms: number;
  /** The zone that it was written in, in minutes east of UTC. */
  readonly zoneMinutes: number;
}

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const YEAR_0_MS = Date.UTC(-1, 12);
const YEAR_10000_MS = Date.UTC(10_000, 0);
const DATE_TIME = /^( \d|\d{1,2})-([a-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/i;
const DATE = /^(\d{1,2})-([a-z]{3})-(\d{4})$/i;

export function parseDateTime(scan: Scanner): DateTime {
  const start = scan.position;
  const [, day, month, year, hours, minutes, seconds, sign, zoneHours, zone] = DATE_TIME.exec(scan.string()) ?? [];
  const dayMs = utcDay(year, month, day);
  const zoneMinutes = (sign === "-" ? -1 : 1) * (Number(zoneHours) * 60 + Number(zone));
  // A leap second may be written, and counts as the first of the next minute.
  const inRange = Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) <= 60 && Number(zone) < 60;
  if (dayMs === undefined || !inRange || Number(zoneHours) > 23) throw scan.fault("Bad date and time", start);
  const ms = dayMs + ((Number(hours) * 60 + Number(minutes) - zoneMinutes) * 60 + Number(seconds)) * 1000;
  // In another zone its year might have more than four digits, or be before the first.
  if (ms < YEAR_0_MS || ms >= YEAR_10000_MS) throw scan.fault("Bad date and time", start);
  return { ms, zoneMinutes: zoneMinutes === 0 ? 0 : zoneMinutes };
}

/** Prints an instant as it is written in a zone, to the second. */
export function printDateTime(ms: number, zoneMinutes = 0): string {
  const local = new Date(Math.floor(ms / 1000) * 1000 + zoneMinutes * 60_000);
  const time = local.toISOString().slice(-13, -5);
  const zone = Math.abs(zoneMinutes);
  const zoneText = `${zoneMinutes < 0 ? "-" : "+"}${twoDigits(Math.floor(zone / 60))}${twoDigits(zone % 60)}`;
  return `"${printDate(local.getTime()).padStart(11)} ${time} ${zoneText}"`;
}

/** A day of SEARCH, as the milliseconds from 1970 to its beginning in UTC. */
export function parseDate(scan: Scanner): number {
  const start = scan.position;
  const [, day, month, year] = DATE.exec(scan.astring()) ?? [];
  const dayMs = utcDay(year, month, day);
  if (dayMs === undefined) throw scan.fault("Bad date", start);
  return dayMs;
}

export function printDate(dayMs: number): string {
  const date = new Date(dayMs);
  const year = String(date.getUTCFullYear()).padStart(4, "0");
  return `${date.getUTCDate()}-${MONTHS[date.getUTCMonth()]}-${year}`;
}

/** The beginning of a day that exists in the calendar. */
function utcDay(year = "", month = "", day = ""): number | undefined {
  const monthIndex = MONTHS.findIndex((name) => name.toUpperCase() === month.toUpperCase());
  const date = new Date(0);
  date.setUTCFullYear(Number(year), monthIndex, Number(day));
  return monthIndex >= 0 && date.getUTCDate() === Number(day) ? date.getTime() : undefined;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
