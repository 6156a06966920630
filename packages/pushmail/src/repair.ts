// `pushmail repair`: mends a data directory while no server has it open, and names what is lost.
import { findingLine, repairStore } from "@pushmail/mailstore/maintenance";
import type { CliCommand } from "@pushmail/client-cli";
import { summaryLine } from "./check.ts";
import { maintenanceCommand } from "./maintenance-command.ts";
import { dropIndex } from "./search-index.ts";

export const repair: CliCommand = maintenanceCommand({
  name: "repair",
  summary: "mend a data directory, and list what is lost",
  details: `Makes a damaged index again from the log and its second copy, counts anew what is counted wrongly, and closes gaps. A
message whose body is lost stays listed, and its body is refused. Damaged bytes are kept in DIR/damaged. It may be cut short and run again.`,
  flags: ["dry-run"],
  async run({ data, dryRun }, { stdout }) {
    const would = dryRun ? "would be " : "";
    const tell = (line: string): void => {
      // Where mail is other than it was, so may be its texts.
      if (!dryRun) dropIndex(data);
      stdout.write(`${line}\n`);
    };
    const { mended, lost, check, left } = await repairStore({
      directory: data,
      dryRun,
      onMended: (what) => tell(`${would}mended: ${what}`),
      onLost: (finding) => tell(`lost: ${findingLine(finding)}`),
    });
    for (const finding of left) stdout.write(`${dryRun ? "found" : "not mended"}: ${findingLine(finding)}\n`);
    stdout.write(`${mended} ${would}mended, ${lost} lost; check: ${summaryLine(check)}\n`);
    return left.length + lost === 0 ? 0 : 1;
  },
});
