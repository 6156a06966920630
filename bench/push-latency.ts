// Push latency: from the end of data of a durable delivery to EXISTS at a session in IDLE, all servers in one run,
// alternating in blocks. Usage: npm run bench:push -- [--mails 500] [--against dovecot] [--json FILE]
import { closeSync, fdatasyncSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { openIdle, openLmtp } from "./line-client.ts";
import { PASSWORD, startDovecotPeer, startPushmailPeer, USERS, type Peer } from "./peers.ts";
import { spreadOf, type Spread } from "./statistics.ts";

/** A block has a mailbox of its own: Dovecot's watch goes blind when the index log of a used one is rotated. */
const BLOCK_MAILS = 50;
/** A push that has not come by then is counted as missed. */
const MISSED_AFTER_MS = 5_000;
const MAIL_BYTES = 4096;

interface Samples {
  readonly accepted: number[];
  readonly told: number[];
  readonly toldAfterAccepted: number[];
  missed: number;
}

const { values: options } = parseArgs({
  options: { mails: { type: "string", default: "500" }, against: { type: "string" }, json: { type: "string" } },
});

/** Delivers one mail after the other to a session in IDLE. */
async function deliverBlock(peer: Peer, samples: Samples, block: { user: string; mails: number }): Promise<void> {
  const { user, mails } = block;
  const idle = await openIdle(peer.imap, user, PASSWORD);
  const lmtp = await openLmtp(peer.lmtp);
  for (let i = 0; i < mails; i++) {
    const head = `From: bench@localhost\r\nTo: ${user}\r\nSubject: mail ${i}\r\nMessage-ID: <${i}.${Math.random()}@bench>\r\n\r\n`;
    const body = "0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrst\r\n";
    lmtp.write(`MAIL FROM:<sender@example.net>\r\nRCPT TO:<${user}>\r\nDATA\r\n`);
    await lmtp.until((line) => line.startsWith("354"));
    lmtp.write(head + body.repeat(Math.ceil((MAIL_BYTES - head.length) / body.length)));
    const told = idle.until((line) => line.endsWith(" EXISTS"));
    const accepted = lmtp.until((line) => /^[245]\d\d /.test(line));
    const start = performance.now();
    lmtp.write(".\r\n");
    const reply = await accepted;
    if (!reply.line.startsWith("250")) throw new Error(`${peer.name}: ${reply.line}`);
    samples.accepted.push(reply.atMs - start);
    const exists = await Promise.race([told, setTimeout(MISSED_AFTER_MS, null, { ref: false })]);
    if (exists === null) {
      samples.missed++;
      continue;
    }
    samples.told.push(exists.atMs - start);
    samples.toldAfterAccepted.push(exists.atMs - reply.atMs);
  }
  idle.close();
  lmtp.close();
}

/** What the disk itself takes: 4 KiB appended and fdatasynced, one after the other. */
function measureDisk(directory: string): Spread {
  const path = join(directory, "fdatasync-probe");
  const file = openSync(path, "w");
  const block = Buffer.alloc(MAIL_BYTES, 1);
  const times: number[] = [];
  for (let i = 0; i < 300; i++) {
    const start = performance.now();
    writeSync(file, block);
    fdatasyncSync(file);
    times.push(performance.now() - start);
  }
  closeSync(file);
  rmSync(path);
  return spreadOf(times);
}

const peers: Peer[] = [await startPushmailPeer()];
if (options.against?.split(",").includes("dovecot") === true) peers.push(await startDovecotPeer());
const mails = Number(options.mails);
const samples = new Map(
  peers.map((peer) => [peer.name, { accepted: [], told: [], toldAfterAccepted: [], missed: 0 } as Samples]),
);
for (let done = 0; done < mails; done += BLOCK_MAILS) {
  const block = { user: USERS[done / BLOCK_MAILS] as string, mails: Math.min(BLOCK_MAILS, mails - done) };
  for (const peer of peers) await deliverBlock(peer, samples.get(peer.name) as Samples, block);
}
const disk = measureDisk((peers[0] as Peer).directory);
const rows: Record<string, Spread> = { "disk: 4 KiB append + fdatasync": disk };
for (const [name, { told, accepted, toldAfterAccepted }] of samples) {
  rows[`${name}: end of data to EXISTS`] = spreadOf(told);
  rows[`${name}: end of data to 250`] = spreadOf(accepted);
  rows[`${name}: 250 to EXISTS`] = spreadOf(toldAfterAccepted);
}
console.log(`${mails} mails of ${MAIL_BYTES} octets, milliseconds`);
console.table(rows);
const missed = Object.fromEntries(Array.from(samples, ([name, own]) => [name, own.missed]));
console.log("missed:", missed);
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ mails, rows, missed }, null, 2)}\n`);
for (const peer of peers) await peer.end();
