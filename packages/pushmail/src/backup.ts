// `pushmail backup`: a consistent copy of a data directory, of a running server too.
import { backupStore } from "@pushmail/mailstore/maintenance";
import type { CliCommand } from "@pushmail/client-cli";
import { holdCompaction } from "./control-socket.ts";
import { maintenanceCommand } from "./maintenance-command.ts";

export const backup: CliCommand = maintenanceCommand({
  name: "backup",
  summary: "copy a data directory, also while a server runs on it",
  details: `BACKUP is made, or holds an earlier backup: then only what is new is copied. Whatever was acknowledged before the
command began is in the copy. The self-signed key and certificate are copied along, the users file and --config are not.`,
  flags: ["json"],
  positionals: ["BACKUP"],
  async run({ data, json, positionals: [target = ""] }, { stdout }) {
    const summary = await backupStore(data, target, { holdCompaction: () => holdCompaction(data) });
    const { segments, copiedBytes } = summary;
    stdout.write(
      json ? `${JSON.stringify(summary)}\n` : `${target}: ${segments} segments, ${copiedBytes} bytes copied\n`,
    );
    return 0;
  },
});
