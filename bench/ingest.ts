// Ingest: mails a second and CPU a mail, many LMTP connections at once into one mailbox and into many, durable.
// Usage: npm run build && node bench/dist/ingest.js [--mails 5000] [--connections 64] [--against dovecot] [--json FILE]
import { readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { openLmtp, type LineClient } from "./line-client.ts";
import { startDovecotPeer, startPushmailPeer, USERS, type Peer } from "./peers.ts";
import { spreadOf, type Spread } from "./statistics.ts";

const MAIL_BYTES = 4096;
const LINE = "0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrst\r\n";

interface Run {
  readonly server: string;
  readonly mailboxes: number;
  readonly mailsPerSecond: number;
  /** Of all the server's processes; undefined where the system does not tell. */
  readonly cpuSecondsPerThousand: number | undefined;
  readonly acceptedMs: Spread;
}

const { values: options } = parseArgs({
  options: {
    mails: { type: "string", default: "5000" },
    connections: { type: "string", default: "64" },
    against: { type: "string" },
    json: { type: "string" },
  },
});

async function deliver(lmtp: LineClient, user: string, number: number): Promise<number> {
  const head = `From: bench@localhost\r\nTo: ${user}\r\nSubject: mail ${number}\r\nMessage-ID: <${number}@bench>\r\n\r\n`;
  lmtp.write(`MAIL FROM:<sender@example.net>\r\nRCPT TO:<${user}>\r\nDATA\r\n`);
  await lmtp.until((line) => line.startsWith("354"));
  const accepted = lmtp.until((line) => /^[245]\d\d /.test(line));
  const start = performance.now();
  lmtp.write(`${head}${LINE.repeat(Math.ceil((MAIL_BYTES - head.length) / LINE.length))}.\r\n`);
  const { line, atMs } = await accepted;
  if (!line.startsWith("250")) throw new Error(line);
  return atMs - start;
}

/** CPU seconds that a process and its descendants, ended ones included, have taken; Linux tells, others do not. */
function cpuSeconds(pid: string): number | undefined {
  if (process.platform !== "linux") return undefined;
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return childrenOf(pid).reduce((sum, child) => sum + (cpuSeconds(child) ?? 0), ticks / 100);
}

function childrenOf(pid: string | number): string[] {
  if (process.platform !== "linux") return [];
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
}

interface Started {
  readonly peer: Peer;
  /** The process that it was started as. */
  readonly pid: string;
  readonly clients: readonly LineClient[];
}

async function started(start: () => Promise<Peer>): Promise<Started> {
  const others = new Set(childrenOf(process.pid));
  const peer = await start();
  const pid = childrenOf(process.pid).find((child) => !others.has(child)) ?? "";
  const clients: LineClient[] = [];
  for (let i = 0; i < Number(options.connections); i++) clients.push(await openLmtp(peer.lmtp));
  return { peer, pid, clients };
}

async function run(
  { peer, pid, clients }: Started,
  { mailboxes, mails }: { mailboxes: number; mails: number },
): Promise<Run> {
  const users = USERS.slice(0, mailboxes);
  const times: number[] = [];
  let next = 0;
  const cpu = cpuSeconds(pid);
  const start = performance.now();
  await Promise.all(
    clients.map(async (client) => {
      while (next < mails) {
        const number = next++;
        times.push(await deliver(client, users[number % users.length] as string, number));
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  const cpuAfter = cpuSeconds(pid);
  return {
    server: peer.name,
    mailboxes,
    mailsPerSecond: Math.round(mails / seconds),
    cpuSecondsPerThousand:
      cpu === undefined || cpuAfter === undefined ? undefined : Math.round(((cpuAfter - cpu) * 1e5) / mails) / 100,
    acceptedMs: spreadOf(times),
  };
}

const peers = [await started(startPushmailPeer)];
if (options.against?.split(",").includes("dovecot") === true) peers.push(await started(startDovecotPeer));
const mails = Number(options.mails);
const runs: Run[] = [];
try {
  for (const peer of peers) await run(peer, { mailboxes: 1, mails: 500 });
  for (const mailboxes of [1, 100]) {
    for (const peer of peers) {
      const result = await run(peer, { mailboxes, mails });
      runs.push(result);
      process.stdout.write(`${JSON.stringify(result)}\n`);
    }
  }
} finally {
  for (const { peer, clients } of peers) {
    for (const client of clients) client.close();
    await peer.end();
  }
}
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ mails, runs }, null, 2)}\n`);
