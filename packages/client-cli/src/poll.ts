// `pushmail poll`: the output of `tail`, got by asking every so often.
import { defineCommand } from "./command.ts";
import type { CliCommand } from "./command.ts";
import { followOptions, runFollow } from "./follow-command.ts";
import type { FollowOption } from "./follow-command.ts";
import type { ClientLimits } from "./limits.ts";
import { waitForInterval } from "./wait.ts";

const intervalSeconds = 60;

/** The command, within the limits. */
export function poll(limits: ClientLimits): CliCommand {
  return defineCommand<FollowOption | "interval">({
    name: "poll",
    summary: "print new mail by asking for it every so often (NOOP)",
    details: `The same output as tail. It keeps its connection and asks with NOOP, the cheapest question there is.`,
    options: {
      ...followOptions,
      interval: { value: "SECONDS", short: "i", help: `time between two questions (default ${intervalSeconds})` },
    },
    run: (options, io) => {
      const seconds = options.number("interval", { least: 0.05, most: 86_400 }) ?? intervalSeconds;
      return runFollow(options, io, {
        command: "poll",
        limits,
        describe: () => `asking every ${seconds} s`,
        wait: () => waitForInterval(seconds * 1000),
        // Between two questions silence is no sign of death.
        silenceMs: limits.socketSilenceMs + seconds * 1000,
      });
    },
  });
}
