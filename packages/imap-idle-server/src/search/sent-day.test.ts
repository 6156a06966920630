import { describe, expect, it } from "@jest/globals";
import { sentDayMs } from "./sent-day.ts";

function sentDay(date: string): string | undefined {
  const dayMs = sentDayMs(date);
  return dayMs === undefined ? undefined : new Date(dayMs).toISOString().replace("T00:00:00.000Z", "");
}

describe("sentDayMs", () => {
  it.each([
    ["Mon, 23 Nov 2026 10:00:00 +0100", "2026-11-23"],
    ["23 Nov 2026 23:59:59 -1200", "2026-11-23"],
    ["1 Jan 2026 00:00 GMT", "2026-01-01"],
    ["Thu,01 jan 1970 00:00:00 +0000", "1970-01-01"],
    ["Tue, 29 February 2028 12:00:00 +0000", "2028-02-29"],
    ["Wed (a comment, 3 words) , 5 \t May \t 1999 01:02:03 +0000", "1999-05-05"],
    ["Sun, 1 (first) Jan(uary) (c) 2023 10:00:00 +0000", "2023-01-01"],
    ["Fri, 3 Oct 31 10:00:00 +0000", "2031-10-03"],
    ["Fri, 3 Oct 69 10:00:00 +0000", "1969-10-03"],
    ["Fri, 3 Oct 104 10:00:00 +0000", "2004-10-03"],
    ["Fri, 03-Oct-2025 10:00:00", "2025-10-03"],
  ])("reads %s", (date, day) => {
    expect(sentDay(date)).toBe(day);
  });

  it.each([
    "",
    "yesterday",
    "31 Feb 2026",
    "0 Jan 2026",
    "32 Jan 2026",
    "1 Foo 2026",
    "1 Jan 20266",
    "1 Jan",
    "2026-11-23",
  ])("finds no day in %j", (date) => {
    expect(sentDay(date)).toBeUndefined();
  });

  it("takes linear time for whatever stands there", () => {
    for (const hostile of [
      "1 ".repeat(30_000),
      " ".repeat(60_000),
      "1 Jan ".repeat(10_000),
      "1".repeat(60_000),
      "(x".repeat(30_000),
    ]) {
      expect(sentDay(hostile)).toBeUndefined();
    }
  });
});
