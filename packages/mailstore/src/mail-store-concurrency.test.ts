// Many callers at once on few mailboxes, over a driver that answers in seeded disorder, with limits so small that
// everything is written out, let go, cut and moved all the time: what is read agrees with what was done, for everyone.
import { describe, expect, it } from "@jest/globals";
import { CHUNK_WIDTH } from "./chunk-codec.ts";
import {
  cursor,
  mailboxId,
  openMailStore,
  openMemoryDriver,
  Refusal,
  uidSetHas,
  uidSetOf,
  uidSetValues,
  type AccountId,
  type Change,
  type Cursor,
  type MailboxAt,
  type MailboxId,
  type MailboxStatus,
  type MailStore,
  type StagedMessage,
  type StoreDriver,
  type UidSet,
} from "./index.ts";

const TINY = {
  tailRecordsMax: 3,
  tailRowBytesMax: 1_500,
  tailBytesStallMax: 2_000,
  recentRecordsMax: 3,
  recentRangesMax: 4,
  vanishedRangesMax: 6,
  copiedSummaryBytesMax: 200,
  chunkCacheBytes: 1_000,
  idleIndexMessagesMax: 250,
  idleAccountsMax: 1,
};
// So narrow that a mailbox has many of each.
Object.assign(CHUNK_WIDTH, { hot: 16, metadata: 16, summary: 4 });
const NAMES = ["INBOX", "Archive", "one", "one/two", "three"] as const;
const FLAGS = ["\\Seen", "\\Deleted", "\\Flagged", "$Work"] as const;
const EXPECTED: readonly string[] = ["messageMissing", "mailboxNotFound", "mailboxExists", "mailboxNameInvalid"];

/** The next turn of the event loop. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Numbers from a seed (mulberry32). */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** 0 to `sides - 1`. */
  roll(sides: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) % sides;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.roll(values.length)] as T;
  }

  some<T>(values: readonly T[]): T[] {
    return values.filter(() => this.roll(3) === 0);
  }

  /** Some turns of the microtask queue or of the event loop. */
  async dawdle(): Promise<void> {
    if (this.roll(8) === 0) await nextTurn();
    for (let turns = this.roll(6); turns > 0; turns--) await Promise.resolve();
  }
}

/** The driver with pauses before and after each of its answers. */
function unhurried(driver: StoreDriver, dice: Dice): StoreDriver {
  const paused = <Args extends unknown[], T>(call: (...args: Args) => Promise<T>): ((...args: Args) => Promise<T>) => {
    return async (...args) => {
      await dice.dawdle();
      const answer = await call(...args);
      await dice.dawdle();
      return answer;
    };
  };
  const { directory } = driver;
  return {
    commit: paused((...args) => driver.commit(...args)),
    get committing(): Promise<void> | undefined {
      return driver.committing;
    },
    head: paused((...args) => driver.head(...args)),
    log: paused((...args) => driver.log(...args)),
    trimLog: paused((...args) => driver.trimLog(...args)),
    chunks: paused((...args) => driver.chunks(...args)),
    snapshotCursor: paused((...args) => driver.snapshotCursor(...args)),
    saveSnapshot: paused((...args) => driver.saveSnapshot(...args)),
    listen: (listener) => driver.listen(listener),
    sweep: (since) => driver.sweep(since),
    blobs: driver.blobs,
    directory: {
      get: paused((key) => directory.get(key)),
      put: paused((entries) => directory.put(entries)),
      list: (prefix) => directory.list(prefix),
    },
    close: () => driver.close(),
  };
}

async function* once(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text, "latin1");
}

/** Mailboxes as a follower of the feed knows them. */
class Folded {
  readonly boxes = new Map<MailboxId, { name: string; uids: Set<number> }>();
  since: Cursor = cursor(0);

  fold(change: Change): void {
    if (!("mailbox" in change)) return;
    const box = this.boxes.get(change.mailbox);
    if (change.type === "MailboxCreated") {
      if (box !== undefined) throw new Error("created twice");
      this.boxes.set(change.mailbox, { name: change.name, uids: new Set() });
      return;
    }
    if (box === undefined) throw new Error(`${change.type} in a mailbox that is not there`);
    if (change.type === "MailboxDeleted") this.boxes.delete(change.mailbox);
    else if (change.type === "MailboxRenamed") box.name = change.name;
    else if ("uids" in change) {
      for (const uid of uidSetValues(change.uids)) {
        if (box.uids.has(uid) !== (change.type !== "MessageAppended")) throw new Error(`${change.type} of ${uid}`);
        if (change.type === "MessageAppended") box.uids.add(uid);
        else if (change.type === "MessageExpunged") box.uids.delete(uid);
      }
    }
  }

  lines(): string[] {
    return [...this.boxes.values()].map(({ name, uids }) => `${name} ${[...uids].join()}`).toSorted();
  }
}

/** Register, read, wait: until `done` resolves and all is read. */
async function follow(store: MailStore, account: AccountId, done: Promise<unknown>): Promise<Folded> {
  const folded = new Folded();
  let raised = true;
  let wake = (): void => undefined;
  let ending = false;
  const stop = store.watch(account, () => {
    raised = true;
    wake();
  });
  const end = done.finally(() => {
    ending = true;
    wake();
  });
  while (raised || !ending) {
    raised = false;
    for (let more = true; more;) {
      const page = await store.changes(account, folded.since, 3);
      if (page.tooOld) throw new Error("the log was cut though it is kept");
      for (const { cursor: own, changes } of page.records) {
        expect(own).toBe(folded.since + 1);
        folded.since = own;
        for (const change of changes) folded.fold(change);
      }
      more = page.more;
    }
    if (raised || ending) continue;
    await new Promise<void>((resolve) => (wake = resolve));
  }
  await end;
  stop();
  return folded;
}

class Trial {
  readonly dice: Dice;
  readonly stores: readonly [MailStore, MailStore];
  readonly account: AccountId;
  readonly elsewhere: MailboxAt;
  /** What was sent, by subject. */
  readonly sent = new Map<string, string>();
  freed = 0;
  checked = 0;

  constructor(dice: Dice, stores: readonly [MailStore, MailStore], at: [account: AccountId, elsewhere: MailboxAt]) {
    this.dice = dice;
    this.stores = stores;
    [this.account, this.elsewhere] = at;
  }

  /** One caller's work: many steps, each of which may find that another was quicker. */
  async call(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      await this.dice.dawdle();
      try {
        await this.step(this.dice.pick(this.stores));
      } catch (error) {
        if (!(error instanceof Refusal) || !EXPECTED.includes(error.code)) throw error;
      }
    }
  }

  async step(store: MailStore): Promise<unknown> {
    const { dice, account } = this;
    const [first] = this.stores;
    const boxes = await store.mailboxes(account);
    const box = dice.pick(boxes);
    const at = { account, mailbox: box.id };
    switch (dice.roll(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return this.deliver(store, dice.some(boxes));
      case 4:
      case 5:
        return store.setFlags(at, this.someOf(box), {
          mode: dice.pick(["add", "remove", "replace"]),
          flags: dice.some(FLAGS),
        });
      // Bodies that another store copies are not known to the one that counts references.
      case 6:
        return first.copy(at, this.someOf(box), this.target(boxes));
      case 7:
        return first.move(at, this.someOf(box), this.target(boxes));
      case 8:
        return store.setFlags(at, this.someOf(box), { mode: "add", flags: ["\\Deleted"] });
      case 9:
        return store.expunge(at, dice.roll(2) === 0 ? this.someOf(box) : undefined);
      case 10:
        return store.createMailbox(account, dice.pick(NAMES));
      case 11:
        return store.renameMailbox(account, dice.pick(NAMES), dice.pick(NAMES));
      case 12:
        return dice.roll(3) === 0 ? store.deleteMailbox(account, dice.pick(NAMES.slice(2))) : undefined;
      case 13:
        return dice.roll(3) === 0 ? (this.freed += await first.compact()) : undefined;
      case 14:
        return this.withMessage(store, async (message) => {
          await store.replace(at, Math.max(1, box.uidNext - 1), { ...this.target(boxes), message });
        });
      default:
        return this.check(store, box);
    }
  }

  /** A mailbox of the account, or now and then one of another. */
  target(boxes: readonly MailboxStatus[]): MailboxAt {
    const { dice, account, elsewhere } = this;
    return dice.roll(4) === 0 ? elsewhere : { account, mailbox: dice.pick(boxes).id };
  }

  someOf({ uidNext }: MailboxStatus): UidSet {
    return uidSetOf(this.dice.some(Array.from({ length: Math.min(uidNext, 40) }, (_, i) => Math.max(1, uidNext - i))));
  }

  deliver(store: MailStore, boxes: readonly MailboxStatus[]): Promise<void> {
    const flags = this.dice.some(FLAGS);
    return this.withMessage(store, async (message) => {
      await store.append(boxes.map(({ id }) => ({ account: this.account, mailbox: id, message, flags })));
    });
  }

  async withMessage(store: MailStore, work: (message: StagedMessage) => Promise<void>): Promise<void> {
    const subject = `m${this.sent.size}`;
    const text = `Subject: ${subject}\r\n\r\n${`${subject} `.repeat(this.dice.roll(60))}\r\n`;
    this.sent.set(subject, text);
    const message = await store.stage(once(text), { bytesMax: 10_000 });
    try {
      await work(message);
    } finally {
      await message.discard();
    }
  }

  /** Holds a mailbox open for a while: counters equal contents at each look, and what vanished is told. */
  async check(store: MailStore, box: MailboxStatus): Promise<void> {
    const handle = await store.open({ account: this.account, mailbox: box.id });
    try {
      const index = await handle.ready();
      const since = handle.status?.highestModSeq;
      const before = [...index.uids.subarray(0, index.count)];
      for (let looks = this.dice.roll(8); looks >= 0; looks--) {
        const { status } = handle;
        if (status === undefined || since === undefined) return;
        const rows = Array.from({ length: index.count }, (_, row) => index.flagsAt(row));
        expect(status.messages).toBe(rows.length);
        expect(status.unseen).toBe(rows.filter(({ seen }) => !seen).length);
        expect(status.deleted).toBe(rows.filter(({ deleted }) => deleted).length);
        expect(index.count === 0 ? 0 : index.uids[index.count - 1]).toBeLessThan(status.uidNext);
        const vanished = await handle.vanishedSince(since);
        if (handle.status?.highestModSeq === status.highestModSeq) {
          const gone = before.filter((uid) => index.rowOf(uid) < 0);
          expect(before.filter((uid) => uidSetHas(vanished, uid))).toEqual(gone);
          this.checked++;
        }
        await this.dice.dawdle();
        await nextTurn();
      }
    } finally {
      handle.release();
    }
  }

  /** All of an account, every body read; counters and quota are checked on the way. */
  async everything(store: MailStore, account: AccountId = this.account): Promise<string[]> {
    const lines: string[] = [];
    let bytes = 0;
    let messages = 0;
    for (const box of await store.mailboxes(account)) {
      const handle = await store.open({ account, mailbox: box.id });
      const index = await handle.ready();
      let size = 0;
      let count = 0;
      for await (const batch of handle.details([[1, 2 ** 32 - 1]])) {
        for (const { uid, summary, sizeBytes, blob, emailId, saveDateMs, internalDateMs } of batch) {
          const pieces: Uint8Array[] = [];
          for await (const piece of store.body(blob)) pieces.push(piece);
          const subject = summary.envelope.subject ?? "";
          const text = Buffer.concat(pieces).toString("latin1");
          expect([sizeBytes, text]).toEqual([text.length, this.sent.get(String(subject))]);
          const row = index.rowOf(uid);
          // The order of keywords is that of each store's first sight of them.
          const names = index.flagsAt(row).names.toSorted();
          lines.push(
            [box.name, uid, subject, emailId, saveDateMs, internalDateMs, index.modSeqAt(row), names].join(" "),
          );
          size += sizeBytes;
          count++;
        }
      }
      expect(handle.status).toMatchObject({ messages: count, sizeBytes: size });
      expect(index.count).toBe(count);
      bytes += size;
      messages += count;
      handle.release();
    }
    expect(await store.quota(account)).toMatchObject({ bytes, messages });
    return lines;
  }
}

/** With a log that is cut all the time there is nobody who reads it from its beginning. */
async function runTrial(seed: number, { logRecordsKept }: { readonly logRecordsKept: number }): Promise<Trial> {
  const dice = new Dice(seed);
  const memory = await openMemoryDriver({
    limits: { segmentBytesMax: 4_096, compactBytesMax: 500, checkpointBytes: 2_000, cachedAccountsMax: 1 },
  });
  const driver = unhurried(memory, dice);
  const troubles: unknown[] = [];
  const options = {
    scryptCost: { N: 16, r: 1, p: 1 },
    scramIterations: 4_096,
    limits: { ...TINY, logRecordsKept },
    onTrouble: (error: unknown) => troubles.push(error),
  };
  const stores = [openMailStore(driver, options), openMailStore(driver, options)] as const;
  const { id } = await stores[0].createAccount({ address: "alice@example.org", password: "x" });
  const other = await stores[0].createAccount({ address: "bob@example.org", password: "x" });
  const inbox = await stores[0].mailbox(other.id, "INBOX");
  const trial = new Trial(dice, stores, [id, { account: other.id, mailbox: inbox?.id ?? mailboxId(0) }]);
  const callers = Array.from({ length: 8 }, () => trial.call(25));
  // Somebody else's account pushes this one out of memory whenever nobody uses it.
  const pushes = (async () => {
    for (let i = 0; i < 50; i++) {
      for (const store of stores) await store.quota(other.id);
      await nextTurn();
    }
  })();
  const done = Promise.all([...callers, pushes]);
  const followers = logRecordsKept < 100 ? [] : stores.map((store) => follow(store, id, done));
  await done;
  const all = await trial.everything(stores[0]);
  for (const folded of await Promise.all(followers)) {
    const uids = new Map((await stores[0].mailboxes(id)).map(({ name }) => [name, [] as string[]]));
    for (const line of all) uids.get(line.slice(0, line.indexOf(" ")))?.push(line.split(" ")[1] as string);
    expect(folded.lines()).toEqual([...uids].map(([name, of]) => `${name} ${of.join()}`).toSorted());
  }
  expect(await trial.everything(stores[1], other.id)).toEqual(await trial.everything(stores[0], other.id));
  expect(await trial.everything(stores[1])).toEqual(all);
  expect(await trial.everything(openMailStore(driver, options))).toEqual(all);
  expect(troubles).toEqual([]);
  await stores[0].close();
  return trial;
}

describe("many callers at once", () => {
  it("leave one state that all readers agree on", async () => {
    const seed = Number(process.env["TEST_SEED"]);
    let freed = 0;
    let checked = 0;
    for (let i = 0; i < 8; i++) {
      try {
        const trial = await runTrial(seed + i, { logRecordsKept: i % 2 === 0 ? 100_000 : 6 });
        freed += trial.freed;
        checked += trial.checked;
      } catch (error) {
        process.stderr.write(`TEST_SEED=${seed + i}\n`);
        throw error;
      }
    }
    // Else nothing was tried.
    expect(Math.min(freed, checked)).toBeGreaterThan(0);
  });
});
