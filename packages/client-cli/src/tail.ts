// `pushmail tail`: each new mail as it arrives, told by the server in IDLE.
import { defineCommand } from "./command.ts";
import type { CliCommand } from "./command.ts";
import { followOptions, runFollow } from "./follow-command.ts";
import type { ClientLimits } from "./limits.ts";
import { waitInIdle } from "./wait.ts";

/** What imapflow does then. */
const instead = "asking every two minutes";

/** The command, within the limits. */
export function tail(limits: ClientLimits): CliCommand {
  return defineCommand({
    name: "tail",
    summary: "print each new mail as it arrives (IMAP IDLE)",
    details: `Prints time, sender, subject and the beginning of the text. A lost connection is made again, and what came
meanwhile is printed then: every mail once. A second run goes on where the first ended when both are given --state.`,
    options: followOptions,
    run: (options, io) =>
      runFollow(options, io, {
        command: "tail",
        limits,
        describe: (client) =>
          client.capabilities.has("IDLE") ? "waiting in IDLE" : `the server has no IDLE: ${instead}`,
        wait: (notice) => waitInIdle(limits, () => notice(`the server refuses IDLE: ${instead}`)),
        silenceMs: limits.socketSilenceMs,
      }),
  });
}
