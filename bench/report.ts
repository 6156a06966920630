// Puts what bench/results holds into docs/performance.md, between its markers, and draws its pictures.
// Usage: npm run bench:report
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { insertParts, renderReport } from "./render-report.ts";
import { readResults } from "./result.ts";

const DOCUMENT = "docs/performance.md";
const PLOTS = "docs/performance";

const { parts, plots } = renderReport(readResults("bench/results"));
writeFileSync(DOCUMENT, insertParts(readFileSync(DOCUMENT, "utf8"), parts));
mkdirSync(PLOTS, { recursive: true });
for (const [name, plot] of plots) writeFileSync(join(PLOTS, name), plot);
console.log(`${DOCUMENT}: ${[...parts.keys()].join(", ")}`);
