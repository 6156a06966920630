// One session in IDLE, one mail after the other: how long until it is told.
import { FigureList } from "../figure-list.ts";
import { IdleCrowd } from "../idle-crowd.ts";
import type { Peer } from "../peer.ts";
import { userAt } from "../peers/accounts.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";
import { Sender } from "../sender.ts";
import { percentile } from "../statistics.ts";

/** A block has a mailbox of its own: Dovecot's watch goes blind when the index log of a used one is rotated. */
const BLOCK_MAILS = 50;
/** The p99 of these rests upon twenty of them: of 500, upon five, it varied by half from run to run. */
const MAILS = 2_000;
/** Or as many as this gives time for: Dovecot needs half a second each. */
const MOST_MS = 60_000;
/** Before: a server spends its life warm. The first of them, those of a fresh process, are told of by themselves. */
const WARM_MAILS = 2_000;
const FRESH_MAILS = 500;
const WARM_MS = 20_000;
const MISSED_AFTER_MS = 5_000;
const MAIL_BYTES = 4096;

export const latency: Scenario = {
  name: "latency",
  what: `one idle session, mails of 4 KiB one after the other: ${MAILS} of them, or as many as fit into ${MOST_MS / 1000} s, behind ${WARM_MAILS} or ${WARM_MS / 1000} s`,
  against: ["bare", "dovecot", "cyrus"],
  run,
};

interface Samples {
  readonly accepted: number[];
  readonly told: number[];
  readonly toldAfterAccepted: number[];
  missed: number;
}

async function run(start: StartPeer, { scale }: Repeat): Promise<readonly Figure[]> {
  const [warm, counted] = [Math.ceil(WARM_MAILS * scale), Math.ceil(MAILS * scale)];
  const accounts = Math.ceil(warm / BLOCK_MAILS) + Math.ceil(counted / BLOCK_MAILS);
  const users = Array.from({ length: accounts }, (_, i) => userAt(i)).values();
  const peer = await start({ accounts });
  try {
    const fresh = await deliver(peer, users, { mails: warm, mostMs: WARM_MS * scale });
    const before = await peer.usage();
    const samples = await deliver(peer, users, { mails: counted, mostMs: MOST_MS * scale });
    const cpuSeconds = (await peer.usage()).cpuSeconds - before.cpuSeconds;
    samples.missed += fresh.missed;
    return figuresOf(samples, { cpuSeconds, freshMs: fresh.told.slice(0, Math.ceil(FRESH_MAILS * scale)) });
  } finally {
    await peer.end();
  }
}

interface Delivery {
  readonly mails: number;
  readonly mostMs: number;
}

/** Delivers one mail after the other to a session in IDLE, block by block to one user after the other. */
async function deliver(peer: Peer, users: Iterator<string>, { mails, mostMs }: Delivery): Promise<Samples> {
  const samples: Samples = { accepted: [], told: [], toldAfterAccepted: [], missed: 0 };
  const endMs = performance.now() + mostMs;
  for (let done = 0; done < mails && performance.now() < endMs; done += BLOCK_MAILS) {
    await deliverBlock(peer, samples, { user: users.next().value, mails: Math.min(BLOCK_MAILS, mails - done) });
  }
  return samples;
}

async function deliverBlock(peer: Peer, samples: Samples, block: { user: string; mails: number }): Promise<void> {
  const crowd = await IdleCrowd.open(peer.imap, [block.user]);
  const sender = await Sender.open(peer.lmtp, MAIL_BYTES);
  for (let i = 1; i <= block.mails; i++) {
    const wait = crowd.told(i, MISSED_AFTER_MS);
    const { sentAtMs, acceptedAtMs } = await sender.send(block.user);
    samples.accepted.push(acceptedAtMs - sentAtMs);
    const toldAtMs = (await wait).atMs[0];
    if (toldAtMs === undefined) {
      samples.missed++;
      continue;
    }
    samples.told.push(toldAtMs - sentAtMs);
    samples.toldAfterAccepted.push(toldAtMs - acceptedAtMs);
  }
  crowd.close();
  sender.close();
}

function figuresOf(
  samples: Samples,
  { cpuSeconds, freshMs }: { readonly cpuSeconds: number; readonly freshMs: readonly number[] },
): readonly Figure[] {
  const list = new FigureList();
  for (const [metric, times] of [
    ["end of data to EXISTS", samples.told],
    ["250 to EXISTS", samples.toldAfterAccepted],
    ["end of data to 250", samples.accepted],
  ] as const) {
    for (const share of [50, 90, 99]) list.add(`${metric}, p${share}`, percentile(times, share / 100), "ms");
  }
  for (const share of [50, 99]) {
    list.add(`of a fresh process: end of data to EXISTS, p${share}`, percentile(freshMs, share / 100), "ms");
  }
  list.add("missed", samples.missed, "count");
  list.add("mails sent", samples.accepted.length, "count", "more");
  list.add("CPU a mail", (cpuSeconds * 1000) / samples.accepted.length, "ms");
  return list.figures;
}
