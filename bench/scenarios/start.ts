// How long a server is away: from its start to taking logins, with very many mails, ended in order and killed.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { FigureList, mustBe } from "../figure-list.ts";
import { ImapClient, numberIn } from "../imap-client.ts";
import type { Peer } from "../peer.ts";
import { userAt } from "../peers/accounts.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";
import { Sender } from "../sender.ts";

const MAILBOXES = 1_000;
const MAILS_EACH = 1_000;
/** A thousand each would take the peers hours, and what they do at a start does not depend on it. */
const PEERS_MAILS_EACH = 1;
const RECIPIENTS = 100;
const CONNECTIONS = 16;
const MAIL_BYTES = 4_096;
/** Somewhat less than what a checkpoint is taken after: the most that is ever left to read again. */
const MAILS_SINCE_CHECKPOINT = 12_000;
const ROUNDS = 3;

export const start: Scenario = {
  name: "start",
  what: `to taking logins: ${MAILBOXES} accounts, 1,000,000 mails (the peers: ${MAILBOXES}); pushmail in memory, within another program`,
  against: ["dovecot", "cyrus"],
  run,
};

async function run(startPeer: StartPeer, { scale }: Repeat): Promise<readonly Figure[]> {
  const list = new FigureList();
  const users = Array.from({ length: Math.ceil(MAILBOXES * scale) }, (_, index) => userAt(index));
  const peer = await startPeer({ accounts: users.length });
  const isOwn = peer.name === "pushmail";
  if (isOwn) for (let i = 0; i < ROUNDS; i++) list.add("in memory, from import to listening", startInMemory(), "ms");
  try {
    const delivered = new Map<string, number>();
    await deliver(peer, { mails: groupsOf(users, isOwn ? MAILS_EACH : PEERS_MAILS_EACH), delivered });
    for (let i = 0; i < ROUNDS; i++) await restart(list, peer, { delivered, kill: false });
    for (let i = 0; i < ROUNDS; i++) {
      const most = isOwn ? MAILS_SINCE_CHECKPOINT * Math.min(1, scale * 4) : users.length;
      await deliver(peer, { mails: Array.from({ length: most }, (_, n) => [userAt(n % users.length)]), delivered });
      await restart(list, peer, { delivered, kill: true });
    }
  } finally {
    await peer.end();
  }
  return list.figures;
}

/** Every user's mails, each mail to many users. */
function groupsOf(users: readonly string[], mailsEach: number): string[][] {
  const groups: string[][] = [];
  for (let at = 0; at < users.length; at += RECIPIENTS) groups.push(users.slice(at, at + RECIPIENTS));
  return Array.from({ length: mailsEach }, () => groups).flat();
}

interface Course {
  /** The recipients of each. */
  readonly mails: readonly (readonly string[])[];
  readonly delivered: Map<string, number>;
}

async function deliver(peer: Peer, { mails, delivered }: Course): Promise<void> {
  let next = 0;
  const send = async (): Promise<void> => {
    const sender = await Sender.open(peer.lmtp, MAIL_BYTES);
    for (let mail = mails[next++]; mail !== undefined; mail = mails[next++]) {
      await sender.sendToAll(mail);
      for (const user of mail) delivered.set(user, (delivered.get(user) ?? 0) + 1);
    }
    sender.close();
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, send));
}

/** Ends the peer, starts it, and looks whether all is there. */
async function restart(
  list: FigureList,
  peer: Peer,
  { delivered, kill }: { readonly delivered: ReadonlyMap<string, number>; readonly kill: boolean },
): Promise<void> {
  const how = kill ? "killed" : "ended in order";
  const { startMs } = await peer.restart({ kill });
  list.add(`${how}, to taking logins`, startMs, "ms");
  for (const [index, [user, messages]] of [...delivered].entries()) {
    const client = await ImapClient.open(peer.imap, user);
    const beganMs = performance.now();
    const answer = await client.command("SELECT INBOX");
    if (index === 0) list.add(`${how}, the first SELECT`, performance.now() - beganMs, "ms");
    mustBe(`SELECT of ${user}`, numberIn(answer, "EXISTS"), messages);
    client.close();
  }
}

/** In a process of its own: what one imports twice is there already. */
function startInMemory(): number {
  const program = fileURLToPath(new URL("../in-memory-start.js", import.meta.url));
  return Number(execFileSync(process.execPath, [program], { encoding: "utf8" }));
}
