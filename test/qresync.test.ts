// A client that keeps a copy of its mailbox, is cut off at any time and comes back with QRESYNC: its copy is that of the
// server each time, whatever happened meanwhile.
import { afterEach, describe, expect, it } from "@jest/globals";
import { uidSetOf, type MailboxAt, type Uid } from "@pushmail/mailstore";
import { MemoryImap, type MemoryImapOptions } from "./support/memory-imap.ts";
import type { RawImap } from "./support/raw-imap.ts";
import { seededRandom, testSeed, turnsOfEventLoop } from "./support/seeded-random.ts";

const ROUNDS = 60;
const STEPS_PER_ROUND = 8;

let imap: MemoryImap;
let random: () => number;

afterEach(() => imap.close());

function pick<Item>(items: readonly Item[]): Item | undefined {
  return items[Math.floor(random() * items.length)];
}

/** Keeps the flags of each message by its UID, and the MODSEQ to resume from as RFC 7162 6 has it. */
class CachingClient {
  readonly flags = new Map<Uid, string>();
  exists = 0;
  #client: RawImap | undefined;
  /** It has fetched all new messages up to this one. */
  #fetchedThrough: Uid = 0;
  #uidValidity = 0;
  #modSeq = 0;
  /** What the responses since the last tagged one say of it. */
  #highestSeen = 0;
  #highestTold: number | undefined;
  #tags = 0;

  /** Comes back, knowing what it knew. */
  async open(): Promise<void> {
    const client = await imap.open();
    this.#client = client;
    await this.command("ENABLE QRESYNC");
    // Of a command that was cut off nothing more than this is kept.
    this.#highestSeen = 0;
    this.#highestTold = undefined;
    const known = this.#modSeq === 0 ? "" : ` (QRESYNC (${this.#uidValidity} ${this.#modSeq}${this.#match()}))`;
    await this.command(`SELECT INBOX${known}`);
    if (this.#modSeq === 0) throw new Error("no HIGHESTMODSEQ");
    await this.fetchNew();
  }

  /** Fetches the messages of which EXISTS alone has told. */
  async fetchNew(): Promise<void> {
    await this.command(`UID FETCH ${this.#fetchedThrough + 1}:* (FLAGS MODSEQ)`);
    this.#fetchedThrough = Math.max(this.#fetchedThrough, ...this.flags.keys());
  }

  async command(text: string): Promise<void> {
    const tag = `c${++this.#tags}`;
    this.#client?.write(`${tag} ${text}\r\n`);
    await this.#readUntil(tag);
  }

  /** Sends commands, reads some of the answers perhaps, and is gone. */
  async cutOff(commands: readonly string[]): Promise<void> {
    const tags = commands.map(() => `c${++this.#tags}`);
    this.#client?.write(commands.map((command, i) => `${tags[i]} ${command}\r\n`).join(""));
    const last = tags[Math.floor(random() * (tags.length + 1))];
    if (last !== undefined) await this.#readUntil(last);
    await turnsOfEventLoop(Math.floor(random() * 4));
    this.#client?.close();
  }

  #match(): string {
    const uids = [...this.flags.keys()].filter((uid) => uid <= this.#fetchedThrough).sort((a, b) => a - b);
    if (uids.length === 0 || random() < 0.5) return "";
    const at = Math.floor(random() * uids.length);
    return ` 1:4294967295 (${at + 1} ${uids[at]})`;
  }

  async #readUntil(tag: string): Promise<void> {
    for (;;) {
      const response = (await this.#client?.next()) ?? "";
      this.#obey(response);
      if (!response.startsWith(`${tag} `)) continue;
      // A message that is meant by its number may be gone by then.
      if (!/^\w+ (OK|NO \[EXPUNGEISSUED\])/.test(response)) throw new Error(response);
      return;
    }
  }

  #obey(response: string): void {
    const [, exists] = /^\* (\d+) EXISTS/.exec(response) ?? [];
    if (exists !== undefined) this.exists = Number(exists);
    const [, validity] = /\[UIDVALIDITY (\d+)\]/.exec(response) ?? [];
    if (validity !== undefined) this.#uidValidity = Number(validity);
    const [, uid, flags, modSeq] =
      /FETCH \(UID (\d+)(?: FLAGS \(([^)]*)\))?(?: MODSEQ \((\d+)\))?/.exec(response) ?? [];
    if (flags !== undefined) this.flags.set(Number(uid), inOrder(flags.replace(/ ?\\Recent/, "").split(" ")));
    // What it has done itself it is not told, save that it was done.
    else if (modSeq !== undefined) this.flags.set(Number(uid), withMine(this.flags.get(Number(uid)) ?? ""));
    if (modSeq !== undefined) this.#highestSeen = Math.max(this.#highestSeen, Number(modSeq));
    const [, earlier, gone] = /^\* VANISHED (\(EARLIER\) )?(.*)/.exec(response) ?? [];
    if (gone !== undefined) this.#forget(gone, earlier === undefined);
    const [, highest] = /\[HIGHESTMODSEQ (\d+)\]/.exec(response) ?? [];
    if (highest !== undefined) this.#highestTold = Number(highest);
    if (!response.startsWith("*")) this.#advance();
  }

  #forget(set: string, counts: boolean): void {
    for (const range of set.split(",")) {
      const [first = 0, last = first] = range.split(":").map(Number);
      for (const uid of this.flags.keys()) if (uid >= first && uid <= last) this.flags.delete(uid);
      if (counts) this.exists -= last - first + 1;
    }
  }

  #advance(): void {
    this.#modSeq = this.#highestTold ?? Math.max(this.#modSeq, this.#highestSeen);
    this.#highestTold = undefined;
    this.#highestSeen = 0;
  }
}

function inOrder(flags: readonly string[]): string {
  return [...flags].sort().join(" ").trim();
}

function withMine(flags: string): string {
  return inOrder([...new Set([...flags.split(" "), "$Mine"])]);
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

const COMMANDS = [
  "NOOP",
  "FETCH 1:* (UID FLAGS MODSEQ)",
  "UID FETCH 1:* FLAGS",
  "UID STORE 1:* +FLAGS.SILENT ($Mine)",
  "UID STORE 1:* -FLAGS ($Mine)",
  // What holds VANISHED back, and tells a MODSEQ above its own.
  "STORE 1:* +FLAGS (\\Answered)",
  "STORE 1:* -FLAGS (\\Answered)",
  "STORE 1:* FLAGS ()",
  "UID SEARCH MODSEQ 1",
  "EXPUNGE",
];

describe("a client that comes back", () => {
  it.each<[string, MemoryImapOptions]>([
    ["told from the records of what changed", {}],
    ["told by looking at all messages, where the records are too many", { limits: { changeRecordsMax: 1 } }],
    ["told all that is gone, where the store has forgotten when", { storeLimits: { vanishedRangesMax: 1 } }],
  ])("has its mailbox as it is, %s", async (_, options) => {
    random = seededRandom(testSeed());
    imap = await MemoryImap.start(options);
    await imap.append("Subject: first\r\n\r\n", { count: 5 });
    const client = new CachingClient();
    for (let round = 0; round < ROUNDS; round++) {
      await client.open();
      await client.command("NOOP");
      await client.fetchNew();
      const there = await truth();
      expect(client.exists).toBe(there.size);
      expect(new Map([...client.flags].sort(([a], [b]) => a - b))).toEqual(there);
      for (let step = Math.floor(random() * STEPS_PER_ROUND); step > 0; step--) {
        if (random() < 0.5) await changeElsewhere();
        else await client.command((await truth()).size === 0 ? "NOOP" : (pick(COMMANDS) as string));
      }
      const under = (await truth()).size === 0 ? ["NOOP"] : [pick(COMMANDS) as string, pick(COMMANDS) as string];
      const cut = client.cutOff(under);
      if (random() < 0.5) await changeElsewhere();
      await cut;
      for (let changes = Math.floor(random() * 3); changes > 0; changes--) await changeElsewhere();
    }
    expect(imap.errors).toEqual([]);
  });
});
