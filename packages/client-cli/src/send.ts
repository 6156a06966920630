// `pushmail send`: a mail, or many of them at a rate, over SMTP.
import { setTimeout as delay } from "node:timers/promises";
import { exitCodes, usageFault } from "./command-fault.ts";
import { defineCommand } from "./command.ts";
import type { CliCommand, CliIo } from "./command.ts";
import { prepareMails } from "./compose.ts";
import type { ComposeOption } from "./compose.ts";
import { resolveEndpoint } from "./endpoint.ts";
import type { ClientLimits } from "./limits.ts";
import { noticeTo, printLine } from "./print.ts";
import { SmtpSender } from "./smtp-sender.ts";
import type { SendReceipt } from "./smtp-sender.ts";
import { visibleJson, visibleLine } from "./visible.ts";

/** The command, within the limits. */
export function send(limits: ClientLimits): CliCommand {
  return defineCommand<ComposeOption | "count" | "rate" | "submit" | "json">({
    name: "send",
    summary: "send a mail, or many of them at a rate (SMTP)",
    details: `Prints the Message-ID and the server's reply for each mail. The text comes from --text, else from standard input.
It goes to the SMTP port without a login; with --submit to the submission port with one.`,
    options: {
      from: { value: "ADDRESS", help: "sender (default the account, without one $USER@localhost)" },
      to: { value: "ADDRESS", multiple: true, help: "recipient, may be given several times" },
      cc: { value: "ADDRESS", multiple: true, help: "recipient of a copy" },
      bcc: { value: "ADDRESS", multiple: true, help: "recipient whom the others do not see" },
      subject: { value: "TEXT", short: "s", help: "subject" },
      text: { value: "TEXT", short: "t", help: "the text" },
      html: { value: "HTML", help: "the text as HTML" },
      attach: { value: "FILE", short: "a", multiple: true, help: "attachment" },
      file: {
        value: "FILE",
        help: "send this raw message as it is; sender and recipients from its header or the flags",
      },
      count: { value: "N", short: "n", help: "send N mails, numbered in subject and text (a raw file is not)" },
      rate: { value: "N", short: "r", help: "at most N mails a second" },
      submit: { help: "as submission, with the account's login" },
      json: { help: "one JSON object a line" },
    },
    async run(options, io) {
      const endpoint = await resolveEndpoint(options, io.env);
      const count = options.integer("count", { least: 1, most: 1_000_000_000 }) ?? 1;
      const rate = options.number("rate", { least: 0.001, most: 100_000 }) ?? Number.POSITIVE_INFINITY;
      const submit = options.given("submit");
      if (submit && endpoint.login === undefined) throw usageFault("--submit needs an account: give --user");
      const compose = await prepareMails(options, { io, endpoint, limits });
      const sender = new SmtpSender({ endpoint, limits, submit });
      const startedAt = performance.now();
      let refused = 0;
      try {
        for (let number = 1; number <= count; number += 1) {
          const dueAt = startedAt + ((number - 1) * 1000) / rate;
          const early = dueAt - performance.now();
          if (early > 0) await delay(early, undefined, { signal: io.signal });
          const receipt = await sender.send(compose(number, count), io.signal);
          refused += receipt.rejected.length;
          await printReceipt(receipt, io, { number, json: options.given("json") });
        }
      } finally {
        sender.close();
      }
      return refused === 0 ? exitCodes.done : exitCodes.failed;
    },
  });
}

async function printReceipt(
  receipt: SendReceipt,
  io: CliIo,
  { number, json }: { readonly number: number; readonly json: boolean },
): Promise<void> {
  if (json) return printLine(io.stdout, visibleJson({ number, ...receipt }));
  await printLine(io.stdout, visibleLine(`${receipt.messageId}  ${receipt.response}`));
  const notice = noticeTo(io, "send");
  for (const { recipient, response } of receipt.rejected) notice(`${recipient} is refused: ${response}`);
}
