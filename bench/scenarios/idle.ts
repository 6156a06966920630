// Many sessions in IDLE: what each takes of memory, what all take of the CPU, and how one is woken.
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PushProbe } from "../push-probe.ts";
import { FigureList, mustBe } from "../figure-list.ts";
import { ImapClient } from "../imap-client.ts";
import type { Endpoint } from "../line-client.ts";
import type { Peer, Usage } from "../peer.ts";
import { userAt } from "../peers/accounts.ts";
import { ProcessTree } from "../peers/process-tree.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";
import { percentile } from "../statistics.ts";

/** With 20,000 open files a process holds 9,900 sockets and all else that it needs. */
const SESSIONS = [1_000, 5_000, 9_900];
/** Cyrus takes 3.2 MiB a session: more than these would not fit into memory. */
const CYRUS_SESSIONS_MAX = 1_000;
const ACCOUNTS = 1_000;
const IDLE_MS = 30_000;
/** Until hibernation has come and what opening took is given back. */
const SETTLE_MS = 5_000;
const OPENED_AT_ONCE = 16;
const ADDRESSES = 50;
const WAKES = 5;

export const idle: Scenario = {
  name: "idle",
  what: "memory of each idle session, CPU of all over 30 s, and the wake of one",
  against: ["dovecot", "cyrus"],
  run,
};

async function run(start: StartPeer, { scale }: Repeat): Promise<readonly Figure[]> {
  const list = new FigureList();
  for (const secure of [false, true]) {
    const peer = await start({ accounts: ACCOUNTS, manyIdle: true, tls: secure });
    try {
      const at = secure ? peer.imaps : peer.imap;
      if (at === null) continue;
      const most = peer.name === "cyrus" ? CYRUS_SESSIONS_MAX : Infinity;
      const counts = SESSIONS.filter((count) => count <= most).map((count) => Math.ceil(count * scale));
      await measureSessions(list, peer, { at, secure, counts, idleMs: IDLE_MS * scale });
      if (peer.name === "pushmail") await measureBare(list, peer.directory, { at, secure, counts, idleMs: 0 });
    } finally {
      await peer.end();
    }
  }
  return list.figures;
}

interface Course {
  readonly at: Endpoint;
  readonly secure: boolean;
  readonly counts: readonly number[];
  readonly idleMs: number;
}

async function measureSessions(list: FigureList, peer: Peer, { at, secure, counts, idleMs }: Course): Promise<void> {
  const [first, probe] = [await openIdle(at, 0, secure), await PushProbe.open(peer, userAt(0))];
  await probe.push();
  await setTimeout(SETTLE_MS);
  const base = await peer.usage();
  const sessions = [first];
  for (const count of counts) {
    const way = `${count} sessions in ${secure ? "TLS" : "clear"}`;
    const opened = await peer.usage();
    const start = performance.now();
    const fresh = count - sessions.length;
    sessions.push(...(await openMany(fresh, (i) => openIdle(at, sessions.length + i, secure))));
    list.add(`${way}: opened`, fresh / ((performance.now() - start) / 1000), "per s", "more");
    await setTimeout(SETTLE_MS);
    const before = await peer.usage();
    list.add(`${way}: CPU to open 1,000`, ((before.cpuSeconds - opened.cpuSeconds) * 1000) / fresh, "s");
    await setTimeout(idleMs);
    const after = await peer.usage();
    addMemory(list, way, { base, after, count: count - 1 });
    list.add(`${way}: CPU in 30 s`, ((after.cpuSeconds - before.cpuSeconds) * IDLE_MS) / idleMs, "s");
    probe.timesMs = [];
    for (let i = 0; i < WAKES; i++) await probe.push();
    list.add(`${way}: wake of one, p50`, percentile(probe.timesMs, 0.5), "ms");
    mustBe(`${way}, those still open`, sessions.filter(({ socket }) => !socket.destroyed).length, count);
  }
  probe.close();
  for (const session of sessions) session.close();
}

/** The same number of sockets in a Node server that does nothing. */
async function measureBare(list: FigureList, directory: string, { secure, counts }: Course): Promise<void> {
  const pair = secure ? ["tls-key.pem", "tls-cert.pem"].map((name) => join(directory, name)) : [];
  const program = fileURLToPath(new URL("../bare-sockets.js", import.meta.url));
  const tree = ProcessTree.start([process.execPath, program, ...pair]);
  const [port] = (await once(createInterface({ input: tree.child.stdout as NodeJS.ReadableStream }), "line")) as [
    string,
  ];
  const at = { host: "127.0.0.1", port: Number(port) };
  const open = (i: number): Promise<ImapClient> => ImapClient.connect(at, { secure, localAddress: addressOf(i) });
  const sockets = [await open(0)];
  await setTimeout(SETTLE_MS);
  const base = tree.usage();
  for (const count of counts) {
    sockets.push(...(await openMany(count - sockets.length, (i) => open(sockets.length + i))));
    await setTimeout(SETTLE_MS);
    const way = `${count} sockets of a bare Node ${secure ? "TLS" : "TCP"} server`;
    addMemory(list, way, { base, after: tree.usage(), count: count - 1 });
  }
  for (const socket of sockets) socket.close();
  await tree.end();
}

function addMemory(list: FigureList, way: string, of: { base: Usage; after: Usage; count: number }): void {
  list.add(`${way}: memory each`, (of.after.pssKiB - of.base.pssKiB) / of.count, "KiB");
}

async function openIdle(at: Endpoint, index: number, secure: boolean): Promise<ImapClient> {
  const client = await ImapClient.open(at, userAt(index % ACCOUNTS), { secure, localAddress: addressOf(index) });
  await client.command("SELECT INBOX");
  await client.idle(() => undefined);
  return client;
}

function addressOf(index: number): string {
  return `127.0.0.${1 + (index % ADDRESSES)}`;
}

async function openMany(count: number, open: (index: number) => Promise<ImapClient>): Promise<ImapClient[]> {
  const clients: ImapClient[] = [];
  let next = 0;
  const opener = async (): Promise<void> => {
    while (next < count) clients.push(await open(next++));
  };
  await Promise.all(Array.from({ length: OPENED_AT_ONCE }, opener));
  return clients;
}
