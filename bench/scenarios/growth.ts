// What a mailbox of very many small mails costs beside one of 10,000, where the answer itself does not grow.
import { FigureList, mustBe, NOT_ANNOUNCED } from "../figure-list.ts";
import { fillSmall } from "../fill.ts";
import { type Answer, ImapClient, numberIn } from "../imap-client.ts";
import { smallMail } from "../mail-corpus.ts";
import type { Peer } from "../peer.ts";
import { userAt } from "../peers/accounts.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";

const SIZES = [1_000, 10_000, 100_000, 1_000_000];
const BASE = 10_000;
/** Filling the largest takes the peers hours. */
const PEERS_MAX = 100_000;
const ROUNDS = 5;
/** A client that asks for everything gets an answer that grows with the mailbox. */
const ROUNDS_OF_ALL = 2;
const CHANGES = 100;
const COLD_SELECT = "SELECT after a restart";

export const growth: Scenario = {
  name: "growth",
  what: "1,000 to 1,000,000 small mails: SELECT, APPEND, new-mail sync, catch-up of 100 changes, STORE of all",
  against: ["dovecot", "cyrus"],
  repeatsMax: 2,
  run,
};

async function run(start: StartPeer, { scale }: Repeat): Promise<readonly Figure[]> {
  const list = new FigureList();
  const peer = await start({ accounts: SIZES.length });
  try {
    const sizes = SIZES.filter((size) => peer.name === "pushmail" || size <= PEERS_MAX);
    for (const [index, size] of sizes.entries()) {
      await fill(list, peer, { user: userAt(index), size: Math.ceil(size * scale), label: size });
      await measure(list, peer, { user: userAt(index), label: size });
    }
    await peer.restart();
    for (const [index, size] of sizes.entries()) {
      const client = await ImapClient.open(peer.imap, userAt(index));
      await list.time(`${COLD_SELECT} at ${size}`, peer, () => client.command("SELECT INBOX"));
      client.close();
    }
    addRatios(list, sizes);
  } finally {
    await peer.end();
  }
  return list.figures;
}

interface Box {
  readonly user: string;
  /** Its size as the figures name it. */
  readonly label: number;
}

async function fill(list: FigureList, peer: Peer, box: Box & { readonly size: number }): Promise<void> {
  const { user, size, label } = box;
  const start = performance.now();
  await fillSmall(peer, user, size);
  list.add(`filled to ${label}`, size / ((performance.now() - start) / 1000), "per s", "more");
  const client = await ImapClient.open(peer.imap, user);
  mustBe("SELECT", numberIn(await client.command("SELECT INBOX"), "EXISTS"), size);
  client.close();
}

async function measure(list: FigureList, peer: Peer, { user, label }: Box): Promise<void> {
  const writer = await ImapClient.open(peer.imap, user);
  await writer.command("SELECT INBOX");
  const announced = await writer.capabilities();
  const fresh = (): Promise<ImapClient> => ImapClient.open(peer.imap, user);
  const time = async <T>(what: string, work: () => Promise<T>): Promise<T> =>
    (await list.time(`${what} at ${label}`, peer, work)).result;

  for (let i = 0; i < ROUNDS; i++) {
    const client = await fresh();
    await time("SELECT", () => client.command("SELECT INBOX"));
    await time("APPEND", () => client.append("INBOX", [smallMail(i)]));
    const seen = numberIn(await client.command("STATUS INBOX (UIDNEXT)"), "UIDNEXT");
    await client.command("NOOP");
    await writer.append("INBOX", [smallMail(i)]);
    const news = await time("new-mail sync", async () => {
      await client.command("NOOP");
      return client.command(`UID FETCH ${seen}:* (FLAGS ENVELOPE)`);
    });
    mustBe("new-mail sync", fetchesOf(news), 1);
    client.close();
  }
  await writer.command("NOOP");
  for (const sign of ["+", "-", "+", "-"])
    await time("STORE of all", () => writer.command(`STORE 1:* ${sign}FLAGS.SILENT (\\Flagged)`));

  let changes = 0;
  for (const way of CATCH_UPS) {
    if (way.capability !== undefined && !announced.has(way.capability)) {
      list.add(`${way.name} at ${label}`, NOT_ANNOUNCED, "ms");
      continue;
    }
    if (way.capability === "QRESYNC") await writer.command("ENABLE QRESYNC");
    for (let i = 0; i < way.rounds; i++) {
      const known = await changeSome(writer, changes++ % 2 === 0 ? "+" : "-");
      const client = await fresh();
      if (way.capability === "QRESYNC") await client.command("ENABLE QRESYNC");
      const answers = await time(way.name, () => way.run(client, known));
      const told = answers.reduce((sum, answer) => sum + fetchesOf(answer), 0);
      mustBe(way.name, told, way.capability === undefined ? known.messages : Math.min(CHANGES, known.messages));
      client.close();
    }
  }
  writer.close();
}

interface Known {
  readonly messages: number;
  readonly uidValidity: number;
  readonly modSeq: number;
}

/** Three ways in which a client that was away learns of changed flags. */
const CATCH_UPS: readonly {
  readonly name: string;
  readonly capability?: string;
  readonly rounds: number;
  readonly run: (client: ImapClient, known: Known) => Promise<readonly Answer[]>;
}[] = [
  {
    name: "catch-up of 100 changes, QRESYNC",
    capability: "QRESYNC",
    rounds: ROUNDS,
    run: async (client, { uidValidity, modSeq }) => [
      await client.command(`SELECT INBOX (QRESYNC (${uidValidity} ${modSeq}))`),
    ],
  },
  {
    name: "catch-up of 100 changes, CHANGEDSINCE",
    capability: "CONDSTORE",
    rounds: ROUNDS,
    run: async (client, { modSeq }) => [
      await client.command("SELECT INBOX (CONDSTORE)"),
      await client.command(`UID FETCH 1:* (FLAGS) (CHANGEDSINCE ${modSeq})`),
    ],
  },
  {
    name: "catch-up of 100 changes, all flags",
    rounds: ROUNDS_OF_ALL,
    run: async (client) => [await client.command("SELECT INBOX"), await client.command("UID FETCH 1:* (FLAGS)")],
  },
];

/** Changes the flags of some messages all over the mailbox; gives what was known before. */
async function changeSome(writer: ImapClient, sign: "+" | "-"): Promise<Known> {
  const selected = await writer.command("SELECT INBOX");
  const messages = numberIn(selected, "EXISTS");
  const known = {
    messages,
    uidValidity: numberIn(selected, "UIDVALIDITY"),
    modSeq: numberIn(selected, "HIGHESTMODSEQ"),
  };
  const apart = Math.max(1, Math.floor(messages / CHANGES));
  const numbers = Array.from({ length: Math.min(CHANGES, messages) }, (_, index) => index * apart + 1);
  // One after the other, as they happen in life: each is a change of its own.
  for (const number of numbers) await writer.command(`STORE ${number} ${sign}FLAGS.SILENT (\\Answered)`);
  return known;
}

function addRatios(list: FigureList, sizes: readonly number[]): void {
  const names = [
    "SELECT",
    COLD_SELECT,
    "APPEND",
    "new-mail sync",
    "STORE of all",
    ...CATCH_UPS.map(({ name }) => name),
  ];
  for (const name of names) {
    for (const size of sizes) {
      if (size === BASE) continue;
      const times = list.median(`${name} at ${size}`) / list.median(`${name} at ${BASE}`);
      list.add(`${name}: ${size} beside ${BASE}`, times, "times");
    }
  }
}

function fetchesOf({ lines }: Answer): number {
  return lines.filter((line) => /^\* \d+ FETCH/.test(line)).length;
}
