// The scenarios, in the order in which they run and stand in the report.
import type { Scenario } from "../scenario.ts";

export const scenarios: readonly Scenario[] = [];
