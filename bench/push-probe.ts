// How long after its end of data an idle session is told of a mail, one mail after the other.
import { setTimeout } from "node:timers/promises";
import { ImapClient } from "./imap-client.ts";
import type { Peer } from "./peer.ts";
import { Sender } from "./sender.ts";

/** A session that is not told by then is taken as missed. */
const MISSED_AFTER_MS = 60_000;
const MAIL_BYTES = 4_096;
/** Between being told and the next mail: the probe is no load of its own. */
const PAUSE_MS = 3;

/** A session in IDLE and a sender to it. */
export class PushProbe {
  /** From end of data to EXISTS, in milliseconds. */
  timesMs: number[] = [];
  readonly #user: string;
  readonly #imap: ImapClient;
  readonly #sender: Sender;
  #told: ((atMs: number) => void) | null = null;

  private constructor(user: string, imap: ImapClient, sender: Sender) {
    this.#user = user;
    this.#imap = imap;
    this.#sender = sender;
  }

  static async open(peer: Peer, user: string): Promise<PushProbe> {
    const imap = await ImapClient.open(peer.imap, user);
    await imap.command("SELECT INBOX");
    const probe = new PushProbe(user, imap, await Sender.open(peer.lmtp, MAIL_BYTES));
    await imap.idle((line, atMs) => {
      if (line.endsWith(" EXISTS")) probe.#told?.(atMs);
    });
    return probe;
  }

  /** Sends one mail and waits until the session is told of it. */
  async push(): Promise<void> {
    const told = new Promise<number>((resolve) => (this.#told = resolve));
    const { sentAtMs } = await this.#sender.send(this.#user);
    const ended = new AbortController();
    const late = setTimeout(MISSED_AFTER_MS, null, { signal: ended.signal }).catch(() => null);
    const atMs = await Promise.race([told, late]);
    ended.abort();
    if (atMs === null) throw new Error(`an idle session was not told within ${MISSED_AFTER_MS} ms`);
    this.timesMs.push(atMs - sentAtMs);
  }

  /** Sends mail after mail until `work` has ended; gives the times. */
  async pushDuring(work: Promise<unknown>): Promise<readonly number[]> {
    let isOver = false;
    const ended = work.finally(() => (isOver = true));
    ended.catch(() => undefined);
    this.timesMs = [];
    while (!isOver) {
      await this.push();
      await setTimeout(PAUSE_MS);
    }
    await ended;
    return this.timesMs;
  }

  close(): void {
    this.#imap.close();
    this.#sender.close();
  }
}
