// Runs a contrast: clients that wait in different ways on one inbox, while mails come at random times.
import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { abortWith } from "../abort.ts";
import { CommandFault, exitCodes } from "../command-fault.ts";
import type { Endpoint } from "../endpoint.ts";
import { closeImap, openImap } from "../imap-connection.ts";
import type { ClientLimits } from "../limits.ts";
import { SmtpSender } from "../smtp-sender.ts";
import { Wake } from "../wake.ts";
import { nextArrivalSeconds, seededRandom } from "./random.ts";
import { summarize } from "./result.ts";
import type { ContrastResult } from "./result.ts";
import { Watcher } from "./watcher.ts";

/** What is to be contrasted. */
export interface ContrastPlan {
  readonly address: string;
  readonly mails: number;
  readonly ratePerSecond: number;
  /** Sending ends after so long, however many mails are left. */
  readonly seconds: number;
  readonly intervals: readonly number[];
  readonly seed: number;
}

/** Where it runs. */
export interface ContrastSurroundings {
  readonly endpoint: Endpoint;
  readonly limits: ClientLimits;
  /** Ends the run early; the result is what was found until then. */
  readonly signal: AbortSignal;
}

/** One run, with a mark of its own by which its mails are known. */
export class ContrastRun {
  readonly #plan: ContrastPlan;
  readonly #around: ContrastSurroundings;
  readonly #mark: string = `pushmail-contrast-${randomBytes(8).toString("hex")}`;
  readonly #random: () => number;
  readonly #watchers: readonly Watcher[];
  readonly #acceptedAt = new Map<number, number>();
  /** Set when a mail is known to one more client. */
  readonly #news = new Wake();
  /** Aborted when the run is over, whatever ended it. */
  readonly #over: AbortController;
  #startedAt: number | undefined;
  #tried = 0;

  constructor(plan: ContrastPlan, around: ContrastSurroundings) {
    this.#plan = plan;
    this.#around = around;
    this.#over = abortWith(around.signal);
    this.#random = seededRandom(plan.seed);
    this.#watchers = [null, ...plan.intervals].map(
      (intervalSeconds) =>
        new Watcher({
          endpoint: around.endpoint,
          limits: around.limits,
          intervalSeconds,
          phase: this.#random(),
          numberOf: (subject) => this.#numberOf(subject),
          onKnown: () => this.#news.set(),
        }),
    );
  }

  /** Runs until every client knows of every mail, or gave up, or the signal. */
  async run(): Promise<ContrastResult> {
    const parts: Promise<void>[] = [];
    try {
      await Promise.all(this.#watchers.map((watcher) => this.#watch(watcher, parts)));
      this.#startedAt = performance.now();
      parts.push(this.#sendAndWait());
      // A client ends before the sending only by failing, and figures without it would be half a contrast.
      await Promise.race(parts);
      return this.snapshot();
    } catch (error) {
      if (this.#over.signal.aborted) return this.snapshot();
      throw error;
    } finally {
      this.#over.abort();
      await Promise.allSettled(parts);
    }
  }

  /** What was found so far. */
  snapshot(): ContrastResult {
    const { seed, ratePerSecond, mails } = this.#plan;
    const acceptedAt = this.#acceptedAt;
    const seconds = this.#startedAt === undefined ? 0 : (performance.now() - this.#startedAt) / 1000;
    return {
      seed,
      ratePerSecond,
      mails: Number.isFinite(mails) ? mails : acceptedAt.size,
      accepted: acceptedAt.size,
      seconds,
      clients: this.#watchers.map((watcher) =>
        summarize(watcher, watcher.counts(), { acceptedAt, knownAt: watcher.knownAt }, seconds),
      ),
    };
  }

  /** Removes the mails of this run from the inbox; says how many they were. */
  async cleanUp(): Promise<number> {
    if (this.#tried === 0) return 0;
    const { endpoint, limits } = this.#around;
    const signal = AbortSignal.timeout(limits.cleanUpMs);
    const client = await openImap({ endpoint, limits, signal, sourceBytesMax: 0 });
    try {
      await client.mailboxOpen("INBOX");
      const uids = await client.search({ subject: this.#mark }, { uid: true });
      // imapflow says no more of a NO than this.
      if (!Array.isArray(uids)) throw stayed("refuses to search for the mails");
      if (uids.length === 0) return 0;
      // Without UID EXPUNGE others' deleted messages would go with ours.
      const removed = client.capabilities.has("UIDPLUS") && (await client.messageDelete(uids, { uid: true }));
      if (removed) return uids.length;
      throw stayed("does not let the mails be removed");
    } finally {
      await closeImap(client, limits);
    }
  }

  /** Starts a client; resolves when it is ready. Its whole life goes to `watching`. */
  #watch(watcher: Watcher, watching: Promise<void>[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const watched = watcher.watch(this.#over.signal, resolve);
      watched.catch(reject);
      watching.push(watched);
    });
  }

  async #sendAndWait(): Promise<void> {
    const { endpoint, limits } = this.#around;
    const sender = new SmtpSender({ endpoint, limits, submit: false });
    try {
      for await (const number of this.#arrivals()) await this.#send(sender, number);
      await this.#allKnown();
    } finally {
      sender.close();
    }
  }

  /** The numbers of the mails, each when its time has come: a Poisson process. */
  async *#arrivals(): AsyncGenerator<number> {
    const { mails, ratePerSecond, seconds } = this.#plan;
    const startedAt = performance.now();
    let dueSeconds = 0;
    for (let number = 1; number <= mails; number += 1) {
      dueSeconds += nextArrivalSeconds(this.#random, ratePerSecond);
      if (dueSeconds > seconds) return;
      const early = startedAt + dueSeconds * 1000 - performance.now();
      if (early > 0) await delay(early, undefined, { signal: this.#over.signal });
      yield number;
    }
  }

  async #send(sender: SmtpSender, number: number): Promise<void> {
    const { address } = this.#plan;
    const mail = { from: address, to: address, subject: `${this.#mark} ${number}`, text: `Mail ${number}.\n` };
    this.#tried += 1;
    await sender.send(mail, this.#over.signal);
    this.#acceptedAt.set(number, performance.now());
  }

  /** A poller needs its interval; what it does not know after some grace on top it missed. */
  async #allKnown(): Promise<void> {
    const longest = Math.max(0, ...this.#plan.intervals) * 1000;
    const late = delay(longest + this.#around.limits.contrastGraceMs, true, { signal: this.#over.signal });
    const deadline = late.catch(() => true);
    while (this.#watchers.some((watcher) => watcher.knownAt.size < this.#acceptedAt.size)) {
      this.#news.take();
      if (await Promise.race([this.#news.wait().then(() => false), deadline])) return;
    }
  }

  #numberOf(subject: string): number | undefined {
    return subject.startsWith(`${this.#mark} `) ? Number(subject.slice(this.#mark.length + 1)) : undefined;
  }
}

function stayed(why: string): CommandFault {
  return new CommandFault(exitCodes.failed, `the server ${why}: they stay in the inbox`);
}
