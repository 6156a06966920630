// Keeps a follower going: connect, read what was missed, wait, read what is new, and connect again when it breaks.
import { setTimeout as delay } from "node:timers/promises";
import type { ImapFlow } from "imapflow";
import { Backoff } from "./backoff.ts";
import { CommandFault, exitCodes, explain } from "./command-fault.ts";
import { closeImap } from "./imap-connection.ts";
import type { ClientLimits } from "./limits.ts";
import type { MailboxFollower } from "./mailbox-follower.ts";
import { Wake } from "./wake.ts";
import type { Wait } from "./wait.ts";

/** One connection to follow a mailbox over. */
export interface SessionOptions {
  readonly follower: MailboxFollower;
  readonly wait: Wait;
  readonly limits: ClientLimits;
  readonly signal: AbortSignal;
  /** The server as messages name it. */
  readonly peer: string;
  readonly connect: () => Promise<ImapFlow>;
  /** Called when the mailbox is open and everything in it is read. */
  readonly onCurrent: (client: ImapFlow) => void;
}

/** Connections without end. */
export interface FollowOptions extends SessionOptions {
  readonly random: () => number;
  readonly notice: (text: string) => void;
}

/** Follows until aborted; what fails at the first attempt, or for good, is thrown. */
export async function follow(options: FollowOptions): Promise<void> {
  const { limits, random, signal, notice } = options;
  const backoff = new Backoff(limits, random);
  let everCurrent = false;
  let currentAt: number | undefined;
  const onCurrent = (client: ImapFlow): void => {
    everCurrent = true;
    currentAt = performance.now();
    options.onCurrent(client);
  };
  while (!signal.aborted) {
    currentAt = undefined;
    try {
      await followOnce({ ...options, onCurrent });
    } catch (fault) {
      if (signal.aborted) return;
      if (!everCurrent || !mayPass(fault)) throw fault;
      // An attempt that took long to fail has held for no time.
      const pauseMs = backoff.pauseAfter(currentAt === undefined ? 0 : performance.now() - currentAt);
      notice(`${fault.message}; trying again in ${(pauseMs / 1000).toFixed(1)} s`);
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

/** One connection: read what was missed, then wait and read in turn. */
export async function followOnce(options: SessionOptions): Promise<void> {
  const { follower, signal } = options;
  const client = await options.connect();
  const wake = new Wake();
  const set = (): void => wake.set();
  signal.addEventListener("abort", set);
  try {
    client.on("close", set);
    // Register, then read, then wait: what comes while we read is seen by the next read.
    client.on("exists", set);
    await follower.open(client);
    if (!signal.aborted) options.onCurrent(client);
    while (!signal.aborted) {
      await options.wait(client, wake, signal);
      if (!client.usable) throw new CommandFault(exitCodes.unavailable, `${options.peer} ended the connection`);
      if (wake.take() && !signal.aborted) await follower.readNew(client);
    }
  } catch (error) {
    throw explain(error, options.peer);
  } finally {
    signal.removeEventListener("abort", set);
    await closeImap(client, options.limits);
  }
}

function mayPass(fault: unknown): fault is CommandFault {
  return (
    fault instanceof CommandFault && (fault.exitCode === exitCodes.unavailable || fault.exitCode === exitCodes.tryLater)
  );
}
