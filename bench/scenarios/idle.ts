// Many sessions in IDLE: what each takes of memory, what all take of the CPU, and how one is woken.
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { PushProbe } from "../push-probe.ts";
import { FigureList, mustBe, NOT_ANNOUNCED } from "../figure-list.ts";
import { ImapClient, type Listener } from "../imap-client.ts";
import type { Endpoint } from "../line-client.ts";
import type { Peer, Usage } from "../peer.ts";
import { userAt } from "../peers/accounts.ts";
import { ProcessTree } from "../peers/process-tree.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";
import { percentile } from "../statistics.ts";

/** With 20,000 open files a process holds 9,900 sockets and all else that it needs. */
const SESSIONS = [1_000, 5_000, 9_900];
/** How many wait in a way that is not the usual one. */
const FEW = 1_000;
/** Cyrus takes 3.2 MiB a session: more than these would not fit into memory. */
const CYRUS_SESSIONS_MAX = 1_000;
const ACCOUNTS = 1_000;
/** In it each session is told once that the connection is still there, of pushmail and of Dovecot. */
const IDLE_MS = 120_000;
const CPU_PER_MS = 30_000;
/** Until hibernation has come and what opening took is given back, which V8 does 35 to 90 s later. */
const SETTLE_MS = 90_000;
const OPENED_AT_ONCE = 16;
const ADDRESSES = 50;
const WAKES = 5;
/** Until the one that was woken hibernates again: a mail a second is not idleness. */
const BETWEEN_WAKES_MS = 2_000;

export const idle: Scenario = {
  name: "idle",
  what: "memory of each idle session, CPU of all over 30 s, and the wake of one",
  against: ["dovecot", "cyrus"],
  run,
};

/** A way in which sessions wait. */
interface Way {
  /** As in "1000 sessions in clear". */
  readonly name: string;
  readonly sessions: readonly number[];
  readonly secure: boolean;
  /** What it needs. */
  readonly capability?: "NOTIFY" | "COMPRESS=DEFLATE";
}

const WAYS: readonly Way[] = [
  { name: "in clear", sessions: SESSIONS, secure: false },
  { name: "in TLS", sessions: SESSIONS, secure: true },
  { name: "that wait by NOTIFY", sessions: [FEW], secure: false, capability: "NOTIFY" },
  { name: "that compress", sessions: [FEW], secure: false, capability: "COMPRESS=DEFLATE" },
];

async function run(start: StartPeer, { scale }: Repeat): Promise<readonly Figure[]> {
  const list = new FigureList();
  for (const way of WAYS) {
    const compress = way.capability === "COMPRESS=DEFLATE";
    const peer = await start({ accounts: ACCOUNTS, manyIdle: true, tls: way.secure, compress });
    try {
      // What it took to make the accounts, V8 gives back at some time: it would be taken from the sessions' memory.
      await peer.restart();
      const at = way.secure ? peer.imaps : peer.imap;
      if (at === null) throw new Error(`${peer.name} does not listen with TLS`);
      const most = peer.name === "cyrus" ? CYRUS_SESSIONS_MAX : Infinity;
      const counts = way.sessions.filter((count) => count <= most).map((count) => Math.ceil(count * scale));
      if (!(await announces(at, way))) {
        for (const count of counts) list.add(`${count} sessions ${way.name}: memory each`, NOT_ANNOUNCED, "KiB");
        continue;
      }
      const course = { at, way, counts, settleMs: SETTLE_MS * scale, idleMs: IDLE_MS * scale };
      await measureSessions(list, peer, course);
      if (peer.name === "pushmail" && way.capability === undefined) await measureBare(list, peer.directory, course);
    } finally {
      await peer.end();
    }
  }
  return list.figures;
}

async function announces(at: Endpoint, { secure, capability }: Way): Promise<boolean> {
  if (capability === undefined) return true;
  const client = await ImapClient.open(at, userAt(0), { secure });
  const announced = await client.capabilities();
  client.close();
  return announced.has(capability);
}

interface Course {
  readonly at: Endpoint;
  readonly way: Way;
  readonly counts: readonly number[];
  readonly settleMs: number;
  readonly idleMs: number;
}

async function measureSessions(list: FigureList, peer: Peer, { at, way, counts, ...times }: Course): Promise<void> {
  const { settleMs, idleMs } = times;
  let told = 0;
  const first = await openWaiting(at, 0, way, (line) => {
    if (line.endsWith(" EXISTS")) told++;
  });
  const probe = await PushProbe.open(peer, userAt(0));
  await probe.push();
  await setTimeout(settleMs);
  const base = await peer.usage();
  const sessions = [first];
  for (const count of counts) {
    const what = `${count} sessions ${way.name}`;
    const opened = await peer.usage();
    const start = performance.now();
    const fresh = count - sessions.length;
    sessions.push(...(await openMany(fresh, (i) => openWaiting(at, sessions.length + i, way, () => undefined))));
    list.add(`${what}: opened`, fresh / ((performance.now() - start) / 1000), "per s", "more");
    // A sender that is silent for five minutes is sent away.
    await probe.push();
    await setTimeout(settleMs);
    const before = await peer.usage();
    addMemory(list, what, { base, now: before, count: count - 1 });
    list.add(`${what}: CPU to open 1,000`, ((before.cpuSeconds - opened.cpuSeconds) * 1000) / fresh, "s");
    await setTimeout(idleMs);
    const after = await peer.usage();
    list.add(`${what}: CPU in 30 s`, ((after.cpuSeconds - before.cpuSeconds) * CPU_PER_MS) / idleMs, "s");
    probe.timesMs = [];
    for (let i = 0; i < WAKES; i++) {
      await setTimeout(BETWEEN_WAKES_MS);
      await probe.push();
    }
    list.add(`${what}: wake of one, p50`, percentile(probe.timesMs, 0.5), "ms");
    mustBe(`${what}, those still open`, sessions.filter(({ socket }) => !socket.destroyed).length, count);
  }
  mustBe("sessions told", Math.min(told, 1), 1);
  probe.close();
  for (const session of sessions) session.close();
}

/** The same number of sockets in a Node server that does nothing. */
async function measureBare(list: FigureList, directory: string, { way, counts, settleMs }: Course): Promise<void> {
  const { secure } = way;
  const pair = secure ? ["tls-key.pem", "tls-cert.pem"].map((name) => join(directory, name)) : [];
  const program = fileURLToPath(new URL("../bare-sockets.js", import.meta.url));
  const tree = ProcessTree.start([process.execPath, program, ...pair]);
  const [port] = (await once(createInterface({ input: tree.child.stdout as NodeJS.ReadableStream }), "line")) as [
    string,
  ];
  const at = { host: "127.0.0.1", port: Number(port) };
  const open = (i: number): Promise<ImapClient> => ImapClient.connect(at, { secure, localAddress: addressOf(i) });
  const sockets = [await open(0)];
  await setTimeout(settleMs);
  const base = tree.usage();
  for (const count of counts) {
    sockets.push(...(await openMany(count - sockets.length, (i) => open(sockets.length + i))));
    await setTimeout(settleMs);
    const what = `${count} sockets of a bare Node ${secure ? "TLS" : "TCP"} server`;
    addMemory(list, what, { base, now: tree.usage(), count: count - 1 });
  }
  for (const socket of sockets) socket.close();
  await tree.end();
}

function addMemory(list: FigureList, what: string, of: { base: Usage; now: Usage; count: number }): void {
  list.add(`${what}: memory each`, (of.now.pssKiB - of.base.pssKiB) / of.count, "KiB");
}

async function openWaiting(at: Endpoint, index: number, way: Way, listener: Listener): Promise<ImapClient> {
  const { secure, capability } = way;
  const client = await ImapClient.open(at, userAt(index % ACCOUNTS), { secure, localAddress: addressOf(index) });
  if (capability === "COMPRESS=DEFLATE") await client.compress();
  await client.command("SELECT INBOX");
  if (capability === "NOTIFY") await client.notify(listener);
  else await client.idle(listener);
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
