import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, expect, it, jest } from "@jest/globals";
import { Level } from "level";
import {
  type MailboxAt,
  type MailStore,
  openMailStore,
  openMemoryDriver,
  type StoreLimits,
  uidSetOf,
} from "@pushmail/mailstore";
import { ALL_UIDS } from "./keys.ts";
import { SEARCH_INDEX_LIMITS, type SearchIndexLimits } from "./limits.ts";
import type { DescribeMessages } from "./mailbox-follower.ts";
import { openSearchIndex, type SearchIndex } from "./open-search-index.ts";
import { PackStore } from "./pack-store.ts";
import { soughtGrams, type SoughtGrams } from "./sought-grams.ts";

const QUICK = { lagMs: 0, restMs: 0, restMsMax: 0, retryMs: 0 };
const FORMAT = "test";

class Bed {
  readonly directory: string;
  readonly store: MailStore;
  readonly inbox: MailboxAt;
  readonly told: string[] = [];
  /** Waited for before each message. */
  gate: () => Promise<void> | undefined = () => undefined;
  described = 0;
  index!: SearchIndex;

  constructor(parts: Pick<Bed, "directory" | "store" | "inbox">) {
    this.directory = parts.directory;
    this.store = parts.store;
    this.inbox = parts.inbox;
  }

  static async make(limits: Partial<SearchIndexLimits> = {}, storeLimits: Partial<StoreLimits> = {}): Promise<Bed> {
    const directory = join(await mkdtemp(join(tmpdir(), "search-index-")), "search");
    const store = openMailStore(await openMemoryDriver(), { scryptCost: { N: 16, r: 1, p: 1 }, limits: storeLimits });
    const { id } = await store.createAccount({ address: "a@example.org", password: "x" });
    const inbox = await store.mailbox(id, "INBOX");
    const bed = new Bed({ directory, store, inbox: { account: id, mailbox: inbox?.id as never } });
    bed.open(limits);
    return bed;
  }

  open(limits: Partial<SearchIndexLimits> = {}, format = FORMAT): void {
    const note = (_: object, message: string): void => void this.told.push(message);
    const { directory, store } = this;
    const log = { debug: () => undefined, warn: note, error: note };
    this.index = openSearchIndex({
      directory,
      store,
      describe: this.#describe,
      format,
      limits: { ...QUICK, ...limits },
      log,
    });
  }

  /** The subject is all there is. */
  readonly #describe: DescribeMessages = (messages, tools) => this.#describeSubjects(messages, tools);

  async *#describeSubjects(
    ...[messages, { envelope, message, rest }]: Parameters<DescribeMessages>
  ): ReturnType<DescribeMessages> {
    for await (const batch of messages) {
      for (const { uid, summary } of batch) {
        await rest();
        await this.gate();
        for (const grams of [envelope, message]) grams.add(summary.envelope.subject ?? "");
        this.described++;
        yield { uid, envelope: envelope.take(), message: message.take() };
      }
    }
  }

  async append(...subjects: readonly string[]): Promise<number> {
    return this.appendTo(this.inbox, ...subjects);
  }

  /** Returns the last UID. */
  async appendTo({ account, mailbox }: MailboxAt, ...subjects: readonly string[]): Promise<number> {
    let last = 0;
    for (const subject of subjects) {
      const message = await this.store.stage(oneOf(Buffer.from(`Subject: ${subject}\r\n\r\n`)), {
        bytesMax: 1_000_000,
      });
      for (const { uid } of await this.store.append([{ account, mailbox, message }])) last = uid;
    }
    return last;
  }

  async expunge(at: MailboxAt, uids: readonly number[]): Promise<void> {
    await this.store.setFlags(at, uidSetOf(uids), { mode: "add", flags: ["\\Deleted"] });
    await this.store.expunge(at);
  }

  /** The UIDs of those that are known not to have a text. */
  async without(text: string, at = this.inbox): Promise<number[]> {
    const texts = ["envelope", "message"].map((place) => soughtGrams(place as SoughtGrams["in"], text) as SoughtGrams);
    const ruledOut = await this.index.ruledOut(at, texts, [1, 1_000]);
    return Array.from({ length: 1_000 }, (_, i) => i + 1).filter((uid) => ruledOut?.(uid) === 3);
  }

  async follow(at = this.inbox): Promise<void> {
    await this.without("abc", at);
    await this.index.caughtUp();
  }

  /** What is stored of a mailbox, once the index is closed. */
  async stored(at = this.inbox): Promise<number[][]> {
    const packs = await PackStore.open({ directory: this.directory, format: FORMAT, limits: SEARCH_INDEX_LIMITS });
    try {
      const uids: number[][] = [];
      for await (const { filters } of packs.packs("message", at, [0, 1_000])) uids.push(filters.map(({ uid }) => uid));
      return uids;
    } finally {
      await packs.close();
    }
  }

  async close(): Promise<void> {
    await this.index.close();
    await this.store.close();
    await rm(dirname(this.directory), { recursive: true, force: true });
  }
}

async function* oneOf(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

let bed: Bed | undefined;
afterEach(async () => {
  await bed?.close();
  bed = undefined;
});
async function make(...given: Parameters<typeof Bed.make>): Promise<Bed> {
  return (bed = await Bed.make(...given));
}

it("knows nothing of a mailbox before it is asked about it, and follows it from then on", async () => {
  const bed = await make();
  await bed.append("zanzibar", "quarterly");
  await bed.index.caughtUp();
  expect([bed.described, bed.index.status]).toEqual([0, { mailboxes: 0, behind: 0 }]);
  expect(await bed.without("zanzibar")).toEqual([]);
  await bed.index.caughtUp();
  expect(await bed.without("zanzibar")).toEqual([2]);
  await bed.append("report", "zanzibar again");
  await bed.index.caughtUp();
  expect(await bed.without("zanzibar")).toEqual([2, 3]);
  expect(await bed.without("nowhere")).toEqual([1, 2, 3, 4]);
  expect([bed.described, bed.index.status]).toEqual([4, { mailboxes: 1, behind: 0 }]);
});

it("opens those mailboxes alone in which something has happened, and misses nothing in the others", async () => {
  const bed = await make({}, { logRecordsKept: 3, tailRecordsMax: 3 });
  const { id } = await bed.store.createMailbox(bed.inbox.account, "Other");
  const other: MailboxAt = { account: bed.inbox.account, mailbox: id };
  await bed.appendTo(other, "one mail", "two mail");
  await bed.follow();
  await bed.follow(other);
  const opened: MailboxAt[] = [];
  const open = bed.store.open.bind(bed.store);
  bed.store.open = (at) => {
    opened.push(at);
    return open(at);
  };
  for (let i = 0; i < 10; i++) {
    await bed.append("three mail");
    await bed.index.caughtUp();
  }
  expect(opened).not.toEqual([]);
  expect(opened.filter(({ mailbox }) => mailbox !== bed.inbox.mailbox)).toEqual([]);
  await bed.expunge(other, [1]);
  await bed.appendTo(other, "four mail");
  await bed.index.caughtUp();
  expect([await bed.without("zanzibar", other), bed.described]).toEqual([[2, 3], 13]);
});

it("tells how far it is behind, and rules out nothing that it has not seen", async () => {
  const bed = await make({ packMessagesMax: 2 });
  await bed.append("one mail", "two mail", "three mail");
  let openGate: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => {
    bed.gate = () => {
      if (bed.described < 2) return undefined;
      resolve();
      return new Promise((opened) => (openGate = opened));
    };
  });
  await bed.without("zanzibar");
  await reached;
  expect([await bed.without("zanzibar"), bed.index.status.behind]).toEqual([[1, 2], 1]);
  bed.gate = () => undefined;
  openGate();
  await bed.index.caughtUp();
  expect([await bed.without("zanzibar"), bed.index.status.behind]).toEqual([[1, 2, 3], 0]);
});

it("goes on where it was when it is opened again", async () => {
  const bed = await make();
  await bed.append("one mail", "two mail");
  await bed.follow();
  await bed.index.close();
  await bed.append("three mail");
  // So long it only answers.
  bed.open({ lagMs: 3_600_000 });
  expect(await bed.without("zanzibar")).toEqual([1, 2]);
  await bed.index.close();
  bed.open();
  await bed.follow();
  expect([await bed.without("zanzibar"), bed.described]).toEqual([[1, 2, 3], 3]);
});

it("goes on, too, where there are messages of which nothing can be read", async () => {
  const bed = await make();
  const open = bed.store.open.bind(bed.store);
  bed.store.open = async (at) => {
    const handle = await open(at);
    const details = handle.details.bind(handle);
    const lacking = async function* (...asked: Parameters<typeof details>): ReturnType<typeof details> {
      for await (const batch of details(...asked)) yield batch.filter(({ uid }) => uid !== 2 && uid !== 4);
    };
    return Object.assign(handle, { details: lacking });
  };
  await bed.append("one mail", "two mail", "three mail", "four mail");
  await bed.follow();
  await bed.index.close();
  bed.open();
  await bed.follow();
  expect([await bed.without("zanzibar"), bed.described]).toEqual([[1, 3], 2]);
});

it("begins anew where what is stored was made otherwise", async () => {
  const bed = await make();
  await bed.append("one mail");
  await bed.follow();
  await bed.index.close();
  bed.open({}, "other");
  expect(await bed.without("zanzibar")).toEqual([]);
  await bed.index.caughtUp();
  expect([await bed.without("zanzibar"), bed.described]).toEqual([[1], 2]);
});

it("lets go of what is expunged, by whatever way it learns of it", async () => {
  const bed = await make({ packMessagesMax: 2, changeRecordsMax: 1 }, { logRecordsKept: 1, recentRecordsMax: 1 });
  await bed.append(...Array.from({ length: 9 }, (_, i) => `mail ${i}`));
  await bed.follow();
  await bed.expunge(bed.inbox, [1, 2, 4]);
  await bed.index.caughtUp();
  await bed.index.close();
  expect((await bed.stored()).flat()).toEqual([3, 5, 6, 7, 8, 9]);
  // While it is closed, then while nobody asks for the mailbox.
  await bed.expunge(bed.inbox, [3, 9]);
  bed.open();
  await bed.follow();
  await bed.index.close();
  expect((await bed.stored()).flat()).toEqual([5, 6, 7, 8]);
  await bed.expunge(bed.inbox, [7]);
  bed.open();
  await bed.index.sweep();
  await bed.index.close();
  expect((await bed.stored()).flat()).toEqual([5, 6, 8]);
  bed.open();
});

it("is opened before anybody searches where it is there, and not made where it is not", async () => {
  const bed = await make();
  await bed.append("one mail");
  await new Promise((resolve) => setImmediate(resolve));
  await bed.index.close();
  await expect(readdir(bed.directory)).rejects.toMatchObject({ code: "ENOENT" });
  bed.open();
  await bed.follow();
  await bed.index.close();
  // LevelDB begins it anew whenever it is opened.
  const log = join(bed.directory, "LOG");
  await rm(log);
  bed.open();
  await new Promise((resolve) => setImmediate(resolve));
  await bed.index.close();
  expect(await readFile(log, "utf8")).toContain("Recovering");
  bed.open();
  expect(bed.told).toEqual([]);
});

it("is not made while somebody waits for the first search", async () => {
  const bed = await make({ lagMs: 60_000 });
  await bed.append("one mail");
  expect(await bed.without("zanzibar")).toEqual([]);
  await expect(readdir(bed.directory)).rejects.toMatchObject({ code: "ENOENT" });
});

it("lets go of what is moved and of mailboxes that are deleted", async () => {
  const bed = await make();
  const [other, third] = await Promise.all(
    ["other", "third"].map(async (name) => {
      const { id } = await bed.store.createMailbox(bed.inbox.account, name);
      return { account: bed.inbox.account, mailbox: id };
    }),
  );
  if (other === undefined || third === undefined) throw new Error("no mailboxes");
  await bed.append("one mail", "two mail");
  await bed.appendTo(third, "a mail");
  for (const at of [bed.inbox, other, third]) await bed.follow(at);
  await bed.store.move(bed.inbox, [[1, 1]], other);
  await bed.index.caughtUp();
  expect([await bed.without("zanzibar"), await bed.without("zanzibar", other)]).toEqual([[2], [1]]);
  await bed.store.deleteMailbox(bed.inbox.account, "other");
  await bed.index.caughtUp();
  expect(bed.index.status.mailboxes).toBe(2);
  await bed.index.close();
  await bed.store.deleteMailbox(bed.inbox.account, "third");
  bed.open();
  await bed.index.sweep();
  await bed.index.close();
  expect([await bed.stored(), await bed.stored(other), await bed.stored(third)]).toEqual([[[2]], [], []]);
  bed.open();
  expect(bed.told).toEqual([]);
});

it("stores messages in packs of bounded size, few of them small", async () => {
  const bed = await make({ packMessagesMax: 4 });
  await bed.follow();
  for (let i = 1; i <= 11; i++) {
    await bed.append(`mail ${i}`);
    await bed.index.caughtUp();
  }
  await bed.index.close();
  expect(await bed.stored()).toEqual([[1, 2, 3, 4], [5, 6, 7, 8], [9, 10], [11]]);
  await bed.append(...Array.from({ length: 3 }, (_, i) => `${"x".repeat(i + 3)} mail of other texts`));
  bed.open({ packBytesMax: 1 });
  await bed.follow();
  await bed.index.close();
  expect((await bed.stored()).slice(3)).toEqual([[11], [12], [13], [14]]);
  bed.open();
});

it("keeps of a mailbox less than the disk has room for, and rules out less", async () => {
  const bed = await make({ diskBytesMax: 0 });
  await bed.append("one mail");
  await bed.follow();
  await bed.follow();
  expect([await bed.without("zanzibar"), bed.index.status.behind, bed.told]).toEqual([
    [],
    1,
    ["the search index is full, nothing more is indexed"],
  ]);
});

it("rules out nothing of a message with too much text", async () => {
  const bed = await make({ filterBytesMax: 64 });
  const numbers = Array.from({ length: 900 }, (_, i) => i * i).join(" ");
  await bed.append("one mail", numbers);
  await bed.follow();
  expect(await bed.without("zanzibar")).toEqual([1]);
});

it("follows a bounded number of mailboxes, those that were searched last", async () => {
  const bed = await make({ mailboxesMax: 1 });
  const { id } = await bed.store.createMailbox(bed.inbox.account, "other");
  const other = { account: bed.inbox.account, mailbox: id };
  await bed.append("one mail");
  await bed.follow();
  await bed.follow(other);
  await bed.append("two mail");
  await bed.appendTo(other, "a mail");
  await bed.index.caughtUp();
  expect([bed.index.status, await bed.without("zanzibar", other)]).toEqual([{ mailboxes: 1, behind: 0 }, [1]]);
  expect(await bed.without("zanzibar")).toEqual([1]);
  await bed.index.caughtUp();
  expect(await bed.without("zanzibar")).toEqual([1, 2]);
});

it.each<[string, Error | undefined, string[]]>([
  ["goes on", undefined, []],
  ["fails", new Error("x"), ["a mailbox cannot be indexed"]],
])(
  "describes each message once where a mailbox is left and followed again while a share of it is under way that %s",
  async (_, error, told) => {
    const bed = await make({ mailboxesMax: 1, packMessagesMax: 2 });
    const { id } = await bed.store.createMailbox(bed.inbox.account, "other");
    await bed.append(...Array.from({ length: 6 }, (_, i) => `mail ${i}`));
    let goOn: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => {
      bed.gate = () => {
        resolve();
        return new Promise((opened, failed) => (goOn = () => (error === undefined ? opened() : failed(error))));
      };
    });
    await bed.without("zanzibar");
    await reached;
    await bed.without("zanzibar", { account: bed.inbox.account, mailbox: id });
    await bed.without("zanzibar");
    bed.gate = () => undefined;
    goOn();
    await bed.index.caughtUp();
    expect([await bed.without("zanzibar"), bed.described, bed.told]).toEqual([[1, 2, 3, 4, 5, 6], 6, told]);
  },
);

it("does nothing more for a mailbox that is left before its turn", async () => {
  const bed = await make({ mailboxesMax: 1 });
  const { id } = await bed.store.createMailbox(bed.inbox.account, "other");
  await bed.append("one mail");
  await bed.without("zanzibar");
  await bed.follow({ account: bed.inbox.account, mailbox: id });
  expect(bed.described).toBe(0);
});

it("is made anew where a mailbox that is deleted cannot be forgotten, and the others are followed on", async () => {
  const bed = await make();
  const { id } = await bed.store.createMailbox(bed.inbox.account, "other");
  const other = { account: bed.inbox.account, mailbox: id };
  for (const at of [other, bed.inbox]) await bed.follow(at);
  const failing = jest
    .spyOn(Level.prototype, "clear")
    .mockRejectedValue(Object.assign(new Error("x"), { code: "LEVEL_IO_ERROR" }));
  await bed.store.deleteMailbox(bed.inbox.account, "other");
  await bed.append("one mail");
  await bed.index.caughtUp();
  failing.mockRestore();
  expect(bed.told).toEqual(["the search index cannot be used, and is made anew"]);
  await bed.follow();
  expect(await bed.without("zanzibar")).toEqual([1]);
});

it("rests between slices of work", async () => {
  const bed = await make({ sliceMs: 0, restMs: 1, restMsMax: 1 });
  await bed.append("one mail", "two mail", "three mail");
  // Each rest looks at how busy the process was.
  const rests = jest.spyOn(performance, "eventLoopUtilization");
  await bed.follow();
  expect(rests.mock.calls.length).toBeGreaterThanOrEqual(3);
  rests.mockRestore();
  expect(await bed.without("zanzibar")).toEqual([1, 2, 3]);
});

it("finds out that what is stored is damaged, wherever it is, and makes it anew", async () => {
  const bed = await make({ packMessagesMax: 4 });
  await bed.append(...Array.from({ length: 20 }, (_, i) => `mail ${i} of so many that all of them are not in a block`));
  await bed.follow();
  // Opened once more, it is all in tables.
  await bed.index.close();
  bed.open();
  await bed.index.close();
  const files = (await readdir(bed.directory)).filter((name) => !/^(LOCK|LOG)/.test(name));
  const sound = await Promise.all(files.map((name) => readFile(join(bed.directory, name))));
  for (const [i, name] of files.entries()) {
    const bytes = sound[i] as Buffer;
    const places = name.endsWith(".ldb") ? [0.1, 0.5, 0.95] : [0.5];
    for (const at of places.map((share) => Math.floor(share * bytes.length)).filter((at) => at < bytes.length)) {
      await bed.index.close();
      await rm(bed.directory, { recursive: true });
      await mkdir(bed.directory);
      for (const [j, other] of files.entries()) {
        const copy = Buffer.from(sound[j] as Buffer);
        if (other === name) copy[at] = (copy[at] as number) ^ 0xff;
        await writeFile(join(bed.directory, other), copy);
      }
      bed.open({ packMessagesMax: 4 });
      const first = await bed.without("mail 7 of");
      expect([name, at, first.includes(8)]).toEqual([name, at, false]);
      // The first one finds what the one before did not come to.
      await bed.follow();
      await bed.follow();
      expect([name, at, (await bed.without("zanzibar")).length]).toEqual([name, at, 20]);
    }
  }
});

it("keeps what is stored where there is no descriptor to open it or to read it with", async () => {
  const bed = await make();
  await bed.append("one mail", "two mail");
  await bed.follow();
  const told = "IO error: search/000005.ldb: Too many open files";
  const failure = Object.assign(new Error(told), { code: "LEVEL_IO_ERROR" });
  const reading = jest.spyOn(Level.prototype, "keys").mockImplementation(() => {
    throw failure;
  });
  expect(await bed.without("zanzibar")).toEqual([]);
  reading.mockRestore();
  expect(bed.told).toEqual(["the search index cannot be used, and is opened again later"]);
  for (const [method, error] of [
    ["open", new Error("not open", { cause: failure })],
    ["get", failure],
  ] as const) {
    const failing = jest.spyOn(Level.prototype, method).mockRejectedValue(error);
    expect(await bed.without("zanzibar")).toEqual([]);
    failing.mockRestore();
  }
  expect([await bed.without("zanzibar"), bed.described]).toEqual([[1, 2], 2]);
});

it("finds out that a part of what is stored is missing, and makes it again", async () => {
  const bed = await make({ packMessagesMax: 1 });
  await bed.append("one mail", "two mail", "three mail");
  await bed.follow();
  await bed.index.close();
  const packs = await PackStore.open({ directory: bed.directory, format: FORMAT, limits: SEARCH_INDEX_LIMITS });
  await packs.retain(bed.inbox, (uid) => uid !== 2, ALL_UIDS);
  await packs.close();
  expect((await bed.stored()).flat()).toEqual([1, 3]);
  // So long it only answers.
  bed.open({ lagMs: 3_600_000 });
  expect(await bed.without("zanzibar")).toEqual([1, 3]);
  await bed.index.close();
  bed.open();
  await bed.follow();
  expect(await bed.without("zanzibar")).toEqual([1, 2, 3]);
});

it("is left alone for a while where it cannot be opened, and used again later", async () => {
  const bed = await make({ retryMs: 3_600_000 });
  await bed.append("one mail");
  await bed.index.close();
  await rm(dirname(bed.directory), { recursive: true });
  await writeFile(dirname(bed.directory), "a file where a directory should be");
  const failing = async (limits: Partial<SearchIndexLimits>): Promise<unknown[]> => {
    bed.told.length = 0;
    bed.open(limits);
    for (let i = 0; i < 3; i++) {
      expect(await bed.without("zanzibar")).toEqual([]);
      await bed.index.caughtUp();
    }
    return [bed.told.length > 1, bed.index.status.mailboxes];
  };
  expect(await failing({ retryMs: 3_600_000 })).toEqual([false, 0]);
  await bed.index.close();
  expect(await failing({})).toEqual([true, 0]);
  await rm(dirname(bed.directory));
  await bed.follow();
  expect(await bed.without("zanzibar")).toEqual([1]);
});

it("is made later where there was no room to begin it", async () => {
  const bed = await make();
  await bed.append("one mail");
  const full = Object.assign(new Error("No space left on device"), { code: "LEVEL_IO_ERROR" });
  const failing = jest.spyOn(Level.prototype, "put").mockRejectedValue(full);
  await bed.follow();
  failing.mockRestore();
  expect(bed.told).toEqual(["the search index cannot be opened, searches look at every message"]);
  await bed.follow();
  expect(await bed.without("zanzibar")).toEqual([1]);
});
