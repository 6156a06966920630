// Durable ingest: mails over many LMTP connections at once, small and large, into one mailbox and into many.
import { FigureList, mustBe } from "../figure-list.ts";
import { type LineClient, openImap } from "../line-client.ts";
import type { Peer } from "../peer.ts";
import { PASSWORD, userAt } from "../peers/accounts.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";
import { Sender } from "../sender.ts";
import { percentile } from "../statistics.ts";

const KIB = 1024;
const CONNECTIONS = [1, 8, 64];
const SIZES = [4 * KIB, 100 * KIB];
const MAILBOXES = [1, 100];
/** How long each combination is kept up. */
const RUN_MS = 3_000;
const WARM_MS = 1_000;

export const ingest: Scenario = {
  name: "ingest",
  what: `as many mails as are accepted in ${RUN_MS / 1000} s, each on disk when it is; bare: one file, no mail store`,
  against: ["bare", "dovecot", "cyrus"],
  run,
};

interface Course {
  readonly connections: number;
  readonly bytes: number;
  readonly users: readonly string[];
}

async function run(start: StartPeer, { scale }: Repeat): Promise<readonly Figure[]> {
  const list = new FigureList();
  // Each combination into one mailbox has one of its own.
  const many = Math.max(...MAILBOXES);
  const peer = await start({ accounts: many + 1 + SIZES.length * CONNECTIONS.length });
  const delivered = new Map<string, number>();
  try {
    let single = many;
    await keepUp(peer, { connections: 8, bytes: 4 * KIB, users: [userAt(single++)] }, WARM_MS * scale, new Map());
    for (const bytes of SIZES) {
      for (const mailboxes of MAILBOXES) {
        for (const connections of CONNECTIONS) {
          const users = mailboxes === 1 ? [userAt(single++)] : Array.from({ length: mailboxes }, (_, i) => userAt(i));
          const way = `${bytes / KIB} KiB, ${mailboxes === 1 ? "1 mailbox" : `${mailboxes} mailboxes`}, ${connections} conn.`;
          await measure(list, way, () => keepUp(peer, { connections, bytes, users }, RUN_MS * scale, delivered), peer);
        }
      }
    }
    for (const [user, messages] of delivered) mustBe(`STATUS of ${user}`, await messagesOf(peer, user), messages);
  } finally {
    await peer.end();
  }
  return list.figures;
}

async function measure(
  list: FigureList,
  way: string,
  work: () => Promise<readonly number[]>,
  peer: Peer,
): Promise<void> {
  const before = await peer.usage();
  const startMs = performance.now();
  const times = await work();
  const seconds = (performance.now() - startMs) / 1000;
  const cpuSeconds = (await peer.usage()).cpuSeconds - before.cpuSeconds;
  list.add(`${way}: delivered`, times.length / seconds, "per s", "more");
  list.add(`${way}: wait for 250, p99`, percentile(times, 0.99), "ms");
  list.add(`${way}: CPU for 1,000 mails`, (cpuSeconds * 1000) / times.length, "s");
}

/** Delivers over all connections until the time is over; gives the waits for 250. */
async function keepUp(peer: Peer, course: Course, mostMs: number, delivered: Map<string, number>): Promise<number[]> {
  const { connections, bytes, users } = course;
  const senders = await Promise.all(Array.from({ length: connections }, () => Sender.open(peer.lmtp, bytes)));
  const endMs = performance.now() + mostMs;
  const times: number[] = [];
  let next = 0;
  const send = async (sender: Sender): Promise<void> => {
    while (performance.now() < endMs) {
      const user = users[next++ % users.length] as string;
      const { sentAtMs, acceptedAtMs } = await sender.send(user);
      times.push(acceptedAtMs - sentAtMs);
      delivered.set(user, (delivered.get(user) ?? 0) + 1);
    }
  };
  await Promise.all(senders.map(send));
  for (const sender of senders) sender.close();
  return times;
}

async function messagesOf(peer: Peer, user: string): Promise<number> {
  const imap: LineClient = await openImap(peer.imap, user, PASSWORD);
  imap.write("s STATUS INBOX (MESSAGES)\r\n");
  const { line } = await imap.until((text) => text.startsWith("* STATUS"));
  imap.close();
  return Number(/MESSAGES (\d+)/.exec(line)?.[1]);
}
