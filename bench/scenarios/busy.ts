// What an idle session notices of others at work: the push latency of one, in quiet and beside each kind of heavy work.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { Apart } from "../apart.ts";
import { repeatCommands, sendLarge } from "../clients.ts";
import { fillSmall } from "../fill.ts";
import { FigureList } from "../figure-list.ts";
import { ImapClient } from "../imap-client.ts";
import { corpusMails, TEXT_WORD } from "../mail-corpus.ts";
import type { Peer } from "../peer.ts";
import { userAt } from "../peers/accounts.ts";
import { PushProbe } from "../push-probe.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";
import { percentile } from "../statistics.ts";

const MESSAGES = 10_000;
const MANY = 1_000_000;
const LARGE_BYTES = 50_000_000;
/** How long a kind of work is repeated: until a 99th percentile says something. */
const WORK_MS = 8_000;
const WARM_UP_MS = 4_000;
const QUIET = "in quiet";
/** After a start: when the first compaction begins. Until then the probe warms up. */
const COMPACT_AFTER_MS = 6_000;
const COMPACT_MS_MAX = 60_000;
const SET_NUMBERS = 500;
const DOUBLINGS = 5;

const [PROBED, MIXED, LARGE, SMALL] = [0, 1, 2, 3].map(userAt) as [string, string, string, string];

export const busy: Scenario = {
  name: "busy",
  what: "push latency of an idle session while others send 50 MB, search, read, flag a million, and while space is reclaimed",
  against: ["dovecot", "cyrus"],
  run,
};

async function run(start: StartPeer, { scale }: Repeat): Promise<readonly Figure[]> {
  const list = new FigureList();
  const peer = await start({ accounts: 4 });
  const others = new Apart();
  const { imap, lmtp } = peer;
  const forMs = WORK_MS * Math.min(1, scale * 2);
  const command = (user: string, commands: readonly string[], lastMs = forMs): Promise<number> =>
    others.call(repeatCommands, { imap, user, commands, forMs: lastMs });
  try {
    const messages = Math.ceil(MESSAGES * scale);
    const filler = await ImapClient.open(imap, MIXED);
    await filler.append("INBOX", corpusMails(messages));
    if (peer.name === "pushmail") await fillMany(peer, Math.ceil(MANY * scale));
    const probe = await PushProbe.open(peer, PROBED);
    await probe.pushDuring(setTimeout(WARM_UP_MS));
    const measure = async (what: string, work: Promise<unknown>): Promise<void> =>
      addPushes(list, what, await probe.pushDuring(work));

    await measure(QUIET, setTimeout(forMs));
    await measure(
      `while a ${LARGE_BYTES / 1e6} MB mail arrives`,
      others.call(sendLarge, { lmtp, user: LARGE, bytes: LARGE_BYTES, forMs }),
    );
    const search = [`SEARCH TEXT ${TEXT_WORD}`];
    await measure(`while ${MESSAGES} mails are searched for the first time`, command(MIXED, search, 0));
    await measure(`while ${MESSAGES} mails are searched again`, command(MIXED, search));
    await measure(`while ${MESSAGES} bodies are read`, command(MIXED, ["FETCH 1:* BODY.PEEK[]"]));
    if (peer.name === "pushmail") {
      const flags = ["+", "-"].map((sign) => `STORE 1:* ${sign}FLAGS.SILENT (\\Flagged)`);
      await measure(`while ${MANY} mails are flagged`, command(SMALL, flags));
    }
    probe.close();
    // Fewer lie in one segment, which is still written to.
    const isCompactable = peer.name === "pushmail" && messages >= MESSAGES / 2;
    if (isCompactable) await measureCompaction(list, peer, { filler, messages });
    filler.close();
  } finally {
    others.end();
    await peer.end();
  }
  return list.figures;
}

/** Few are appended, and doubled until they are many. */
async function fillMany(peer: Peer, many: number): Promise<void> {
  await fillSmall(peer, SMALL, Math.ceil(many / 2 ** DOUBLINGS));
  const client = await ImapClient.open(peer.imap, SMALL);
  for (let i = 0; i < DOUBLINGS; i++) {
    await client.command("SELECT INBOX");
    await client.command("COPY 1:* INBOX");
  }
  client.close();
}

function addPushes(list: FigureList, what: string, timesMs: readonly number[]): void {
  list.addSpread(`push ${what}`, timesMs);
  list.add(`push ${what}, mails`, timesMs.length, "count", "more");
  if (what === QUIET) return;
  const quietMs = list.median(`push ${QUIET}, p99`);
  list.add(`push ${what}, p99 beside quiet`, percentile(timesMs, 0.99) / quietMs, "times");
}

interface Garbage {
  readonly filler: ImapClient;
  readonly messages: number;
}

/** Expunges two mails of three, all over the segments, and pushes while the rest is copied together. */
async function measureCompaction(list: FigureList, peer: Peer, { filler, messages }: Garbage): Promise<void> {
  await filler.command("SELECT INBOX");
  const most = Array.from({ length: messages }, (_, index) => index + 1).filter((number) => number % 3 > 0);
  for (let at = 0; at < most.length; at += SET_NUMBERS) {
    await filler.command(`STORE ${most.slice(at, at + SET_NUMBERS).join(",")} +FLAGS.SILENT (\\Deleted)`);
  }
  await filler.command("EXPUNGE");
  // The setting that says how often, as any operator may give it.
  process.env.PUSHMAIL_LIMITS_PROCESS_COMPACT_EVERY_MS = String(COMPACT_AFTER_MS);
  try {
    await peer.restart();
  } finally {
    delete process.env.PUSHMAIL_LIMITS_PROCESS_COMPACT_EVERY_MS;
  }
  const begins = setTimeout(COMPACT_AFTER_MS - 500);
  const probe = await PushProbe.open(peer, PROBED);
  await probe.pushDuring(begins);
  const pushed = probe.pushDuring(compacted(peer.directory));
  addPushes(list, "while space is reclaimed", await pushed);
  probe.close();
}

/** Waits until segments went away, and then no more. */
async function compacted(directory: string): Promise<void> {
  const segments = (): string[] => readdirSync(join(directory, "segments")).filter((name) => name.endsWith(".seg"));
  const first = new Set(segments());
  const left = (): number => segments().filter((name) => first.has(name)).length;
  const end = performance.now() + COMPACT_MS_MAX;
  let [before, unchanged] = [first.size, 0];
  while (before === first.size || unchanged < 10) {
    if (performance.now() > end) throw new Error("nothing was compacted");
    await setTimeout(50);
    const now = left();
    unchanged = now === before ? unchanged + 1 : 0;
    before = now;
  }
}
