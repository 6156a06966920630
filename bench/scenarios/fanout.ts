// Many sessions in IDLE on one mailbox, one mail at a time: when the first and when the last of them is told.
import { FigureList } from "../figure-list.ts";
import { IdleCrowd } from "../idle-crowd.ts";
import type { Peer } from "../peer.ts";
import { userAt } from "../peers/accounts.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";
import { Sender } from "../sender.ts";
import { percentile } from "../statistics.ts";

const SESSIONS = [100, 1_000];
const MAILS = 20;
/** A session that was not told by then waits for a poll; the next mail is sent. */
const MISSED_AFTER_MS = 2_000;
const MAIL_BYTES = 4096;

export const fanout: Scenario = {
  name: "fanout",
  what: `all sessions idle on one mailbox, ${MAILS} mails of 4 KiB; beside it a bare Node server that writes nothing to disk`,
  against: ["bare", "dovecot", "cyrus"],
  run,
};

async function run(start: StartPeer, { scale }: Repeat): Promise<readonly Figure[]> {
  const list = new FigureList();
  const peer = await start({ accounts: SESSIONS.length, inMemory: true });
  try {
    for (const [index, most] of SESSIONS.entries()) {
      await measure(list, peer, { user: userAt(index), sessions: Math.ceil(most * scale) });
    }
  } finally {
    await peer.end();
  }
  return list.figures;
}

async function measure(list: FigureList, peer: Peer, of: { user: string; sessions: number }): Promise<void> {
  const crowd = await IdleCrowd.open(
    peer.imap,
    Array.from({ length: of.sessions }, () => of.user),
  );
  const sender = await Sender.open(peer.lmtp, MAIL_BYTES);
  const [first, last, between]: number[][] = [[], [], []];
  let missed = 0;
  const before = await peer.usage();
  for (let i = 1; i <= MAILS; i++) {
    const wait = crowd.told(i, MISSED_AFTER_MS);
    const { sentAtMs } = await sender.send(of.user);
    const told = await wait;
    missed += told.missed;
    const times = told.atMs.filter((atMs) => atMs !== undefined).map((atMs) => atMs - sentAtMs);
    if (times.length === 0) continue;
    first?.push(Math.min(...times));
    last?.push(Math.max(...times));
    between?.push(Math.max(...times) - Math.min(...times));
  }
  const cpuSeconds = (await peer.usage()).cpuSeconds - before.cpuSeconds;
  crowd.close();
  sender.close();
  const way = `${of.sessions} sessions`;
  list.add(`${way}: first told, p50`, percentile(first ?? [], 0.5), "ms");
  list.add(`${way}: last told, p50`, percentile(last ?? [], 0.5), "ms");
  list.add(`${way}: last told, max`, percentile(last ?? [], 1), "ms");
  list.add(`${way}: from first to last, p50`, percentile(between ?? [], 0.5), "ms");
  list.add(`${way}: missed of ${of.sessions * MAILS}`, missed, "count");
  list.add(`${way}: CPU a mail`, (cpuSeconds * 1000) / MAILS, "ms");
}
