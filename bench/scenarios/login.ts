// Logins: the first of each account, whose password is checked against its stored hash, and those that follow.
import { FigureList } from "../figure-list.ts";
import { LineClient, type Endpoint } from "../line-client.ts";
import type { Peer } from "../peer.ts";
import { PASSWORD, userAt } from "../peers/accounts.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";
import { percentile } from "../statistics.ts";

const ACCOUNTS = 20;
const AT_ONCE = 16;
const RUN_MS = 4_000;
const ONE_BY_ONE = 200;

export const login: Scenario = {
  name: "login",
  what: "connect, LOGIN, LOGOUT; pushmail stores scrypt hashes, the peers compare the password as it is",
  against: ["dovecot", "cyrus"],
  run,
};

async function run(start: StartPeer, { scale }: Repeat): Promise<readonly Figure[]> {
  const list = new FigureList();
  const peer = await start({ accounts: ACCOUNTS, realHashes: true });
  try {
    await measure(list, peer, "first login of an account", async () => {
      const times: number[] = [];
      for (let i = 0; i < ACCOUNTS; i++) times.push(await logIn(peer.imap, i));
      return times;
    });
    await measure(list, peer, "later login", async () => {
      const times: number[] = [];
      for (let i = 0; i < ONE_BY_ONE * scale; i++) times.push(await logIn(peer.imap, i));
      return times;
    });
    await measureRate(list, peer, RUN_MS * scale);
    await rejects(peer.imap);
  } finally {
    await peer.end();
  }
  return list.figures;
}

async function measure(list: FigureList, peer: Peer, what: string, work: () => Promise<number[]>): Promise<void> {
  const before = await peer.usage();
  const times = await work();
  const cpuSeconds = (await peer.usage()).cpuSeconds - before.cpuSeconds;
  list.add(`${what}: LOGIN to OK, p50`, percentile(times, 0.5), "ms");
  list.add(`${what}: LOGIN to OK, p99`, percentile(times, 0.99), "ms");
  list.add(`${what}: CPU`, (cpuSeconds * 1000) / times.length, "ms");
}

async function measureRate(list: FigureList, peer: Peer, mostMs: number): Promise<void> {
  const before = await peer.usage();
  const startMs = performance.now();
  let logins = 0;
  const client = async (): Promise<void> => {
    while (performance.now() < startMs + mostMs) await logIn(peer.imap, logins++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, client));
  const cpuSeconds = (await peer.usage()).cpuSeconds - before.cpuSeconds;
  list.add(`${AT_ONCE} at once: logins`, (logins * 1000) / (performance.now() - startMs), "per s", "more");
  list.add(`${AT_ONCE} at once: CPU`, (cpuSeconds * 1000) / logins, "ms");
}

/** Logs in and out; gives how long LOGIN took. */
async function logIn(imap: Endpoint, number: number): Promise<number> {
  const client = await LineClient.connect(imap);
  await client.until((line) => line.startsWith("* OK"));
  const startMs = performance.now();
  client.write(`a LOGIN ${userAt(number % ACCOUNTS)} ${PASSWORD}\r\n`);
  const { line, atMs } = await client.until((text) => text.startsWith("a "));
  if (!line.startsWith("a OK")) throw new Error(line);
  client.write("b LOGOUT\r\n");
  await client.until((text) => text.startsWith("b OK"));
  client.close();
  return atMs - startMs;
}

async function rejects(imap: Endpoint): Promise<void> {
  const client = await LineClient.connect(imap);
  await client.until((line) => line.startsWith("* OK"));
  client.write(`a LOGIN ${userAt(0)} wrong\r\n`);
  const { line } = await client.until((text) => text.startsWith("a "));
  client.close();
  if (!line.startsWith("a NO")) throw new Error(`a wrong password was answered with ${line}`);
}
