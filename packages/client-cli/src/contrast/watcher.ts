// One IMAP client of a contrast: it waits in its way, and notes when the server made it know of each mail.
import type { FetchMessageObject, ImapFlow } from "imapflow";
import { CommandFault, exitCodes } from "../command-fault.ts";
import type { Endpoint } from "../endpoint.ts";
import { followOnce } from "../follow.ts";
import { imapPeer, openImap } from "../imap-connection.ts";
import type { ClientLimits } from "../limits.ts";
import { MailboxFollower } from "../mailbox-follower.ts";
import { waitForInterval, waitInIdle } from "../wait.ts";
import type { Wait } from "../wait.ts";
import type { ClientCounts } from "./result.ts";

/** What a watcher watches. */
export interface WatcherOptions {
  readonly endpoint: Endpoint;
  readonly limits: ClientLimits;
  /** Seconds between two questions, or null to be told. */
  readonly intervalSeconds: number | null;
  /** When in its interval a poller asks first, from 0 to 1. */
  readonly phase: number;
  /** Finds the number of a mail of this contrast. */
  readonly numberOf: (subject: string) => number | undefined;
  readonly onKnown: () => void;
}

/** A client with its notes. */
export class Watcher {
  readonly name: string;
  readonly intervalSeconds: number | null;
  /** When it knew of a mail, by the mail's number. */
  readonly knownAt: Map<number, number> = new Map();
  readonly #options: WatcherOptions;
  /** How many messages the server had told of at a time, from that of the last mail that was noted on. */
  readonly #told: { at: number; count: number }[] = [];
  #client: ImapFlow | undefined;
  #commands = 0;
  #wakeups = 0;

  constructor(options: WatcherOptions) {
    this.#options = options;
    this.intervalSeconds = options.intervalSeconds;
    this.name = options.intervalSeconds === null ? "push (IDLE)" : `poll every ${options.intervalSeconds} s`;
  }

  /** Watches INBOX until aborted; `onReady` is called once when it is open. */
  async watch(signal: AbortSignal, onReady: () => void): Promise<void> {
    const { endpoint, limits } = this.#options;
    const follower = new MailboxFollower({
      mailbox: "INBOX",
      query: {},
      fromStart: false,
      limits,
      signal,
      deliver: async (mail) => this.#note(mail),
      settle: async () => undefined,
      notice: () => undefined,
    });
    await followOnce({
      follower,
      wait: this.#wait(),
      limits,
      signal,
      peer: imapPeer(endpoint),
      connect: () => this.#connect(signal),
      onCurrent: (client) => {
        if (this.intervalSeconds === null && !client.capabilities.has("IDLE")) throw pushless("has no IDLE");
        this.#reset(client);
        onReady();
      },
    });
  }

  counts(): ClientCounts {
    const { sent = 0, received = 0 } = this.#client?.stats() ?? {};
    return { commands: this.#commands, wakeups: this.#wakeups, bytesSent: sent, bytesReceived: received };
  }

  async #connect(signal: AbortSignal): Promise<ImapFlow> {
    const { endpoint, limits, intervalSeconds } = this.#options;
    const none = (): void => undefined;
    const client = await openImap({
      endpoint,
      limits,
      signal,
      sourceBytesMax: 0,
      silenceMs: limits.socketSilenceMs + (intervalSeconds ?? 0) * 1000,
      logger: { debug: (entry: TrafficEntry) => this.#count(entry), info: none, warn: none, error: none },
    });
    client.on("exists", ({ count }) => this.#told.push({ at: performance.now(), count }));
    client.on("expunge", ({ seq = Number.POSITIVE_INFINITY }) => {
      for (const told of this.#told) if (told.count >= seq) told.count -= 1;
    });
    return client;
  }

  /** Only what happens from now on is counted: login and SELECT cost all clients the same. */
  #reset(client: ImapFlow): void {
    this.#client = client;
    client.stats(true);
    this.#commands = 0;
    this.#wakeups = 0;
  }

  #wait(): Wait {
    const { limits, intervalSeconds, phase } = this.#options;
    const wait =
      intervalSeconds === null
        ? waitInIdle(limits, () => {
            throw pushless("refuses IDLE");
          })
        : waitForInterval(intervalSeconds * 1000, intervalSeconds * 1000 * phase);
    return async (client, wake, signal) => {
      await wait(client, wake, signal);
      this.#wakeups += 1;
    };
  }

  #note(mail: FetchMessageObject): void {
    const number = this.#options.numberOf(mail.envelope?.subject ?? "");
    // It knew of the mail when the count of messages first reached it, not when it came to fetch it.
    // Mails come in the order of their numbers: what is too early for this one is so for all that follow.
    while ((this.#told[0]?.count ?? mail.seq) < mail.seq) this.#told.shift();
    const [told] = this.#told;
    if (number === undefined || told === undefined) return;
    this.knownAt.set(number, told.at);
    this.#options.onKnown();
  }

  #count({ src, msg = "" }: TrafficEntry): void {
    if (src === "c" && /^[0-9A-F]+ /.test(msg)) this.#commands += 1;
    // A sign of life in IDLE wakes the client for nothing.
    if (src === "s" && msg.startsWith("* OK") && this.#client?.idling === true) this.#wakeups += 1;
  }
}

/** Without IDLE imapflow would ask every two minutes, and figures of that are none of push. */
function pushless(why: string): CommandFault {
  return new CommandFault(exitCodes.failed, `the server ${why}: there is no push to contrast`);
}

/** A line of the protocol as imapflow logs it. */
interface TrafficEntry {
  readonly src?: string;
  readonly msg?: string;
}
