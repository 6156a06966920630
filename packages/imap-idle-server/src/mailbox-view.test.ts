// The view against a naive model: a client that obeys what it is told always has the mailbox as it was.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, it } from "@jest/globals";
import {
  cursor,
  mailboxId,
  normalizeUidSet,
  uidSetOf,
  type ChangeRecord,
  type Cursor,
  type FlagSet,
} from "@pushmail/mailstore";
import type { Change, MailboxStatus, MessageIndex, Uid } from "@pushmail/mailstore";
import * as fc from "fast-check";
import type { Updates } from "./mailbox-updates.ts";
import { MailboxView } from "./mailbox-view.ts";

const MAILBOX = mailboxId(7);
const OTHER = mailboxId(8);

/** A mailbox as a plain list, with its whole history. */
class ModelMailbox {
  messages: { readonly uid: Uid; readonly modSeq: Cursor }[] = [];
  readonly records: ChangeRecord[] = [];
  uidNext = 1;
  #uids = new Uint32Array(0);
  readonly #index: MessageIndex = indexOf(this, () => this.#uids);

  get cursor(): Cursor {
    return cursor(this.records.length);
  }

  append(count: number): void {
    const uids = Array.from({ length: count }, () => this.uidNext++);
    const modSeq = this.#record({ type: "MessageAppended", mailbox: MAILBOX, uids: uidSetOf(uids), by: "delivery" });
    for (const uid of uids) this.messages.push({ uid, modSeq });
    this.#uids = Uint32Array.from([...this.messages.map(({ uid }) => uid), 0, 0]);
  }

  expunge(picks: readonly number[]): void {
    const uids = this.#picked(picks);
    this.messages = this.messages.filter(({ uid }) => !uids.includes(uid));
    this.#uids = Uint32Array.from(this.messages, ({ uid }) => uid);
    this.#record({ type: "MessageExpunged", mailbox: MAILBOX, uids: uidSetOf(uids), by: "expunge" });
  }

  /** Returns what changed, or undefined in an empty mailbox. */
  changeFlags(picks: readonly number[]): { readonly uids: readonly Uid[]; readonly cursor: Cursor } {
    const uids = this.#picked(picks);
    const modSeq = this.#record({ type: "FlagsChanged", mailbox: MAILBOX, uids: uidSetOf(uids) });
    this.messages = this.messages.map((message) => (uids.includes(message.uid) ? { ...message, modSeq } : message));
    return { uids, cursor: modSeq };
  }

  changeElsewhere(): void {
    this.#record({ type: "MessageExpunged", mailbox: OTHER, uids: [[1, 1_000]], by: "move" });
  }

  status(): MailboxStatus {
    return {
      id: MAILBOX,
      name: "INBOX",
      uidValidity: 1,
      uidNext: this.uidNext,
      highestModSeq: this.cursor,
      messages: this.messages.length,
      unseen: 0,
      deleted: 0,
      sizeBytes: 0,
      specialUse: null,
      rights: [],
      subscribed: false,
      restored: null,
    };
  }

  /** One and the same all the time, as the real one. */
  index(): MessageIndex {
    return this.#index;
  }

  #picked(picks: readonly number[]): readonly Uid[] {
    if (this.messages.length === 0) return [];
    return picks.map((pick) => this.messages[pick % this.messages.length]?.uid as Uid);
  }

  #record(change: Change): Cursor {
    const at = cursor(this.records.length + 1);
    this.records.push({ cursor: at, atMs: 0, changes: [change] });
    return at;
  }
}

function indexOf(mailbox: ModelMailbox, uids: () => Uint32Array): MessageIndex {
  const lowerBound = (uid: Uid): number => {
    const row = mailbox.messages.findIndex((message) => message.uid >= uid);
    return row < 0 ? mailbox.messages.length : row;
  };
  return {
    get count() {
      return mailbox.messages.length;
    },
    get uids() {
      return uids();
    },
    lowerBound,
    rowOf: (uid) => mailbox.messages.findIndex((message) => message.uid === uid),
    modSeqAt: (row) => mailbox.messages[row]?.modSeq as Cursor,
    flagsAt: (): FlagSet => ({ names: [], seen: false, deleted: false, has: () => false }),
    alikeEnd: (row) => row + 1,
  };
}

/** A client that does what it is told, and keeps the MODSEQ at which it last saw the flags of each message. */
class ObedientClient {
  readonly seen = new Map<Uid, Cursor>();
  numbers: Uid[] = [];

  obey(updates: Updates, view: MailboxView, index: MessageIndex): void {
    const rows = updates.expunged.flatMap(([first, last]) => this.numbers.slice(first, last + 1));
    expect(updates.vanished).toEqual(uidSetOf(rows));
    for (const [first, last] of updates.expunged.toReversed()) {
      for (let row = last; row >= first; row--) {
        expect(row).toBeLessThan(this.numbers.length);
        this.numbers.splice(row, 1);
      }
    }
    if (updates.exists !== undefined) {
      expect(updates.exists).toBeGreaterThan(this.numbers.length);
      for (const uid of view.uids.subarray(this.numbers.length, updates.exists)) {
        this.numbers.push(uid);
        this.look(uid, index);
      }
    }
    for (const [first, last] of updates.flags) {
      for (let uid = first; uid <= last; uid++) if (this.numbers.includes(uid)) this.look(uid, index);
    }
    expect([...view.uids.subarray(0, view.count)]).toEqual(this.numbers);
  }

  look(uid: Uid, index: MessageIndex): void {
    const row = index.rowOf(uid);
    if (row >= 0) this.seen.set(uid, index.modSeqAt(row));
  }
}

type Step =
  | { readonly do: "append"; readonly count: number }
  | { readonly do: "expunge"; readonly picks: readonly number[] }
  | { readonly do: "flags"; readonly picks: readonly number[] }
  | { readonly do: "own flags"; readonly picks: readonly number[] }
  | { readonly do: "elsewhere" }
  | { readonly do: "tell"; readonly holdsExpunge: boolean; readonly behind: number; readonly compare: boolean };

const UP_TO_DATE: Extract<Step, { do: "tell" }> = { do: "tell", holdsExpunge: false, behind: 0, compare: false };

const picks = fc.array(fc.nat(30), { minLength: 1, maxLength: 4 });
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("append" as const), count: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ do: fc.constant("expunge" as const), picks }),
  fc.record({ do: fc.constant("flags" as const), picks }),
  fc.record({ do: fc.constant("own flags" as const), picks }),
  fc.record({ do: fc.constant("elsewhere" as const) }),
  fc.record({
    do: fc.constant("tell" as const),
    holdsExpunge: fc.boolean(),
    behind: fc.nat(3),
    compare: fc.boolean(),
  }),
);

function tell(view: MailboxView, mailbox: ModelMailbox, how: Extract<Step, { do: "tell" }>): Updates {
  const { holdsExpunge, behind, compare } = how;
  if (compare) return view.compare(mailbox.index(), { holdsExpunge, through: mailbox.cursor });
  // The index may be newer than the records that were read.
  const through = cursor(Math.max(view.through, mailbox.cursor - behind));
  return view.apply(mailbox.records.slice(view.through, through), mailbox.index(), { holdsExpunge, through });
}

class ClientAndView {
  readonly client = new ObedientClient();
  readonly #mailbox: ModelMailbox;
  readonly #view: MailboxView;

  constructor(mailbox: ModelMailbox) {
    this.#mailbox = mailbox;
    this.#view = new MailboxView(mailbox.status());
    this.#view.load(mailbox.index(), []);
    this.client.numbers = mailbox.messages.map(({ uid }) => uid);
    for (const uid of this.client.numbers) this.client.look(uid, mailbox.index());
  }

  readonly tell = (how: Extract<Step, { do: "tell" }>): void => {
    const updates = tell(this.#view, this.#mailbox, how);
    if (how.holdsExpunge) expect(updates.expunged).toEqual([]);
    this.client.obey(updates, this.#view, this.#mailbox.index());
  };

  /** Told of all that was there before, it knows what comes of it. */
  changeFlags(which: readonly number[]): void {
    this.tell(UP_TO_DATE);
    const { uids, cursor: at } = this.#mailbox.changeFlags(which);
    this.#view.addOwnChange(at, 1_000);
    for (const uid of uids) this.client.look(uid, this.#mailbox.index());
  }
}

describe("a view", () => {
  it("tells a client whatever happens, in any order of changes and readings", () => {
    fc.assert(
      fc.property(fc.nat(8), fc.array(step, { maxLength: 40 }), fc.nat(20), (count, steps, loadedAfter) => {
        const mailbox = new ModelMailbox();
        if (count > 0) mailbox.append(count);
        const view = new MailboxView(mailbox.status());
        const client = new ObedientClient();
        client.numbers = mailbox.messages.map(({ uid }) => uid);
        for (const uid of client.numbers) client.look(uid, mailbox.index());
        const load = (): void => {
          const gone = mailbox.records.slice(view.through).flatMap(({ changes }) => changes);
          const uids = gone.flatMap((change) =>
            change.type === "MessageExpunged" && change.mailbox === MAILBOX ? change.uids : [],
          );
          expect(view.isLoaded || view.load(mailbox.index(), normalizeUidSet(uids))).toBe(true);
          expect([...view.uids.subarray(0, view.count)]).toEqual(client.numbers);
        };
        for (const [i, one] of steps.entries()) {
          if (i >= loadedAfter) load();
          if (one.do === "append") mailbox.append(one.count);
          else if (one.do === "expunge") mailbox.expunge(one.picks);
          else if (one.do === "flags") mailbox.changeFlags(one.picks);
          else if (one.do === "elsewhere") mailbox.changeElsewhere();
          else if (one.do === "tell") {
            load();
            const before = view.count;
            const updates = tell(view, mailbox, one);
            if (one.holdsExpunge) expect(updates.expunged).toEqual([]);
            if (one.holdsExpunge) expect(view.count).toBeGreaterThanOrEqual(before);
            client.obey(updates, view, mailbox.index());
            // Nothing but expunges is ever held back.
            if (one.behind > 0 && !one.compare) continue;
            for (const { uid, modSeq } of mailbox.messages) expect(client.seen.get(uid)).toBe(modSeq);
          } else {
            // Told of nothing, the client knows the outcome only where it knew what was there before.
            const isKnown = new Map(mailbox.messages.map(({ uid, modSeq }) => [uid, client.seen.get(uid) === modSeq]));
            const change = mailbox.changeFlags(one.picks);
            view.addOwnChange(change.cursor, 1_000);
            for (const uid of change.uids) if (isKnown.get(uid) === true) client.look(uid, mailbox.index());
          }
        }
        load();
        client.obey(tell(view, mailbox, UP_TO_DATE), view, mailbox.index());
        expect(client.numbers).toEqual(mailbox.messages.map(({ uid }) => uid));
        for (const { uid, modSeq } of mailbox.messages) expect(client.seen.get(uid)).toBe(modSeq);
        expect(view.through).toBe(mailbox.cursor);
        // A view that is up to date shares the array of the index.
        if (view.count > 0) expect(view.uids).toBe(mailbox.index().uids);
      }),
      { numRuns: 1_000 },
    );
  });

  it("tells each of several sessions what is new to it, wherever the others stand", () => {
    const whom = fc.array(fc.nat(2), { maxLength: 3 });
    fc.assert(
      fc.property(fc.nat(8), fc.array(fc.tuple(step, whom), { maxLength: 40 }), (count, steps) => {
        const mailbox = new ModelMailbox();
        if (count > 0) mailbox.append(count);
        const sessions = [0, 1, 2].map(() => new ClientAndView(mailbox));
        for (const [one, asked] of steps) {
          const chosen = asked.map((who) => sessions[who] as ClientAndView);
          if (one.do === "append") mailbox.append(one.count);
          else if (one.do === "expunge") mailbox.expunge(one.picks);
          else if (one.do === "flags") mailbox.changeFlags(one.picks);
          else if (one.do === "elsewhere") mailbox.changeElsewhere();
          else if (one.do === "own flags") chosen[0]?.changeFlags(one.picks);
          else for (const session of chosen) session.tell(one);
        }
        for (const { client, tell: tellLast } of sessions) {
          tellLast(UP_TO_DATE);
          expect(client.numbers).toEqual(mailbox.messages.map(({ uid }) => uid));
          for (const { uid, modSeq } of mailbox.messages) expect(client.seen.get(uid)).toBe(modSeq);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it("tells one session of an expunge, and not the next one whose numbers are in use", () => {
    const mailbox = new ModelMailbox();
    mailbox.append(3);
    const [first, inUse, last] = [0, 1, 2].map(() => new ClientAndView(mailbox));
    mailbox.expunge([1]);
    first?.tell(UP_TO_DATE);
    inUse?.tell({ ...UP_TO_DATE, holdsExpunge: true });
    last?.tell(UP_TO_DATE);
    expect([first, inUse, last].map((session) => session?.client.numbers.length)).toEqual([2, 3, 2]);
  });

  it("holds no index in memory whose mailbox was told last and is closed", async () => {
    setFlagsFromString("--expose-gc");
    const collectGarbage = runInNewContext("gc") as () => void;
    const index = (() => {
      const mailbox = new ModelMailbox();
      mailbox.append(3);
      const session = new ClientAndView(mailbox);
      mailbox.append(1);
      session.tell(UP_TO_DATE);
      return new WeakRef(mailbox.index());
    })();
    for (let turns = 0; turns < 10 && index.deref() !== undefined; turns++) {
      // A weak reference keeps what it refers to for the turn in which it is made or asked.
      await new Promise((resolve) => setImmediate(resolve));
      collectGarbage();
    }
    expect(index.deref()).toBeUndefined();
  });

  it("does not tell a session of its own changes of flags, and tells those of others", () => {
    const mailbox = new ModelMailbox();
    mailbox.append(3);
    const view = new MailboxView(mailbox.status());
    view.load(mailbox.index(), []);
    view.addOwnChange(mailbox.changeFlags([0]).cursor, 1_000);
    mailbox.changeFlags([1]);
    expect(tell(view, mailbox, UP_TO_DATE)).toMatchObject({ flags: [[2, 2]], own: [[1, 1]] });
    view.addOwnChange(mailbox.changeFlags([0]).cursor, 1_000);
    expect(tell(view, mailbox, UP_TO_DATE).flags).toEqual([]);
  });

  it("remembers no more own changes than are read one by one", () => {
    const mailbox = new ModelMailbox();
    mailbox.append(3);
    const view = new MailboxView(mailbox.status());
    view.load(mailbox.index(), []);
    for (const pick of [0, 1, 2]) view.addOwnChange(mailbox.changeFlags([pick]).cursor, 2);
    expect(tell(view, mailbox, UP_TO_DATE)).toMatchObject({ flags: [[1, 2]], own: [[3, 3]] });
  });

  it("resolves numbers and UIDs to what the client was told of", () => {
    const mailbox = new ModelMailbox();
    mailbox.append(5);
    mailbox.expunge([1]);
    const view = new MailboxView(mailbox.status());
    view.load(mailbox.index(), []);
    mailbox.append(2);
    expect(view.resolve([[1, "*"]], { uid: false })).toEqual([[1, 5]]);
    expect(view.resolve([[2, 3]], { uid: false })).toEqual([[3, 4]]);
    expect(() => view.resolve([[1, 5]], { uid: false })).toThrow("There are only 4 messages");
    expect(view.resolve([[1, 100]], { uid: true })).toEqual([[1, 5]]);
    expect(view.resolve([[100, "*"]], { uid: true })).toEqual([[5, 5]]);
    expect(view.resolve([[6, 7]], { uid: true })).toEqual([]);
    expect([view.uidOf(2), view.numberOf(3), view.numberOf(2), view.numberOf(6)]).toEqual([3, 2, 0, 0]);
  });

  it("has one set for $, however often a search names it", () => {
    const view = new MailboxView(new ModelMailbox().status());
    view.saved = Uint32Array.of(1, 2, 4);
    const saved = view.resolve("$", { uid: true });
    expect(saved).toEqual([
      [1, 2],
      [4, 4],
    ]);
    expect(view.resolve("$", { uid: false })).toBe(saved);
    view.saved = Uint32Array.of(4);
    expect(view.resolve("$", { uid: true })).toEqual([[4, 4]]);
  });

  it("counts as recent what was claimed and told", () => {
    const mailbox = new ModelMailbox();
    mailbox.append(3);
    const view = new MailboxView(mailbox.status());
    view.addRecent(2, 4);
    expect(view.recentCount).toBe(2);
    view.load(mailbox.index(), []);
    expect(view.recentCount).toBe(2);
    expect([1, 2, 3].map((uid) => view.isRecent(uid))).toEqual([false, true, true]);
    mailbox.append(1);
    tell(view, mailbox, UP_TO_DATE);
    expect(view.recentCount).toBe(3);
  });
});
