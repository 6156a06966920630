// The day that a Date header names, whatever its time and zone (RFC 9051 6.4.4 SENTON).

const DAY =
  /(?:^|[\s,)])(\d{1,2})[\s-]+(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?[\s-]+(\d{2,4})(?!\d)/i;
const MONTHS = "janfebmaraprmayjunjulaugsepoctnovdec";

/** The beginning of the day in UTC, in milliseconds since 1970; undefined where the header names none. */
export function sentDayMs(date: string): number | undefined {
  // RFC 5322 4.3: comments may stand between all of it.
  const [, day, month, digits] = DAY.exec(date) ?? DAY.exec(date.replaceAll(/\([^()]*\)/g, " ")) ?? [];
  if (day === undefined || month === undefined || digits === undefined) return undefined;
  const written = new Date(0);
  written.setUTCFullYear(fullYear(digits), MONTHS.indexOf(month.toLowerCase()) / 3, Number(day));
  return written.getUTCDate() === Number(day) ? written.getTime() : undefined;
}

/** RFC 5322 4.3: years of two and three digits. */
function fullYear(digits: string): number {
  const year = Number(digits);
  if (digits.length === 4) return year;
  return digits.length === 2 && year < 50 ? year + 2000 : year + 1900;
}
