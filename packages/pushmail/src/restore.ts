// `pushmail restore`: puts a backup in place, and proves it by a check.
import { findingLine, restoreStore, type Finding } from "@pushmail/mailstore/maintenance";
import type { CliCommand } from "@pushmail/client-cli";
import { summaryLine } from "./check.ts";
import { maintenanceCommand } from "./maintenance-command.ts";

export const restore: CliCommand = maintenanceCommand({
  name: "restore",
  summary: "put a backup in place, and check it",
  details: `DIR must be empty, or not there. The backup stays as it is. What came into the store behind it is unknown: each mailbox
gets a new UIDVALIDITY, by which mail clients know that they have to read it anew.`,
  flags: ["moved"],
  positionals: ["BACKUP"],
  async run({ data, moved, positionals: [target = ""] }, { stdout }) {
    const onFinding = (finding: Finding): void => void stdout.write(`${findingLine(finding)}\n`);
    const summary = await restoreStore(target, data, onFinding, { isMoved: moved });
    stdout.write(`${summaryLine(summary)}\n`);
    return summary.findings === 0 ? 0 : 1;
  },
});
