// A result as a table on the terminal.
import { peersOf, ratioOf, type Result, type Summary, summaryOf } from "./result.ts";

export function printResult(result: Result): void {
  const names = peersOf(result);
  const rows: Record<string, Record<string, string>> = {};
  for (const { metric, unit, better } of result.metrics) {
    const own = summaryOf(result, "pushmail", metric);
    const row: Record<string, string> = {};
    for (const name of names) {
      const summary = summaryOf(result, name, metric);
      if (summary === undefined) continue;
      const ratio = name === "pushmail" ? null : ratioOf(own, summary, better);
      row[name] = `${renderSummary(summary)}${ratio === null ? "" : `  x${renderNumber(ratio)}`}`;
    }
    rows[`${metric} [${unit}]`] = row;
  }
  console.table(rows);
  for (const { peer, repeat, failed } of result.runs) {
    if (failed !== undefined) console.log(`FAILED: ${peer}, repeat ${repeat}: ${failed}`);
  }
}

/** The median, and least to most where they differ. */
export function renderSummary({ median, least, most }: Summary): string {
  if (median === null || least === null || most === null) return "not announced";
  return least === most
    ? renderNumber(median)
    : `${renderNumber(median)} [${renderNumber(least)}-${renderNumber(most)}]`;
}

/** Three digits, thousands whole. */
export function renderNumber(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US");
  return String(Number(value.toPrecision(3)));
}
