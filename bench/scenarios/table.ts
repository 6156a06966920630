// The scenarios, in the order in which they run and stand in the report.
import type { Scenario } from "../scenario.ts";
import { busy } from "./busy.ts";
import { fanmany } from "./fanmany.ts";
import { fanout } from "./fanout.ts";
import { growth } from "./growth.ts";
import { idle } from "./idle.ts";
import { ingest } from "./ingest.ts";
import { latency } from "./latency.ts";
import { liststatus } from "./liststatus.ts";
import { load } from "./load.ts";
import { login } from "./login.ts";
import { read } from "./read.ts";
import { search } from "./search.ts";
import { sends } from "./sends.ts";
import { start } from "./start.ts";

export const scenarios: readonly Scenario[] = [
  latency,
  sends,
  fanout,
  fanmany,
  ingest,
  login,
  idle,
  read,
  search,
  liststatus,
  growth,
  start,
  busy,
  load,
];
