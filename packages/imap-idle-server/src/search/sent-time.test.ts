import { expect, it } from "@jest/globals";
import { sentTimeMs } from "./sent-time.ts";

it.each([
  ["Mon, 23 Nov 2026 10:00:00 +0100", "2026-11-23T09:00:00Z"],
  ["23 Nov 2026 10:00 -0830 (comment)", "2026-11-23T18:30:00Z"],
  ["Sun, 29 Feb 2032 23:59:59 -0330", "2032-03-01T03:29:59Z"],
  ["Sat, 3 Jan 0099 00:00:00 +0000", "0099-01-03T00:00:00Z"],
  ["Mon, 23 Nov 2026 10:00:05 GMT", "2026-11-23T10:00:05Z"],
  ["Mon, 23 Nov 2026 10:00:05 EST", "2026-11-23T15:00:05Z"],
  ["Mon, 23 Nov 2026 10:00:05 (PDT)", "2026-11-23T17:00:05Z"],
  ["23 Nov 26 1:02:03", "2026-11-23T01:02:03Z"],
  // RFC 5256 2.2: a time that is none is midnight, a zone that is none is UTC.
  ["Mon, 23 Nov 2026 25:00:00 +0100", "2026-11-23T00:00:00Z"],
  ["Mon, 23 Nov 2026 10:61:00 +0100", "2026-11-23T00:00:00Z"],
  ["Mon, 23 Nov 2026", "2026-11-23T00:00:00Z"],
  ["Mon, 23 Nov 2026 10:00:00 +9900", "2026-11-23T10:00:00Z"],
  ["Mon, 23 Nov 2026 10:00:00 Q", "2026-11-23T10:00:00Z"],
])("%s is %s", (date, iso) => {
  expect(sentTimeMs(date)).toBe(Date.parse(iso));
});

it("is right for every month, in all years and zones that are read by the engine", () => {
  for (const year of [1000, 1969, 1970, 2000, 2049, 2050, 2099, 9999]) {
    for (let month = 0; month < 12; month++) {
      const time = new Date(Date.UTC(year, month, 1 + 2 * month, 23 - month, 5 * month, 4 * month));
      const written = time.toUTCString().replace("GMT", "");
      for (const [zone, east] of [
        ["+0000", 0],
        ["-0330", -210],
        ["+1400", 840],
        ["+2359 (CEST)", 1439],
      ] as const) {
        expect([written + zone, sentTimeMs(written + zone)]).toEqual([written + zone, time.getTime() - east * 60_000]);
      }
    }
  }
});

it.each(["", "tomorrow", "31 Feb 2026 10:00:00 +0000", "10:00:00 +0000"])("%j names no day", (date) => {
  expect(sentTimeMs(date)).toBeUndefined();
});
