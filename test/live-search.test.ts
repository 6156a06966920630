// Searches whose results are told as they change: what a client makes of ADDTO and REMOVEFROM alone is what the same
// search finds at that moment. LIVE_STEPS makes longer runs, TEST_SEED others.
import { describe, expect, it } from "@jest/globals";
import { DEFAULT_IMAP_LIMITS } from "@pushmail/imap-idle-server";
import { Draw } from "./support/draw.ts";
import { LiveClient, numbersIn } from "./support/live-client.ts";
import { memoryImapOfTest, type MemoryImap, type MemoryImapOptions } from "./support/memory-imap.ts";
import { seededRandom, testSeed } from "./support/seeded-random.ts";

const STEPS = Number(process.env["LIVE_STEPS"] ?? 120);
const FLAGS = ["\\Seen", "\\Flagged", "\\Deleted", "$Label"];
/** From so many messages on more go than come. */
const CROWD = 25;
const BY_UID = [
  ["UID SEARCH", "UNSEEN"],
  ["UID SEARCH", "UID 3:* NOT (DELETED FLAGGED)"],
  ["UID SEARCH", "OR UID * UID 2:5"],
  ["UID SEARCH", "MODSEQ 40 NOT SEEN"],
  ["UID SORT", "(SUBJECT) UTF-8 UNDELETED"],
] as const;
const BY_NUMBER = [
  ["SEARCH", "OR FLAGGED SUBJECT bravo"],
  ["SEARCH", "NOT BODY x KEYWORD $Label"],
  ["SEARCH", "RECENT SMALLER 50"],
  ["SORT", "(REVERSE SIZE SUBJECT) UTF-8 NOT (SEEN FLAGGED)"],
  ["SORT", "(REVERSE ARRIVAL) UTF-8 ALL"],
] as const;

const startImap = memoryImapOfTest();

function mail(draw: Draw): string {
  const subject = draw.of(["alfa", "Re: alfa", "bravo", "charlie", "delta"]);
  return `Subject: ${subject}\r\n\r\n${"x".repeat(draw.below(4))}y\r\n`;
}

type Say = (text: string) => Promise<readonly string[]>;

/** One change of the mailbox, by the client itself or by another. */
async function change(imap: MemoryImap, say: Say, draw: Draw): Promise<void> {
  const told = await say("UID SEARCH RETURN (ALL) ALL");
  const all = told.flatMap((response) => numbersIn(/^\* ESEARCH .* ALL (\S+)/.exec(response)?.[1] ?? ""));
  const [uid = 1, ...more] = all.filter(() => draw.chance(0.2));
  const set = [uid, ...more].join();
  const kind = draw.below(all.length > CROWD ? 8 : 11);
  if (kind > 7) await imap.append(mail(draw), { count: 1 + draw.below(2) });
  else if (kind > 3) {
    const item = `${draw.of(["+", "-", ""])}FLAGS${draw.of(["", ".SILENT"])}`;
    await say(`UID STORE ${set} ${item} (${draw.of(FLAGS)} ${draw.of(FLAGS)})`);
  } else if (kind === 3) await say("EXPUNGE");
  else if (kind === 2) await say(`UID MOVE ${uid} Trash`);
  else if (kind === 1) await say(`UID COPY ${uid} INBOX`);
  else {
    const text = mail(draw);
    await say(`APPEND INBOX (${draw.of(FLAGS)}) {${text.length}+}\r\n${text}`);
  }
}

describe("the results of live searches", () => {
  it.each<[string, readonly string[], MemoryImapOptions]>([
    ["at the end of commands and in IDLE", [], {}],
    ["by looking at all messages, where the records are too many", [], { limits: { changeRecordsMax: 1 } }],
    [
      "two at a time, where they are many",
      [],
      { limits: { search: { ...DEFAULT_IMAP_LIMITS.search, batchMessagesMax: 2 } } },
    ],
    ["at any time", ["NOTIFY SET (selected (MessageNew MessageExpunge FlagChange))"], {}],
    ["between commands, but for what is expunged", ["NOTIFY SET (selected-delayed (MessageNew MessageExpunge))"], {}],
    ["to a client that knows messages by their UIDs", ["ENABLE QRESYNC"], {}],
    ["to a client that speaks IMAP4rev2", ["ENABLE IMAP4rev2"], {}],
  ])(`are what a search finds, in ${STEPS} steps, told %s`, async (_, first, options) => {
    const imap = await startImap(options);
    const draw = new Draw(seededRandom(testSeed()));
    const client = new LiveClient(await imap.open());
    const other = await imap.open("INBOX");
    const sayOwn: Say = (text) => client.command(text);
    const sayOther: Say = async (text) => (await other.command(text)).untagged;
    for (const command of first) await client.command(command);
    await imap.append(mail(draw), { count: 5 });
    await client.command("SELECT INBOX");
    const searches = first.includes("ENABLE QRESYNC") ? BY_UID : [...BY_UID, ...BY_NUMBER];
    for (const [name, key] of searches) await client.follow(name, key);
    for (let step = 0; step < STEPS; step++) {
      if (draw.chance(0.3)) await client.idle(() => change(imap, sayOther, draw));
      else await change(imap, draw.chance(0.3) ? sayOwn : sayOther, draw);
      if (draw.chance(0.2)) await client.command("FETCH 1 FLAGS");
      if (draw.chance(0.3)) await client.compare(`seed ${testSeed()}, step ${step}`);
    }
    await client.compare(`seed ${testSeed()}, the end`);
    expect(client.updates).toBeGreaterThan(STEPS / 2);
    expect(imap.errors).toEqual([]);
  });
});

describe("a live search", () => {
  it("looks at what has changed, however much there is", async () => {
    const imap = await startImap();
    const client = new LiveClient(await imap.open());
    await imap.append("Subject: first\r\n\r\ntext\r\n", { count: 2_000 });
    await client.command("SELECT INBOX");
    await client.follow("UID SEARCH", "SUBJECT boss UNSEEN");
    await client.follow("UID SEARCH", "LARGER 100");
    await client.follow("UID SEARCH", "TEXT boss");
    await client.follow("UID SORT", "(SUBJECT) UTF-8 UNSEEN");
    imap.work.reset();
    await imap.append("Subject: from the boss\r\n\r\ntext\r\n");
    await client.command("NOOP");
    // Of the new message its summary for the subject, for its texts and for its place, and the texts themselves.
    expect(imap.work).toMatchObject({ metadata: 1, details: 3, bodyReads: 1 });
    expect(client.updates).toBe(3);
    imap.work.reset();
    await client.command("UID STORE 1000 +FLAGS.SILENT (\\Flagged)");
    // Of one that is unseen as before, the subject; what does not ask about flags does not look.
    expect(imap.work).toMatchObject({ metadata: 0, details: 1, bodyReads: 0 });
    imap.work.reset();
    await client.command("UID STORE 1000 +FLAGS.SILENT (\\Seen)");
    // Flags are in memory, and so is what the results are sorted by.
    expect(imap.work).toMatchObject({ metadata: 0, details: 0, bodyReads: 0 });
    expect(client.updates).toBe(4);
    await client.compare("after all");
  });

  it("ends where its messages cannot be read, and nothing else does", async () => {
    let isBroken = false;
    const beforePiece = (): void => {
      if (isBroken) throw new Error("the disk is broken");
    };
    const imap = await startImap({ beforePiece });
    const client = await imap.open("INBOX");
    await client.ok("UID SEARCH RETURN (UPDATE COUNT) TEXT boss");
    await client.ok("UID SEARCH RETURN (UPDATE COUNT) SUBJECT boss");
    isBroken = true;
    await imap.append("Subject: boss\r\n\r\ntext\r\n");
    const told = await client.ok("NOOP");
    expect(told.filter((response) => !/EXISTS|RECENT/.test(response))).toEqual([
      '* NO [NOUPDATE "T3"] Its messages cannot be searched',
      '* ESEARCH (TAG "T4") UID ADDTO (0 1)',
    ]);
    expect(imap.errors).toHaveLength(1);
    await expect(client.command('CANCELUPDATE "T3"')).resolves.toMatchObject({ status: expect.stringMatching(/^NO/) });
  });
});
