// `pushmail contrast`: push and poll side by side on one inbox, while mails come at random times.
import { randomInt } from "node:crypto";
import { access, constants, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { CommandFault, exitCodes, usageFault } from "./command-fault.ts";
import { defineCommand } from "./command.ts";
import type { CliCommand, CliIo } from "./command.ts";
import { showLive } from "./contrast/live.ts";
import { renderPlot } from "./contrast/plot.ts";
import type { ContrastResult } from "./contrast/result.ts";
import { ContrastRun } from "./contrast/run.ts";
import type { ContrastPlan } from "./contrast/run.ts";
import { renderProgress, renderTable } from "./contrast/table.ts";
import { requireLogin, resolveEndpoint } from "./endpoint.ts";
import type { ClientLimits } from "./limits.ts";
import { parseNumber } from "./options.ts";
import type { Options, OptionTable } from "./options.ts";
import { noticeTo, outputColors, printLine } from "./print.ts";
import { visibleJson } from "./visible.ts";

type ContrastOption = "to" | "intervals" | "mails" | "rate" | "duration" | "seed" | "json" | "svg" | "keep";

const defaults = { mails: 30, rate: 0.5, intervals: "1,5,15,60" };

const contrastOptions: OptionTable<ContrastOption> = {
  to: { value: "ADDRESS", help: "the account's address (default the account, if it is one)" },
  intervals: { value: "SECONDS,...", help: `intervals of the pollers (default ${defaults.intervals})` },
  mails: { value: "N", help: `mails to send (default ${defaults.mails}, with --duration as many as fit)` },
  rate: { value: "N", help: `mails a second on average, at random times (default ${defaults.rate})` },
  duration: { value: "SECONDS", help: "end the sending after so long" },
  seed: { value: "N", help: "the same seed gives the same times (default a random one, printed)" },
  json: { help: "the result as one JSON object" },
  svg: { value: "FILE", help: "write the plot: latency against requests per hour" },
  keep: { help: "leave the mails in the inbox" },
};

/** The command, within the limits. */
export function contrast(limits: ClientLimits): CliCommand {
  return defineCommand<ContrastOption>({
    name: "contrast",
    summary: "run push and poll side by side and show what each costs",
    details: `One client waits in IDLE, others ask by NOOP at their intervals, all on the account's INBOX with a connection of
their own, while mails are sent at random times. Latency is the time from the SMTP reply to a mail until the server
has told a client of it (EXISTS); 0 means that the client heard first. Every client then fetches the mail's envelope.
Commands and bytes are those of IMAP after login and SELECT, fetching included; a client wakes when its timer ends
or when the server tells it something. The mails are removed from the inbox at the end.`,
    options: contrastOptions,
    async run(options, io) {
      const endpoint = await resolveEndpoint(options, io.env);
      const plan = readPlan(options, requireLogin(endpoint).user);
      await checkPlot(options.text("svg"));
      const run = new ContrastRun(plan, { endpoint, limits, signal: io.signal });
      const hide = showLive(io, io.stdoutIsTty && !options.given("json"), () => run.snapshot());
      try {
        const result = await run.run().finally(hide);
        await printResult(result, io, options);
        if (io.signal.aborted) return exitCodes.interrupted;
        const complete = result.clients.every((client) => client.known === result.accepted);
        return complete ? exitCodes.done : exitCodes.failed;
      } finally {
        if (!options.given("keep")) await cleanUp(run, io);
      }
    },
  });
}

function readPlan(options: Options<ContrastOption>, user: string): ContrastPlan {
  const address = options.text("to") ?? user;
  if (!address.includes("@")) throw usageFault(`${user} is no address: give the account's address with --to`);
  const seconds = options.number("duration", { least: 1, most: 604_800 }) ?? Number.POSITIVE_INFINITY;
  const defaultMails = Number.isFinite(seconds) ? Number.POSITIVE_INFINITY : defaults.mails;
  const intervals = options.given("intervals") ? options.items("intervals") : defaults.intervals.split(",");
  return {
    address,
    mails: options.integer("mails", { least: 1, most: 1_000_000 }) ?? defaultMails,
    ratePerSecond: options.number("rate", { least: 0.001, most: 1000 }) ?? defaults.rate,
    seconds,
    intervals: intervals.map((text) => parseNumber("--intervals", text, { least: 0.05, most: 86_400 })),
    seed: options.integer("seed", { least: 0, most: 2 ** 32 - 1 }) ?? randomInt(2 ** 32),
  };
}

async function printResult(result: ContrastResult, io: CliIo, options: Options<ContrastOption>): Promise<void> {
  if (options.given("json")) await printLine(io.stdout, visibleJson(result));
  else {
    const lines = [renderProgress(result), "", ...renderTable(result, outputColors(io))];
    await printLine(io.stdout, lines.join("\n"));
  }
  const svg = options.text("svg");
  if (svg !== undefined) await writeFile(svg, renderPlot(result)).catch(refusePlot);
}

/** Whether the plot can be written is not found out minutes later. */
async function checkPlot(svg: string | undefined): Promise<void> {
  if (svg === undefined) return;
  await access(svg, constants.W_OK)
    .catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOENT") throw error;
      return access(dirname(svg), constants.W_OK);
    })
    .catch(refusePlot);
}

function refusePlot(error: Error): never {
  throw new CommandFault(exitCodes.failed, `cannot write the plot: ${error.message}`);
}

async function cleanUp(run: ContrastRun, io: CliIo): Promise<void> {
  const notice = noticeTo(io, "contrast");
  try {
    const removed = await run.cleanUp();
    if (removed > 0) notice(`removed ${removed} mails from the inbox`);
  } catch (error) {
    // The result stands; that the inbox is not as before must be said.
    notice((error as Error).message);
  }
}
