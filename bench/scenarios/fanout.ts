// Many sessions in IDLE on one mailbox, one mail at a time: when the first and when the last of them is told.
import { FigureList } from "../figure-list.ts";
import { IdleCrowd, type Told } from "../idle-crowd.ts";
import type { Peer } from "../peer.ts";
import { userAt } from "../peers/accounts.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";
import { Sender } from "../sender.ts";
import { percentile } from "../statistics.ts";

const SESSIONS = [100, 1_000];
const MAILS = 20;
/** Before them: a server spends its life warm. */
const WARM_MAILS = 2_000;
const WARM_MS = 10_000;
/** A session that was not told by then waits for a poll; the next mail is sent. */
const MISSED_AFTER_MS = 2_000;
const MAIL_BYTES = 4096;

export const fanout: Scenario = {
  name: "fanout",
  what: `all sessions idle on one mailbox, ${MAILS} mails of 4 KiB behind ${WARM_MAILS} or ${WARM_MS / 1000} s; beside it a bare Node server that writes nothing to disk`,
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
  let sent = 0;
  const deliver = async (): Promise<{ told: Told; sentAtMs: number }> => {
    const wait = crowd.told(++sent, MISSED_AFTER_MS);
    const { sentAtMs } = await sender.send(of.user);
    return { told: await wait, sentAtMs };
  };
  const warmUntilMs = performance.now() + WARM_MS;
  while (sent < WARM_MAILS && performance.now() < warmUntilMs) await deliver();
  const before = await peer.usage();
  for (let i = 0; i < MAILS; i++) {
    const { told, sentAtMs } = await deliver();
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
