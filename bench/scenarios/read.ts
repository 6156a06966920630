// A mailbox of 10,000 mixed mails read, searched, flagged, copied and thinned out: the first time ever, warm, and after a
// restart of the server.
import { atRest } from "../at-rest.ts";
import { FigureList, mustBe, NOT_ANNOUNCED } from "../figure-list.ts";
import { type Answer, ImapClient, numberIn } from "../imap-client.ts";
import { type CorpusFacts, corpusFacts, corpusMails, SUBJECT_WORD, TEXT_WORD } from "../mail-corpus.ts";
import type { Peer } from "../peer.ts";
import { userAt } from "../peers/accounts.ts";
import type { Figure, Repeat, Scenario, StartPeer } from "../scenario.ts";

const MESSAGES = 10_000;
const WARM_ROUNDS = 3;
/** Behind the first ever: until what is compiled as it runs is compiled, everywhere. */
const ROUNDS_UNTIL_WARM = 3;
/** Numbers in one set: a line that every server takes. */
const SET_NUMBERS = 500;

export const read: Scenario = {
  name: "read",
  what: "10,000 mixed mails: SELECT, FETCH, SEARCH, SORT, THREAD, STORE, COPY, EXPUNGE, as first ever, warm, after a restart",
  against: ["dovecot", "cyrus"],
  run,
};

async function run(start: StartPeer, { scale }: Repeat): Promise<readonly Figure[]> {
  const facts = corpusFacts(Math.ceil(MESSAGES * scale));
  const list = new FigureList();
  const peer = await start({ accounts: 1 });
  try {
    const filler = await ImapClient.open(peer.imap, userAt(0));
    const { ms } = await list.time("APPEND of all", peer, () => filler.append("INBOX", corpusMails(facts.messages)));
    list.add("APPEND of all, mails", facts.messages / (ms / 1000), "per s", "more");
    filler.close();
    const state: Course = { list, peer, facts, rounds: { count: 0 } };
    await round(state, "first ever");
    await atRest(peer);
    for (let i = 0; i < ROUNDS_UNTIL_WARM; i++) await round({ ...state, list: new FigureList() }, "not counted");
    for (let i = 0; i < WARM_ROUNDS; i++) await round(state, "warm");
    await peer.restart();
    await round(state, "after a restart");
  } finally {
    await peer.end();
  }
  return list.figures;
}

interface Course {
  readonly list: FigureList;
  readonly peer: Peer;
  readonly facts: CorpusFacts;
  /** Each undoes what the one before did, so that every one changes all. */
  readonly rounds: { count: number };
}

/** Everything once, in a session of its own. */
async function round(course: Course, when: string): Promise<void> {
  const { list, peer, facts } = course;
  const client = await ImapClient.open(peer.imap, userAt(0));
  const announced = await client.capabilities();
  const time = async (what: string, command: string, check: (answer: Answer) => void): Promise<number> => {
    const { result, ms } = await list.time(`${what}, ${when}`, peer, () => client.command(command));
    check(result);
    return ms;
  };
  const { messages } = facts;
  await time("SELECT", "SELECT INBOX", (answer) => mustBe("SELECT", numberIn(answer, "EXISTS"), messages));
  const fetches = counting("FETCH", messages);
  await time("FETCH FLAGS", "FETCH 1:* (UID FLAGS)", fetches);
  await time("FETCH ENVELOPE BODYSTRUCTURE", "FETCH 1:* (UID ENVELOPE BODYSTRUCTURE)", fetches);
  await time("SEARCH SUBJECT", `SEARCH SUBJECT ${SUBJECT_WORD}`, (answer) =>
    mustBe("SEARCH SUBJECT", numbersOf(answer, "SEARCH").length, facts.subjectHits),
  );
  const bodiesMs = await time("FETCH BODY.PEEK[]", "FETCH 1:* (UID BODY.PEEK[])", (answer) => {
    fetches(answer);
    mustBe("octets of all bodies", answer.literalBytes, facts.bytes);
  });
  list.add(`FETCH BODY.PEEK[], ${when}, rate`, facts.bytes / 1e6 / (bodiesMs / 1000), "MB/s", "more");
  await time("SEARCH TEXT", `SEARCH TEXT ${TEXT_WORD}`, (answer) =>
    mustBe("SEARCH TEXT", numbersOf(answer, "SEARCH").length, facts.textHits),
  );
  const extensions = {
    SORT: ["SORT (REVERSE DATE) UTF-8 ALL", (answer: Answer) => checkSorted(answer, facts)],
    "THREAD=REFERENCES": ["THREAD REFERENCES UTF-8 ALL", (answer: Answer) => checkThreads(answer, facts)],
  } as const;
  for (const [capability, [command, check]] of Object.entries(extensions)) {
    if (announced.has(capability)) await time(capability, command, check);
    else list.add(`${capability}, ${when}`, NOT_ANNOUNCED, "ms");
  }
  const sign = course.rounds.count++ % 2 === 0 ? "+" : "-";
  await time("STORE of all", `STORE 1:* ${sign}FLAGS (\\Flagged)`, fetches);
  await copyAndExpunge(client, course, when);
  client.close();
}

async function copyAndExpunge(client: ImapClient, course: Course, when: string): Promise<void> {
  const { list, peer, facts, rounds } = course;
  const { messages } = facts;
  // A name of its own: Cyrus keeps a deleted one for a while.
  const copies = `copies${rounds.count}`;
  await client.command(`CREATE ${copies}`);
  await list.time(`COPY of all, ${when}`, peer, () => client.command(`COPY 1:* ${copies}`));
  mustBe("SELECT of the copies", numberIn(await client.command(`SELECT ${copies}`), "EXISTS"), messages);
  const odd = Array.from({ length: Math.ceil(messages / 2) }, (_, index) => 2 * index + 1);
  for (let at = 0; at < odd.length; at += SET_NUMBERS) {
    await client.command(`STORE ${odd.slice(at, at + SET_NUMBERS).join(",")} +FLAGS.SILENT (\\Deleted)`);
  }
  const { result } = await list.time(`EXPUNGE of every second, ${when}`, peer, () => client.command("EXPUNGE"));
  counting("EXPUNGE", odd.length)(result);
  await client.command("SELECT INBOX");
  await client.command(`DELETE ${copies}`);
}

/** Checks how many responses of a kind, such as `* 12 FETCH`, an answer has. */
function counting(kind: string, right: number): (answer: Answer) => void {
  const one = new RegExp(`^\\* \\d+ ${kind}`);
  return ({ lines }) => mustBe(kind, lines.filter((line) => one.test(line)).length, right);
}

/** The numbers of `* SEARCH 1 2 3` or of a response like it. */
function numbersOf({ lines }: Answer, kind: string): number[] {
  return lines.filter((line) => line.startsWith(`* ${kind}`)).flatMap((line) => (line.match(/\d+/g) ?? []).map(Number));
}

function checkSorted(answer: Answer, { latestFirst }: CorpusFacts): void {
  const found = numbersOf(answer, "SORT");
  mustBe("SORT, length", found.length, latestFirst.length);
  mustBe("SORT, numbers out of place", found.filter((number, index) => number !== latestFirst[index]).length, 0);
}

function checkThreads(answer: Answer, { messages, threads }: CorpusFacts): void {
  mustBe("THREAD, messages", numbersOf(answer, "THREAD").length, messages);
  let [depth, outermost] = [0, 0];
  for (const char of answer.lines.filter((line) => line.startsWith("* THREAD")).join("")) {
    if (char === "(" && depth++ === 0) outermost++;
    if (char === ")") depth--;
  }
  mustBe("THREAD, threads", outermost, threads);
}
