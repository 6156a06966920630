// Clients that work for long, each called in a process of its own (`apart.ts`).
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { sharedNow } from "./apart.ts";
import { ImapClient } from "./imap-client.ts";
import { type Endpoint, openLmtp } from "./line-client.ts";
import { userAt } from "./peers/accounts.ts";
import { Sender } from "./sender.ts";

const OPENED_AT_ONCE = 16;
const PIECE = "0123456789 abcdefghijklmnopqrstuvwxyz 0123456789 abcdefghijklmnopqrst\r\n".repeat(900);
const SENDERS = 16;
const MAIL_BYTES = 4_096;
const READER_PAUSE_MS = 100;

/** Sends large mails one after the other until the time is over. */
export async function sendLarge(to: { lmtp: Endpoint; user: string; bytes: number; forMs: number }): Promise<number> {
  const lmtp = await openLmtp(to.lmtp);
  const end = performance.now() + to.forMs;
  let sent = 0;
  do {
    lmtp.write(`MAIL FROM:<sender@example.net>\r\nRCPT TO:<${to.user}>\r\nDATA\r\n`);
    await lmtp.until((line) => line.startsWith("354"));
    lmtp.write("From: a@example.net\r\nSubject: a large mail\r\n\r\n");
    for (let bytes = 0; bytes < to.bytes; bytes += PIECE.length) {
      if (!lmtp.socket.write(PIECE, "latin1")) await once(lmtp.socket, "drain");
    }
    lmtp.write(".\r\n");
    const { line } = await lmtp.until((reply) => /^[245]\d\d /.test(reply));
    if (!line.startsWith("250")) throw new Error(line);
    sent++;
  } while (performance.now() < end);
  lmtp.close();
  return sent;
}

/** Carries out commands on INBOX in turn, until the time is over and at least once. */
export async function repeatCommands(of: {
  imap: Endpoint;
  user: string;
  commands: readonly string[];
  forMs: number;
}): Promise<number> {
  const client = await ImapClient.open(of.imap, of.user);
  await client.command("SELECT INBOX");
  const end = performance.now() + of.forMs;
  let done = 0;
  do await client.command(of.commands[done++ % of.commands.length] as string);
  while (performance.now() < end);
  client.close();
  return done;
}

/** An idle session: whose, and when (`sharedNow`) it was told of its first, second, third mail. */
export interface Idler {
  readonly account: number;
  readonly toldAtMs: Float64Array;
}

const idlers: { readonly account: number; readonly toldAtMs: number[]; readonly client: ImapClient }[] = [];

/** Opens idle sessions on the INBOXes of accounts in turn. */
export async function openIdlers(of: { imap: Endpoint; sessions: readonly number[]; accounts: number }): Promise<void> {
  let next = 0;
  const opener = async (): Promise<void> => {
    for (let index = of.sessions[next++]; index !== undefined; index = of.sessions[next++]) {
      const account = index % of.accounts;
      const client = await ImapClient.open(of.imap, userAt(account), { localAddress: `127.0.0.${1 + (index % 50)}` });
      await client.command("SELECT INBOX");
      const toldAtMs: number[] = [];
      await client.idle((line) => {
        if (!line.endsWith(" EXISTS")) return;
        const exists = Number.parseInt(line.slice(2), 10);
        for (const atMs = sharedNow(); toldAtMs.length < exists;) toldAtMs.push(atMs);
      });
      idlers.push({ account, toldAtMs, client });
    }
  };
  await Promise.all(Array.from({ length: OPENED_AT_ONCE }, opener));
}

/** What the idle sessions were told. Throws where one of them is gone. */
export async function reportIdlers(): Promise<readonly Idler[]> {
  return idlers.map(({ account, toldAtMs, client }) => {
    if (client.socket.destroyed) throw new Error("an idle session has ended");
    return { account, toldAtMs: Float64Array.from(toldAtMs) };
  });
}

/** Sends at a steady rate to accounts in turn; gives when (`sharedNow`) each account's mails were sent. */
export async function sendSteadily(of: {
  lmtp: Endpoint;
  perSecond: number;
  forMs: number;
  accounts: number;
}): Promise<readonly Float64Array[]> {
  const sentAtMs: number[][] = Array.from({ length: of.accounts }, () => []);
  // An account belongs to one sender: its mails arrive in the order in which they were sent.
  const senders = await Promise.all(Array.from({ length: SENDERS }, () => Sender.open(of.lmtp, MAIL_BYTES)));
  const ready = senders.map(() => Promise.resolve());
  const total = Math.floor((of.perSecond * of.forMs) / 1000);
  const start = performance.now();
  const offset = sharedNow() - performance.now();
  for (let mail = 0; mail < total; mail++) {
    const dueMs = start + (mail * 1000) / of.perSecond;
    if (dueMs > performance.now()) await setTimeout(dueMs - performance.now());
    const account = mail % of.accounts;
    const mine = account % SENDERS;
    const sent = (ready[mine] as Promise<void>).then(async () => {
      const { sentAtMs: atMs } = await (senders[mine] as Sender).send(userAt(account));
      sentAtMs[account]?.push(atMs + offset);
    });
    sent.catch(() => undefined);
    ready[mine] = sent;
  }
  await Promise.all(ready);
  for (const sender of senders) sender.close();
  return sentAtMs.map((times) => Float64Array.from(times));
}

/** People at work: each lists, reads, searches and flags the mails of an account, with short pauses; counts commands. */
export async function readSteadily(of: { imap: Endpoint; readers: number; forMs: number }): Promise<number> {
  const end = performance.now() + of.forMs;
  let commands = 0;
  const reader = async (index: number): Promise<void> => {
    const client = await ImapClient.open(of.imap, userAt(index));
    while (performance.now() < end) {
      const { lines } = await client.command("SELECT INBOX");
      const exists = Number.parseInt(lines.find((line) => line.endsWith(" EXISTS"))?.slice(2) ?? "0", 10);
      const work = ["FETCH 1:* (UID FLAGS ENVELOPE)", `FETCH ${Math.max(1, exists - 4)}:* BODY.PEEK[]`];
      work.push("SEARCH TEXT abcdefghij", `STORE ${exists} ${commands % 2 === 0 ? "+" : "-"}FLAGS (\\Seen)`, "NOOP");
      for (const command of exists === 0 ? ["NOOP"] : work) {
        await client.command(command);
        commands++;
        await setTimeout(READER_PAUSE_MS);
      }
    }
    client.close();
  };
  await Promise.all(Array.from({ length: of.readers }, (_, index) => reader(index)));
  return commands;
}
