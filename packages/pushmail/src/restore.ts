// `pushmail restore`: puts a backup in place, and proves it by a check.
import { findingLine, restoreStore } from "@pushmail/mailstore/maintenance";
import type { CliCommand } from "@pushmail/client-cli";
import { summaryLine } from "./check.ts";
import { maintenanceCommand } from "./maintenance-command.ts";

export const restore: CliCommand = maintenanceCommand({
  name: "restore",
  summary: "put a backup in place, and check it",
  details: `DIR must be empty, or not there. The backup stays as it is.`,
  flags: [],
  positionals: ["BACKUP"],
  async run({ data, positionals: [target = ""] }, { stdout }) {
    const summary = await restoreStore(target, data, (finding) => stdout.write(`${findingLine(finding)}\n`));
    stdout.write(`${summaryLine(summary)}\n`);
    return summary.findings === 0 ? 0 : 1;
  },
});
