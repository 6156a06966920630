// `pushmail poll`: the output of `tail`, got by asking every so often.
import { defineCommand } from "./command.ts";
import type { CliCommand } from "./command.ts";
import { followOptions, runFollow } from "./follow-command.ts";
import type { FollowOption } from "./follow-command.ts";
import { clientLimits } from "./limits.ts";
import { waitForInterval } from "./wait.ts";

const intervalSeconds = 60;

/** The command. */
export const poll: CliCommand = defineCommand<FollowOption | "interval">({
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
      describe: () => `asking every ${seconds} s`,
      wait: () => waitForInterval(seconds * 1000),
      // Between two questions silence is no sign of death.
      silenceMs: clientLimits.socketSilenceMs + seconds * 1000,
    });
  },
});
