// Hours of life of one server: senders, changers, watchers, the CLI and mbsync at work, kills at random, and after each
// round everything read back and compared. Usage: npm run soak -- [--minutes 60] [--seed N] [--report FILE]
import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout } from "node:timers/promises";
import { parseArgs, promisify } from "node:util";
import { makeDataDirectory } from "../support/data-directory.ts";
import { RawImap } from "../support/raw-imap.ts";
import { RawSmtp } from "../support/raw-smtp.ts";
import { seededRandom } from "../support/seeded-random.ts";
import { PUSHMAIL_MAIN, ServerProcess, type Address } from "../support/server-process.ts";
import { AccountModel, places, type State } from "./account-model.ts";
import { change, PASSWORD, send, Watcher, type Stage } from "./actors.ts";
import { Numbers, observe } from "./observe.ts";

const ACCOUNTS = 8;
const SENDERS = 4;
const WATCHERS_PER_ACCOUNT = 3;
const ROUND_SECONDS_MAX = 45;
const TAILED = "tailed@example.org";
const LATE_PUSH_MS = 5_000;
/** Within a life of the server, so that kills meet it. */
const COMPACT_EVERY_MS = 10_000;

const { values: options } = parseArgs({
  options: {
    minutes: { type: "string", default: "60" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    report: { type: "string" },
  },
});
const random = seededRandom(Number(options.seed));
const run = promisify(execFile);
const models = Array.from({ length: ACCOUNTS }, (_, i) => new AccountModel(`soak${i}@example.org`));
const numbers = new Map(models.map(({ user }) => [user, new Numbers()]));
const directory = await makeDataDirectory(
  [...models.map(({ user }) => user), TAILED].map((user) => `${user}:${PASSWORD}`),
);
/** Free ones at the first start, and the same from then on: the CLI comes back to them. */
let ports = { smtp: 0, imap: 0 };
const faults: string[] = [];
const report = {
  seed: Number(options.seed),
  minutes: Number(options.minutes),
  rounds: 0,
  ends: { SIGKILL: 0, SIGTERM: 0, none: 0 },
  delivered: 0,
  appended: 0,
  changed: 0,
  pushed: 0,
  viewsCompared: 0,
  octetsCompared: 0,
  mailsCompared: 0,
  checks: 0,
  restores: 0,
  syncs: 0,
  tailed: { acknowledged: 0, printed: 0, missing: 0, twice: 0 },
  pushAfter250Ms: { p50: 0, p99: 0, max: 0 },
  restartMs: { p50: 0, max: 0 },
  rssMiB: [] as number[],
  faults,
};
const latencies: number[] = [];
const restarts: number[] = [];
const tailed = { acknowledged: new Set<string>(), printed: new Map<string, number>() };
let ids = 0;

function stage(): Stage {
  return {
    random,
    pause: (longestMs) => setTimeout(random() * longestMs),
    nextId: () => `s${++ids}`,
    counts: report,
    isQuiet: false,
  };
}

async function start(): Promise<ServerProcess> {
  const begun = performance.now();
  const server = await ServerProcess.start(
    [
      `--data=${directory.data}`,
      `--users=${directory.users}`,
      `--smtp=${ports.smtp}`,
      `--imap=${ports.imap}`,
      "--log-level=warn",
    ],
    { PUSHMAIL_LIMITS_PROCESS_COMPACT_EVERY_MS: String(COMPACT_EVERY_MS) },
  );
  restarts.push(performance.now() - begun);
  ports = { smtp: server.ready.smtp?.port ?? 0, imap: server.ready.imap?.port ?? 0 };
  return server;
}

/** Mails to one account, one after the other: how long after its 250 each is pushed, and all of them to the CLI. */
async function probe(at: Stage, server: ServerProcess): Promise<void> {
  const { smtp, imap } = server.ready as { smtp: Address; imap: Address };
  const idle = await RawImap.open(imap, { user: TAILED, password: PASSWORD, mailbox: "INBOX" });
  await idle.idle();
  const sender = await RawSmtp.connect(smtp);
  while (!at.isQuiet) {
    const id = `t${++ids}`;
    const told = idle.until((line) => line.endsWith(" EXISTS"), "EXISTS").then(() => performance.now());
    told.catch(() => undefined);
    const reply = await sender.send(TAILED, `Subject: ${id}\r\n\r\n${id}\r\n`);
    if (!reply.startsWith("250")) throw new Error(reply);
    const acknowledged = performance.now();
    tailed.acknowledged.add(id);
    const after = (await told) - acknowledged;
    latencies.push(Math.max(0, after));
    if (after > LATE_PUSH_MS) faults.push(`${id} was pushed ${after} ms after its 250`);
    await at.pause(500);
  }
  sender.close();
  idle.close();
}

function startTail(): ChildProcess {
  const state = join(directory.path, "tail-state");
  const connection = ["--port", String(ports.imap), "--user", TAILED, "--password", PASSWORD];
  const child = spawn(
    process.execPath,
    [PUSHMAIL_MAIN, "tail", "--json", "--from-start", "--state", state, ...connection],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  createInterface({ input: child.stdout }).on("line", (line) => {
    const { subject } = JSON.parse(line) as { subject?: string };
    if (subject !== undefined) tailed.printed.set(subject, (tailed.printed.get(subject) ?? 0) + 1);
  });
  return child;
}

/** One round: everybody works until it is over, then the server is killed, ended, or left as it is. */
async function round(server: ServerProcess): Promise<ServerProcess> {
  const { smtp, imap } = server.ready as { smtp: Address; imap: Address };
  const at = stage();
  const watched = models.flatMap((model) => Array.from({ length: WATCHERS_PER_ACCOUNT }, () => model));
  const watchers = await Promise.all(watched.map(({ user }) => Watcher.open(imap, user)));
  const following = watchers.map((watcher) => watcher.follow(at).catch(() => undefined));
  const work = [
    probe(at, server),
    ...Array.from({ length: SENDERS }, () => send(at, smtp, models)),
    ...models.map((model) => change(at, imap, model)),
  ];
  const settled = Promise.allSettled(work);
  await setTimeout((0.2 + 0.8 * random()) * ROUND_SECONDS_MAX * 1_000);
  const drawn = random();
  const end = drawn < 0.7 ? "SIGKILL" : drawn < 0.85 ? "SIGTERM" : "none";
  report.ends[end]++;
  report.rssMiB.push(residentMiB(server.ready.pid));
  if (end === "none") {
    at.isQuiet = true;
    for (const outcome of await settled) if (outcome.status === "rejected") faults.push(String(outcome.reason));
    await compareViews(at, watchers, imap);
    watchers.forEach((watcher) => watcher.close());
    await Promise.all(following);
    await backUp();
    return server;
  }
  const code = await server.end(end);
  if (end === "SIGTERM" && code !== 0) faults.push(`SIGTERM ended it with ${String(code)}: ${server.log.slice(-500)}`);
  for (const outcome of await settled) {
    const reason = outcome.status === "rejected" ? String(outcome.reason) : "";
    if (!/^$|connection ended|EPIPE|ECONNRESET|ECONNREFUSED|421 /.test(reason)) faults.push(reason);
  }
  watchers.forEach((watcher) => watcher.close());
  await Promise.all(following);
  await maintain("check", ["--data", directory.data]);
  report.checks++;
  return start();
}

/** Every watcher must come to know of every message in IDLE alone; then its view is compared with a fresh one. */
async function compareViews(at: Stage, watchers: readonly Watcher[], imap: Address): Promise<void> {
  for (const [i, watcher] of watchers.entries()) {
    const { user } = models[Math.floor(i / WATCHERS_PER_ACCOUNT)] as AccountModel;
    const session = await RawImap.open(imap, { user, password: PASSWORD });
    const told = (await session.ok("STATUS INBOX (MESSAGES)")).join(" ");
    session.close();
    const exists = Number(/MESSAGES (\d+)/.exec(told)?.[1]);
    await watcher.awaitExists(exists).catch((error: unknown) => faults.push(`${user}: missed wake: ${String(error)}`));
    faults.push(...(await watcher.compare(at)).map((fault) => `${user}: ${fault}`));
  }
}

/** Reads every account and compares it with what was acknowledged. */
async function settle(server: ServerProcess): Promise<void> {
  for (const model of models) {
    const session = await RawImap.open(server.ready.imap as Address, { user: model.user, password: PASSWORD });
    const observed = await observe(session, numbers.get(model.user) as Numbers);
    faults.push(...observed.faults.map((fault) => `${model.user}: ${fault}`), ...model.settle(observed));
    report.octetsCompared += observed.octets;
    report.mailsCompared += observed.states.size;
    session.close();
  }
}

/** A backup of the running server, restored beside it and checked. */
async function backUp(): Promise<void> {
  const [backup, restored] = ["backup", `restored-${report.rounds}`].map((name) => join(directory.path, name));
  await maintain("backup", [backup as string, "--data", directory.data]);
  await maintain("restore", [backup as string, "--data", restored as string]);
  report.restores++;
}

/** A maintenance command must find nothing wrong. */
async function maintain(command: string, args: readonly string[]): Promise<void> {
  try {
    await run(process.execPath, [PUSHMAIL_MAIN, command, ...args], { maxBuffer: 64 * 1024 * 1024 });
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    faults.push(`${command}: ${String(error)} ${stdout.slice(-2_000)} ${stderr.slice(-2_000)}`);
  }
}

/** mbsync pulls an account into a Maildir that it keeps over all rounds; both sides must then hold as many mails. */
async function syncWithMbsync(): Promise<void> {
  const model = models[report.rounds % models.length] as AccountModel;
  const maildir = join(directory.path, `maildir-${model.user}`);
  mkdirSync(maildir, { recursive: true });
  const rc = join(directory.path, `mbsyncrc-${model.user}`);
  writeFileSync(
    rc,
    `IMAPAccount a\nHost 127.0.0.1\nPort ${ports.imap}\nUser ${model.user}\nPass ${PASSWORD}\nSSLType None\nAuthMechs LOGIN\n
IMAPStore far\nAccount a\n\nMaildirStore near\nPath ${maildir}/\nInbox ${maildir}/INBOX\n
Channel a\nFar :far:\nNear :near:\nPatterns INBOX\nSync Pull\nCreate Near\nRemove Near\nExpunge Near\nSyncState *\n`,
  );
  try {
    await run("mbsync", ["-c", rc, "-a"]);
  } catch (error) {
    faults.push(`mbsync: ${String(error)}`);
  }
  const near = ["cur", "new"].flatMap((part) => readdirSync(join(maildir, "INBOX", part))).length;
  // What is marked as deleted it would expunge at once, and does not pull.
  const far = model.mailsIn("INBOX").filter((id) => !isDeleted(model.states.get(id) ?? "")).length;
  if (near !== far) faults.push(`mbsync has ${near} mails of ${model.user}, the server ${far}`);
  report.syncs++;
}

function isDeleted(state: State): boolean {
  return places(state).get("INBOX")?.includes("\\Deleted") === true;
}

function residentMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) * 100) / 100;
}

function hasMbsync(): boolean {
  try {
    execFileSync("mbsync", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

let server = await start();
const tail = startTail();
const isMbsyncThere = hasMbsync();
const begunAt = Date.now();
const endAt = begunAt + Number(options.minutes) * 60_000;
while (Date.now() < endAt) {
  const known = faults.length;
  try {
    server = await round(server);
    await settle(server);
    if (isMbsyncThere) await syncWithMbsync();
  } catch (error) {
    faults.push(`round ${report.rounds + 1} could not go on: ${String(error)}`);
    break;
  }
  report.rounds++;
  console.log(
    `${new Date().toISOString()} round ${report.rounds}: ${report.delivered + report.appended} mails acknowledged, ` +
      `${report.changed} changes, ${report.ends.SIGKILL} kills, ${report.rssMiB.at(-1)} MiB, ${faults.length} faults`,
  );
  for (const fault of faults.slice(known)) console.log(fault);
}
// What the CLI has not printed by now is late; it has as long as a push may take, and its own way back after a kill.
const printedBy = Date.now() + 60_000;
const missing = (): string[] => [...tailed.acknowledged].filter((id) => !tailed.printed.has(id));
while (missing().length > 0 && Date.now() < printedBy) await setTimeout(200);
report.tailed = {
  acknowledged: tailed.acknowledged.size,
  printed: tailed.printed.size,
  missing: missing().length,
  twice: [...tailed.printed.values()].filter((times) => times > 1).length,
};
if (report.tailed.missing > 0) faults.push(`the CLI did not print ${missing().slice(0, 20).join()}`);
if (report.tailed.twice > 0) faults.push(`the CLI printed ${report.tailed.twice} mails more than once`);
tail.kill("SIGTERM");
report.pushAfter250Ms = {
  p50: percentile(latencies, 0.5),
  p99: percentile(latencies, 0.99),
  max: percentile(latencies, 1),
};
report.minutes = Math.round((Date.now() - begunAt) / 60_000);
report.restartMs = { p50: percentile(restarts, 0.5), max: percentile(restarts, 1) };
const code = await server.end();
if (code !== 0) faults.push(`it ended with ${String(code)}`);
console.log(JSON.stringify(report, null, 2));
if (options.report !== undefined) writeFileSync(options.report, `${JSON.stringify(report, null, 2)}\n`);
if (faults.length === 0) await directory.remove();
else console.log(`the data is left in ${directory.path}`);
process.exitCode = faults.length === 0 ? 0 : 1;
