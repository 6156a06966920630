// What `tail` and `poll` share: their options, their output, and one follower with its connection for each mailbox.
import type { FetchMessageObject, ImapFlow } from "imapflow";
import { abortWith } from "./abort.ts";
import { exitCodes } from "./command-fault.ts";
import type { ExitCode } from "./command-fault.ts";
import type { CliIo } from "./command.ts";
import { requireLogin, resolveEndpoint } from "./endpoint.ts";
import type { ConnectionOption } from "./endpoint.ts";
import { follow } from "./follow.ts";
import { renderEvent, renderMail } from "./follow-output.ts";
import type { MailboxName, OutputStyle } from "./follow-output.ts";
import { imapPeer, openImap } from "./imap-connection.ts";
import type { ClientLimits } from "./limits.ts";
import { MailboxFollower } from "./mailbox-follower.ts";
import type { MailboxEvent } from "./mailbox-table.ts";
import { viewMail } from "./mail-view.ts";
import type { Options, OptionTable } from "./options.ts";
import { PositionFile } from "./position-file.ts";
import { noticeTo, outputColors, printLine } from "./print.ts";
import type { Wait } from "./wait.ts";

/** Names of the options that tail and poll share. */
export type FollowOption = "mailbox" | "json" | "full" | "events" | "since-now" | "from-start" | "limit" | "state";

/** The options that tail and poll share. */
export const followOptions: OptionTable<FollowOption> = {
  mailbox: { value: "NAME", short: "m", multiple: true, help: "mailbox, may be given several times (default INBOX)" },
  json: { help: "one JSON object a line" },
  full: { help: "the whole text of each mail" },
  events: { help: "also flag changes and expunges" },
  "since-now": { help: "begin with mail that comes from now on (default)" },
  "from-start": { help: "begin with what is in the mailbox already" },
  limit: { value: "N", short: "n", help: "end after N mails" },
  state: { value: "FILE", help: "remember in FILE what was printed, and go on from there the next time" },
};

/** How a command of this kind waits for news. */
export interface FollowKind {
  readonly command: string;
  readonly limits: ClientLimits;
  /** How it waits, as the user reads it. */
  describe(client: ImapFlow): string;
  /** Makes the wait of one connection's mailbox. */
  wait(): Wait;
  /** How long a connection may be silent. */
  readonly silenceMs: number;
}

/** Follows the mailboxes until interrupted or the limit is reached. */
export async function runFollow(
  options: Options<FollowOption | ConnectionOption>,
  io: CliIo,
  kind: FollowKind,
): Promise<ExitCode> {
  const { limits } = kind;
  const endpoint = await resolveEndpoint(options, io.env);
  const account = `${requireLogin(endpoint).user}@${endpoint.host}:${endpoint.imapPort}`;
  const mailboxes = options.given("mailbox") ? [...new Set(options.list("mailbox"))] : ["INBOX"];
  const style = outputStyle(options, io, mailboxes.length > 1);
  const statePath = options.text("state");
  const positions = statePath === undefined ? undefined : await PositionFile.open(statePath);
  const end = abortWith(io.signal);
  const print = limitedPrinter(io, style, {
    end,
    limit: options.integer("limit", { least: 1, most: Number.MAX_SAFE_INTEGER }),
  });
  const onEvent = options.given("events")
    ? (event: MailboxEvent, mailbox: string): void => void io.stdout.write(`${renderEvent(event, mailbox, style)}\n`)
    : undefined;
  const fromStart = options.oneOf("since-now", "from-start") === "from-start";
  const sourceBytesMax = style.full ? limits.fullSourceBytes : limits.previewSourceBytes;

  const runs = mailboxes.map(async (mailbox) => {
    const stateKey = `${account}/${mailbox}`;
    const notice = (text: string): void => noticeTo(io, kind.command)(`${mailbox}: ${text}`);
    const follower = new MailboxFollower({
      mailbox,
      query: { internalDate: true, size: true, source: { maxLength: sourceBytesMax } },
      position: positions?.get(stateKey),
      fromStart,
      limits,
      signal: end.signal,
      deliver: (mail, uidValidity) => print(mail, { mailbox, uidValidity }),
      settle: async (position) => positions?.set(stateKey, position),
      onEvent: onEvent && ((event) => onEvent(event, mailbox)),
      notice,
    });
    const { signal } = io;
    const connection = { endpoint, limits, signal, sourceBytesMax, silenceMs: kind.silenceMs };
    await follow({
      follower,
      wait: kind.wait(),
      limits,
      random: Math.random,
      signal: end.signal,
      peer: imapPeer(endpoint),
      connect: () => openImap(connection),
      onCurrent: (client) => notice(`${kind.describe(client)} (${account})`),
      notice,
    }).finally(() => end.abort());
  });
  for (const run of await Promise.allSettled(runs)) if (run.status === "rejected") throw run.reason;
  return exitCodes.done;
}

interface PrintLimit {
  readonly limit: number | undefined;
  /** Aborted with the last mail. */
  readonly end: AbortController;
}

function limitedPrinter(io: CliIo, style: OutputStyle, { limit, end }: PrintLimit) {
  let printed = 0;
  return async (mail: FetchMessageObject, at: MailboxName): Promise<void> => {
    const view = await viewMail(mail);
    // Another mailbox may have printed the last one meanwhile: this mail stays for the next run.
    end.signal.throwIfAborted();
    printed += 1;
    if (printed === limit) end.abort();
    await printLine(io.stdout, renderMail(view, at, style));
  };
}

function outputStyle(options: Options<FollowOption>, io: CliIo, nameMailbox: boolean): OutputStyle {
  const { columns } = io.stdout as { columns?: number };
  return {
    json: options.given("json"),
    full: options.given("full"),
    nameMailbox,
    colors: outputColors(io),
    columns: io.stdoutIsTty ? columns : undefined,
  };
}
