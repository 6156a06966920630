// `pushmail check`: verifies a data directory while no server has it open.
import { checkStore, findingLine, type CheckSummary } from "@pushmail/mailstore/maintenance";
import type { CliCommand } from "@pushmail/client-cli";
import { maintenanceCommand } from "./maintenance-command.ts";

export const check: CliCommand = maintenanceCommand({
  name: "check",
  summary: "verify a data directory",
  details: `Reads every byte of the log, of the bodies and of the index, and holds them against each other. It takes in what a
crash left, as a start does, and changes nothing else. One line a finding, with file and offset, then a summary.`,
  flags: ["json"],
  async run({ data, json }, { stdout, stderr }) {
    const isWatched = (stderr as { isTTY?: boolean }).isTTY === true;
    const summary = await checkStore({
      directory: data,
      onFinding: (finding) => stdout.write(`${json ? JSON.stringify(finding) : findingLine(finding)}\n`),
      ...(isWatched ? { onProgress: (what: string) => void stderr.write(`\r\x1b[Kreading ${what}`) } : {}),
    });
    if (isWatched) stderr.write("\r\x1b[K");
    stdout.write(`${json ? JSON.stringify({ summary }) : summaryLine(summary)}\n`);
    return summary.findings === 0 ? 0 : 1;
  },
});

/** What a check has read, as one line. */
export function summaryLine(summary: CheckSummary): string {
  const { findings, accounts, mailboxes, messages, lost, segments, bodies, orphans, orphanBytes } = summary;
  const mail =
    accounts === undefined
      ? "the store cannot be opened, messages were not verified"
      : `${accounts} accounts, ${mailboxes} mailboxes, ${messages} messages${lost ? `, ${lost} of them known to be lost` : ""}`;
  const files = `${segments} segments, ${bodies} bodies, ${orphans} of them (${orphanBytes} bytes) of no message`;
  return `${findings === 0 ? "clean" : `${findings} findings`}: ${mail}; ${files}`;
}
