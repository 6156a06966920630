// Ten minutes of idle sessions, incoming mail and readers at once: nothing missed, nothing refused, no memory gained.
import { setTimeout } from "node:timers/promises";
import { Apart } from "../apart.ts";
import { type Idler, openIdlers, readSteadily, reportIdlers, sendSteadily } from "../clients.ts";
import { FigureList } from "../figure-list.ts";
import type { Peer } from "../peer.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";

/** With 20,000 open files a process holds 9,900 sockets and all else that it needs. */
const SESSIONS = 9_900;
const ACCOUNTS = 1_000;
const READERS = 50;
const MAILS_PER_SECOND = 200;
const DURATION_MS = 600_000;
const WARM_UP_MS = 60_000;
const WINDOW_MS = 60_000;
const SAMPLES = 60;
const IDLE_PROCESSES = 2;
/** After the last mail, for the last wakes. */
const TAIL_MS = 5_000;

export const load: Scenario = {
  name: "load",
  what: `${SESSIONS} idle sessions, ${MAILS_PER_SECOND} mails a second and ${READERS} readers at once for ten minutes`,
  against: [],
  repeatsMax: 1,
  run,
};

async function run(start: StartPeer, { scale }: Repeat): Promise<readonly Figure[]> {
  const list = new FigureList();
  const peer = await start({ accounts: ACCOUNTS });
  const processes = Array.from({ length: IDLE_PROCESSES + 2 }, () => new Apart());
  try {
    const [sender, reader, ...crowds] = processes as [Apart, Apart, ...Apart[]];
    const sessions = Array.from({ length: Math.ceil(SESSIONS * scale) }, (_, index) => index);
    const share = (crowd: number): number[] => sessions.filter((index) => index % crowds.length === crowd);
    const { imap, lmtp } = peer;
    await Promise.all(
      crowds.map((crowd, index) => crowd.call(openIdlers, { imap, sessions: share(index), accounts: ACCOUNTS })),
    );
    const forMs = DURATION_MS * scale;
    const rate = { lmtp, perSecond: MAILS_PER_SECOND, forMs, accounts: ACCOUNTS };
    const before = await peer.usage();
    const [sentAtMs, commands] = await Promise.all([
      sender.call(sendSteadily, rate),
      reader.call(readSteadily, { imap, readers: READERS, forMs }),
      sampleMemory(list, peer, scale),
    ]);
    const { cpuSeconds } = await peer.usage();
    await setTimeout(TAIL_MS);
    const reports = await Promise.all(crowds.map((crowd) => crowd.call(reportIdlers)));
    addWakes(list, reports.flat(), sentAtMs);
    list.add("mails delivered", sum(sentAtMs.map(({ length }) => length)), "count", "more");
    list.add("commands of readers", commands, "count", "more");
    list.add("CPU of the server each second", ((cpuSeconds - before.cpuSeconds) * 1000) / forMs, "s");
  } finally {
    for (const process of processes) process.end();
    await peer.end();
  }
  return list.figures;
}

/** Compares the first minute after the warm-up with the last, and tells what came in between. */
async function sampleMemory(list: FigureList, peer: Peer, scale: number): Promise<void> {
  const samples: { readonly atMs: number; readonly pssKiB: number }[] = [];
  const everyMs = (DURATION_MS * scale) / SAMPLES;
  const start = performance.now();
  for (let i = 1; i <= SAMPLES; i++) {
    await setTimeout(Math.max(0, start + i * everyMs - performance.now()));
    samples.push({ atMs: i * everyMs, pssKiB: (await peer.usage()).pssKiB });
  }
  const between = (fromMs: number, toMs: number): number => {
    const inside = samples.filter(({ atMs }) => atMs > fromMs * scale && atMs <= toMs * scale);
    return sum(inside.map(({ pssKiB }) => pssKiB)) / inside.length / 1024;
  };
  for (let toMs = 3 * WINDOW_MS; toMs < DURATION_MS; toMs += WINDOW_MS) {
    list.add(`memory, minute ${toMs / WINDOW_MS}`, between(toMs - WINDOW_MS, toMs), "MiB");
  }
  const first = between(WARM_UP_MS, WARM_UP_MS + WINDOW_MS);
  const last = between(DURATION_MS - WINDOW_MS, DURATION_MS);
  list.add("memory, first minute after the warm-up", first, "MiB");
  list.add("memory, last minute", last, "MiB");
  list.add("memory, last beside first", last / first, "times");
}

function addWakes(list: FigureList, idlers: readonly Idler[], sentAtMs: readonly Float64Array[]): void {
  const times: number[] = [];
  let missed = 0;
  for (const { account, toldAtMs } of idlers) {
    const sent = sentAtMs[account] ?? new Float64Array();
    missed += Math.max(0, sent.length - toldAtMs.length);
    for (const [index, atMs] of toldAtMs.entries()) times.push(atMs - (sent[index] ?? Number.NaN));
  }
  list.add("sessions told", times.length, "count", "more");
  list.add("wakes missed", missed, "count");
  list.addSpread("end of data to EXISTS", times);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
