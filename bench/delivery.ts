// Delivering by LMTP, and how long after it an idle session is told.
import { setTimeout } from "node:timers/promises";
import { ImapClient } from "./imap-client.ts";
import { openLmtp, type LineClient } from "./line-client.ts";
import type { Peer } from "./peer.ts";

/** A session that is not told by then is taken as missed. */
const MISSED_AFTER_MS = 60_000;
const LINE = "0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrst\r\n";

/** Delivers one mail of at least `bytes` and gives when its end of data was sent, in `performance.now()`. */
export async function deliver(lmtp: LineClient, user: string, bytes = 4096): Promise<number> {
  lmtp.write(`MAIL FROM:<sender@example.net>\r\nRCPT TO:<${user}>\r\nDATA\r\n`);
  await lmtp.until((line) => line.startsWith("354"));
  const head = `From: bench@localhost\r\nTo: ${user}\r\nSubject: a mail\r\nMessage-ID: <${Math.random()}@bench>\r\n\r\n`;
  const accepted = lmtp.until((line) => /^[245]\d\d /.test(line));
  lmtp.write(`${head}${LINE.repeat(Math.ceil((bytes - head.length) / LINE.length))}`);
  const sentAtMs = performance.now();
  lmtp.write(".\r\n");
  const { line } = await accepted;
  if (!line.startsWith("250")) throw new Error(line);
  return sentAtMs;
}

/** A session in IDLE and a sender to it. */
export class PushProbe {
  /** From end of data to EXISTS, in milliseconds. */
  timesMs: number[] = [];
  readonly #user: string;
  readonly #imap: ImapClient;
  readonly #lmtp: LineClient;
  #told: ((atMs: number) => void) | null = null;

  private constructor(user: string, imap: ImapClient, lmtp: LineClient) {
    this.#user = user;
    this.#imap = imap;
    this.#lmtp = lmtp;
  }

  static async open(peer: Peer, user: string): Promise<PushProbe> {
    const imap = await ImapClient.open(peer.imap, user);
    await imap.command("SELECT INBOX");
    const probe = new PushProbe(user, imap, await openLmtp(peer.lmtp));
    await imap.idle((line, atMs) => {
      if (line.endsWith(" EXISTS")) probe.#told?.(atMs);
    });
    return probe;
  }

  /** Sends one mail and waits until the session is told of it. */
  async push(): Promise<void> {
    const told = new Promise<number>((resolve) => (this.#told = resolve));
    const sentAtMs = await deliver(this.#lmtp, this.#user);
    const ended = new AbortController();
    const late = setTimeout(MISSED_AFTER_MS, null, { signal: ended.signal }).catch(() => null);
    const atMs = await Promise.race([told, late]);
    ended.abort();
    if (atMs === null) throw new Error(`an idle session was not told within ${MISSED_AFTER_MS} ms`);
    this.timesMs.push(atMs - sentAtMs);
  }

  /** Sends mail after mail until `work` has ended, at least `mailsMin`; gives the times. */
  async pushDuring(work: Promise<unknown>, mailsMin: number): Promise<readonly number[]> {
    let isOver = false;
    const ended = work.finally(() => (isOver = true));
    ended.catch(() => undefined);
    this.timesMs = [];
    while (!isOver || this.timesMs.length < mailsMin) await this.push();
    await ended;
    return this.timesMs;
  }

  close(): void {
    this.#imap.close();
    this.#lmtp.close();
  }
}
