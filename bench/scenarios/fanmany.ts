// Many sessions in IDLE, each on a mailbox of its own, one mail to each over a few connections at once.
import { FigureList } from "../figure-list.ts";
import { IdleCrowd } from "../idle-crowd.ts";
import type { Peer } from "../peer.ts";
import { userAt } from "../peers/accounts.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";
import { Sender } from "../sender.ts";

const SESSIONS = 1_000;
const CONNECTIONS = 8;
const MISSED_AFTER_MS = 70_000;
const MAIL_BYTES = 4096;

export const fanmany: Scenario = {
  name: "fanmany",
  what: `${SESSIONS} sessions idle on as many mailboxes, one mail of 4 KiB to each over ${CONNECTIONS} connections`,
  against: ["bare", "dovecot", "cyrus"],
  run,
};

async function run(start: StartPeer, { scale }: Repeat): Promise<readonly Figure[]> {
  const sessions = Math.ceil(SESSIONS * scale);
  const peer = await start({ accounts: sessions });
  try {
    return await measure(
      peer,
      Array.from({ length: sessions }, (_, i) => userAt(i)),
    );
  } finally {
    await peer.end();
  }
}

async function measure(peer: Peer, users: readonly string[]): Promise<readonly Figure[]> {
  const crowd = await IdleCrowd.open(peer.imap, users);
  const sentAtMs: number[] = [];
  let next = 0;
  const wait = crowd.told(1, MISSED_AFTER_MS);
  const before = await peer.usage();
  const startMs = performance.now();
  const send = async (): Promise<void> => {
    const sender = await Sender.open(peer.lmtp, MAIL_BYTES);
    while (next < users.length) {
      const index = next++;
      sentAtMs[index] = (await sender.send(users[index] as string)).sentAtMs;
    }
    sender.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, send));
  const acceptedMs = performance.now() - startMs;
  const { atMs, missed } = await wait;
  const cpuSeconds = (await peer.usage()).cpuSeconds - before.cpuSeconds;
  crowd.close();
  const told = atMs.filter((at) => at !== undefined);
  const times = atMs.flatMap((at, index) => (at === undefined ? [] : [at - (sentAtMs[index] as number)]));
  const list = new FigureList();
  list.addSpread("end of data to EXISTS", times);
  list.add("all accepted", acceptedMs, "ms");
  list.add("all told", Math.max(...told) - startMs, "ms");
  list.add(`missed of ${users.length}`, missed, "count");
  list.add("CPU for 1,000 mails", (cpuSeconds * 1000) / users.length, "s");
  return list.figures;
}
