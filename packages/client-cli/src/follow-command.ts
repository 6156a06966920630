// What `tail` and `poll` share: their options, their output, and one follower with its connection for each mailbox.
import type { FetchMessageObject, ImapFlow } from "imapflow";
import { abortWith } from "./abort.ts";
import { exitCodes } from "./command-fault.ts";
import type { ExitCode } from "./command-fault.ts";
import type { CliIo } from "./command.ts";
import { requireLogin, resolveEndpoint } from "./endpoint.ts";
import type { ConnectionOption, Endpoint } from "./endpoint.ts";
import { follow } from "./follow.ts";
import { renderEvent, renderMail } from "./follow-output.ts";
import type { MailboxName, OutputStyle } from "./follow-output.ts";
import { imapPeer, openImap } from "./imap-connection.ts";
import { type ClientLimits, clientLimits } from "./limits.ts";
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
  full: { help: `the text of each mail, of its first ${clientLimits.fullSourceBytes / 2 ** 20} MiB` },
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
  /** Makes the wait of one mailbox. */
  wait(notice: (text: string) => void): Wait;
  /** How long a connection may be silent. */
  readonly silenceMs: number;
}

/** Follows the mailboxes until interrupted or the limit is reached. */
export async function runFollow(
  options: Options<FollowOption | ConnectionOption>,
  io: CliIo,
  kind: FollowKind,
): Promise<ExitCode> {
  const plan = await readPlan(options, io);
  const end = abortWith(io.signal);
  const print = limitedPrinter(io, plan, end);
  const runs = plan.mailboxes.map((mailbox) =>
    followOne(mailbox, { plan, io, kind, print, signal: end.signal }).finally(() => end.abort()),
  );
  for (const run of await Promise.allSettled(runs)) if (run.status === "rejected") throw run.reason;
  return plan.limit === undefined || end.signal.reason === enough ? exitCodes.done : exitCodes.interrupted;
}

/** Why it ends where all mails of the limit are printed. */
const enough = new Error("as many mails as were asked for");

interface FollowPlan {
  readonly endpoint: Endpoint;
  /** The account as notices and the state file name it. */
  readonly account: string;
  readonly mailboxes: readonly string[];
  readonly style: OutputStyle;
  readonly events: boolean;
  readonly fromStart: boolean;
  readonly limit: number | undefined;
  readonly positions: PositionFile | undefined;
}

async function readPlan(options: Options<FollowOption | ConnectionOption>, io: CliIo): Promise<FollowPlan> {
  const endpoint = await resolveEndpoint(options, io.env);
  const mailboxes = options.given("mailbox") ? [...new Set(options.list("mailbox"))] : ["INBOX"];
  const state = options.text("state");
  const { columns } = io.stdout as { columns?: number };
  return {
    endpoint,
    account: `${requireLogin(endpoint).user}@${endpoint.host}:${endpoint.imapPort}`,
    mailboxes,
    style: {
      json: options.given("json"),
      full: options.given("full"),
      nameMailbox: mailboxes.length > 1,
      colors: outputColors(io),
      // A terminal without a size says 0.
      columns: (io.stdoutIsTty && columns) || undefined,
    },
    events: options.given("events"),
    fromStart: options.oneOf("since-now", "from-start") === "from-start",
    limit: options.integer("limit", { least: 1, most: Number.MAX_SAFE_INTEGER }),
    positions: state === undefined ? undefined : await PositionFile.open(state),
  };
}

type MailPrinter = (mail: FetchMessageObject, at: MailboxName) => Promise<void>;

function limitedPrinter(io: CliIo, { style, limit }: FollowPlan, end: AbortController): MailPrinter {
  let printed = 0;
  return async (mail, at) => {
    const view = await viewMail(mail);
    // Another mailbox may have printed the last one meanwhile: this mail stays for the next run.
    end.signal.throwIfAborted();
    printed += 1;
    if (printed === limit) end.abort(enough);
    await printLine(io.stdout, renderMail(view, at, style));
  };
}

interface FollowSurroundings {
  readonly plan: FollowPlan;
  readonly io: CliIo;
  readonly kind: FollowKind;
  readonly print: MailPrinter;
  readonly signal: AbortSignal;
}

async function followOne(mailbox: string, { plan, io, kind, print, signal }: FollowSurroundings): Promise<void> {
  const { endpoint, account, positions, style } = plan;
  const { limits, silenceMs } = kind;
  const stateKey = `${account}/${mailbox}`;
  const sourceBytesMax = style.full ? limits.fullSourceBytes : limits.previewSourceBytes;
  const noticeAll = noticeTo(io, kind.command);
  const notice = (text: string): void => noticeAll(`${mailbox}: ${text}`);
  const printEvent = (event: MailboxEvent): void => {
    io.stdout.write(`${renderEvent(event, mailbox, style)}\n`);
  };
  const follower = new MailboxFollower({
    mailbox,
    query: { internalDate: true, size: true, source: { maxLength: sourceBytesMax } },
    position: positions?.get(stateKey),
    fromStart: plan.fromStart,
    limits,
    signal,
    deliver: (mail, uidValidity) => print(mail, { mailbox, uidValidity }),
    settle: async (position) => positions?.set(stateKey, position),
    onEvent: plan.events ? printEvent : undefined,
    notice,
  });
  await follow({
    follower,
    wait: kind.wait(notice),
    limits,
    random: Math.random,
    signal,
    peer: imapPeer(endpoint),
    // Interrupted, it closes at once; at the limit it says LOGOUT.
    connect: () => openImap({ endpoint, limits, signal: io.signal, sourceBytesMax, silenceMs }),
    onCurrent: (client) => notice(`${kind.describe(client)} (${account})`),
    notice,
  });
}
