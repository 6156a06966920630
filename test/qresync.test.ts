// A client that keeps a copy of its mailbox, is cut off at any time and comes back with QRESYNC: its copy is that of the
// server each time, whatever happened meanwhile.
import { afterEach, describe, expect, it } from "@jest/globals";
import { uidSetOf, type MailboxAt, type Uid } from "@pushmail/mailstore";
import { MemoryImap, type MemoryImapOptions } from "./support/memory-imap.ts";
import { inOrder } from "./model/mailbox-copy.ts";
import { ModelClient, type Sent } from "./model/model-client.ts";
import { seededRandom, testSeed } from "./support/seeded-random.ts";

const ROUNDS = 60;
const STEPS_PER_ROUND = 8;

let imap: MemoryImap;
let random: () => number;

afterEach(() => imap.close());

function pick<Item>(items: readonly Item[]): Item | undefined {
  return items[Math.floor(random() * items.length)];
}

async function inbox(): Promise<MailboxAt> {
  const status = await imap.store.mailbox(imap.account.id, "INBOX");
  if (status === undefined) throw new Error("no INBOX");
  return { account: imap.account.id, mailbox: status.id };
}

/** The flags of each message by its UID. */
async function truth(): Promise<ReadonlyMap<Uid, string>> {
  const handle = await imap.store.open(await inbox());
  const index = await handle.ready();
  const rows = Array.from({ length: index.count }, (_, row) => row);
  const flags = new Map(rows.map((row) => [index.uids[row] as Uid, inOrder(index.flagsAt(row).names)]));
  handle.release();
  return flags;
}

/** Something that another client does. */
async function changeElsewhere(): Promise<void> {
  const at = await inbox();
  const uids = [...(await truth()).keys()];
  const some = uids.filter(() => random() < 0.3);
  const what = random();
  if (uids.length < 4 || what < 0.3) await imap.append("Subject: new\r\n\r\n", { count: 1 + Math.floor(random() * 3) });
  else if (what < 0.7) {
    const mode = pick(["add", "remove"] as const) ?? "add";
    await imap.store.setFlags(at, uidSetOf(some), { mode, flags: [pick(["\\Flagged", "\\Seen", "$Label"]) ?? "a"] });
  } else {
    await imap.store.setFlags(at, uidSetOf(some), { mode: "add", flags: ["\\Deleted"] });
    await imap.store.expunge(at);
  }
}

const COMMANDS: readonly Sent[] = [
  { text: "NOOP" },
  { text: "FETCH 1:* (UID FLAGS MODSEQ)" },
  { text: "UID FETCH 1:* FLAGS", bareFlags: true },
  { text: "UID STORE 1:* +FLAGS.SILENT ($Mine)", silentChange: { mode: "+", flags: "$Mine" } },
  { text: "UID STORE 1:* -FLAGS ($Mine)" },
  // What holds VANISHED back, and tells a MODSEQ above its own.
  { text: "STORE 1:* +FLAGS (\\Answered)" },
  { text: "STORE 1:* -FLAGS (\\Answered)" },
  { text: "STORE 1:* FLAGS ()" },
  { text: "UID SEARCH MODSEQ 1" },
  { text: "EXPUNGE" },
];

/** One, as long as there are messages that it can be about. */
async function drawCommand(): Promise<Sent> {
  return ((await truth()).size > 0 ? pick(COMMANDS) : undefined) ?? { text: "NOOP" };
}

/** What a client says it knows, now and then, of a number (RFC 7162 3.2.5.2). */
function match(uids: readonly number[]): string {
  if (uids.length === 0 || random() < 0.5) return "";
  const at = Math.floor(random() * uids.length);
  return ` 1:4294967295 (${at + 1} ${uids[at]})`;
}

describe("a client that comes back", () => {
  it.each<[string, MemoryImapOptions]>([
    ["told from the records of what changed", {}],
    ["told by looking at all messages, where the records are too many", { limits: { changeRecordsMax: 1 } }],
    ["told all that is gone, where the store has forgotten when", { storeLimits: { vanishedRangesMax: 1 } }],
  ])("has its mailbox as it is, %s", async (_, options) => {
    random = seededRandom(testSeed());
    imap = await MemoryImap.start(options);
    await imap.append("Subject: first\r\n\r\n", { count: 5 });
    const client = new ModelClient({ name: "caching", qresync: true }, imap, () => undefined);
    for (let round = 0; round < ROUNDS; round++) {
      await client.connect();
      await client.select("SELECT", "INBOX", match);
      await client.command({ text: "NOOP" });
      await client.learn();
      const told = client.copy?.uids.map((uid) => [uid, client.copy?.messages.get(uid)?.flags]);
      expect(told).toEqual([...(await truth())]);
      for (let step = Math.floor(random() * STEPS_PER_ROUND); step > 0; step--) {
        if (random() < 0.5) await changeElsewhere();
        else await client.command(await drawCommand());
      }
      const under = [await drawCommand(), await drawCommand()];
      const cut = client.cutOff(under, { answers: Math.floor(random() * 3), turns: Math.floor(random() * 4) });
      if (random() < 0.5) await changeElsewhere();
      await cut;
      for (let changes = Math.floor(random() * 3); changes > 0; changes--) await changeElsewhere();
    }
    expect(imap.errors).toEqual([]);
  });
});
