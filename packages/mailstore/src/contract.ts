// What every store driver must do: the nine laws of driver.ts as cases, and a naive model that a driver must agree with.
// A driver's own test calls `describeStoreDriver` with a way to open an empty store.
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import type {
  AccountHead,
  CommitResult,
  LogRecord,
  MailboxHead,
  StagedBlob,
  StoreDriver,
  Transaction,
  TransactionPart,
} from "./driver.ts";
import {
  accountId,
  ACCOUNT_DIRECTORY,
  cursor,
  mailboxId,
  METADATA_FIRST,
  type AccountId,
  type BlobId,
  type MailboxId,
} from "./ids.ts";
import { randomFrom, type Random } from "./test-support/random-from.ts";

/** A store opened for one case. */
export interface OpenedStore {
  readonly driver: StoreDriver;
  /** Closes it and opens what it wrote; absent where nothing outlives the driver. */
  readonly reopen?: () => Promise<StoreDriver>;
  /** Removes what it wrote, when the driver is closed. */
  readonly remove?: () => Promise<void>;
}

const A = accountId(1);
const B = accountId(2);
const INBOX = mailboxId(1);
const TRASH = mailboxId(2);
const NOTHING = new Uint8Array(0);

/** Declares the suite for one driver; `open` gives a store of its own to each case. */
export function describeStoreDriver(name: string, open: () => Promise<OpenedStore>): void {
  describe(name, () => {
    let opened: OpenedStore;
    let driver: StoreDriver;

    beforeEach(async () => {
      opened = await open();
      driver = opened.driver;
      for (const account of [A, B]) await commitOne(driver, transaction(account, [create(INBOX), create(TRASH)]));
    });
    afterEach(async () => {
      await driver.close();
      await opened.remove?.();
    });

    /** The same store once more, as it is on disk; itself where nothing is. */
    async function reopened(): Promise<StoreDriver> {
      if (opened.reopen !== undefined) driver = await opened.reopen();
      return driver;
    }

    it("says whether something is being made durable", async () => {
      const committed = driver.commit([transaction(A, [append(INBOX, 1)])]);
      expect(driver.committing).toBeDefined();
      await committed;
      while (driver.committing !== undefined) await new Promise((resolve) => setImmediate(resolve));
    });

    describe("law 1: the account is the atom", () => {
      it("writes all parts of a transaction or none", async () => {
        const before = await driver.head(A);
        const missing = mailboxId(77);
        const result = await commitOne(
          driver,
          transaction(A, [append(INBOX, 2), append(missing, 1), append(TRASH, 1)]),
        );
        expect(result).toEqual({ ok: false, why: "gone" });
        expect(plain(await driver.head(A))).toEqual(plain(before));
        const parts = [append(INBOX, 2), append(TRASH, 1)];
        const { cursor: at, firstUids } = ok(await commitOne(driver, transaction(A, parts)));
        expect(firstUids).toEqual([1, 1]);
        const head = await driver.head(A);
        expect(mailboxOf(head, INBOX)).toMatchObject({ messages: 2, uidNext: 3, modSeq: at });
        expect(mailboxOf(head, TRASH)).toMatchObject({ messages: 1, uidNext: 2, modSeq: at });
        const { records } = await driver.log(A, cursor(at - 1), { limit: 10 });
        expect(records.map(({ parts: logged }) => logged.map(({ mailbox }) => mailbox))).toEqual([[INBOX, TRASH]]);
      });

      it("writes none of an all-or-none call where one transaction fails", async () => {
        const heads = [await driver.head(A), await driver.head(B)];
        const call = [
          transaction(A, [append(INBOX, 1)]),
          transaction(B, [append(mailboxId(9), 1)]),
          transaction(B, [append(INBOX, 1)]),
        ];
        expect(await driver.commit(call, { allOrNone: true })).toEqual([
          { ok: false, why: "sibling" },
          { ok: false, why: "gone" },
          { ok: false, why: "sibling" },
        ]);
        expect(plain([await driver.head(A), await driver.head(B)])).toEqual(plain(heads));
        const alone = await driver.commit(call);
        expect(alone.map((result) => result.ok)).toEqual([true, false, true]);
      });

      it("decides the transactions of a call one after the other", async () => {
        const guard = mailboxOf(await driver.head(A), INBOX).guard;
        const change = (): Transaction => transaction(A, [{ ...part(INBOX), guard, record: bytes("flags") }]);
        const results = await driver.commit([change(), change()]);
        expect(results.map((result) => (result.ok ? "ok" : result.why))).toEqual(["ok", "guard"]);
      });
    });

    describe("law 2: one contiguous sequence per account", () => {
      it("adds one a transaction, whatever it touches and whoever commits at the same time", async () => {
        const from = (await driver.head(A))?.cursor ?? 0;
        const calls = Array.from({ length: 60 }, (_, i) => {
          const own = transaction(A, [append(i % 2 === 0 ? INBOX : TRASH, 1)]);
          return driver.commit([own, transaction(B, [append(INBOX, 1)])]);
        });
        const results = (await Promise.all(calls)).map(([own]) => ok(own));
        const cursors = results.map((result) => result.cursor as number).sort((a, b) => a - b);
        expect(cursors).toEqual(Array.from({ length: 60 }, (_, i) => from + 1 + i));
        const { records } = await (await reopened()).log(A, cursor(from), { limit: 100 });
        expect(records.map((record) => record.cursor)).toEqual(cursors);
        expect((await driver.head(A))?.cursor).toBe(from + 60);
      });

      it("writes a transaction without parts, for the limits alone", async () => {
        const limits = { bytesMax: 10, messagesMax: 20 };
        const { cursor: at } = ok(await commitOne(driver, { ...transaction(A, []), limits }));
        const head = await driver.head(A);
        expect(head).toMatchObject({ cursor: at, limits });
        const [record] = (await driver.log(A, cursor(at - 1), { limit: 1 })).records;
        expect(record).toMatchObject({ cursor: at, limits, parts: [] });
      });

      it("knows nothing of an account never written", async () => {
        const nobody = accountId(4_000_000_000);
        expect(await driver.head(nobody)).toBeUndefined();
        expect(await driver.log(nobody, cursor(0), { limit: 5 })).toEqual({ records: [], floor: 0 });
        expect(await commitOne(driver, transaction(nobody, [append(INBOX, 1)]))).toEqual({ ok: false, why: "gone" });
        expect(await driver.head(nobody)).toBeUndefined();
      });
    });

    describe("law 3: UIDs are given out by the commit", () => {
      it("gives them in the order in which the messages become visible", async () => {
        const counts = Array.from({ length: 40 }, (_, i) => 1 + (i % 3));
        const results = await Promise.all(
          counts.map(async (count) => {
            const { cursor: at, firstUids } = ok(await commitOne(driver, transaction(A, [append(INBOX, count)])));
            return { at, first: firstUids[0] as number, count };
          }),
        );
        results.sort((a, b) => a.at - b.at);
        let next = 1;
        for (const { first, count } of results) {
          expect(first).toBe(next);
          next += count;
        }
        expect(mailboxOf(await (await reopened()).head(A), INBOX).uidNext).toBe(next);
        const after = ok(await commitOne(driver, transaction(A, [append(INBOX, 1)])));
        expect(after.firstUids).toEqual([next]);
      });

      it("counts on within a transaction, and names uidNext where none is given out", async () => {
        const parts = [append(INBOX, 2), { ...part(TRASH), record: bytes("x") }, append(INBOX, 3), part(INBOX)];
        const { firstUids } = ok(await commitOne(driver, transaction(A, parts)));
        expect(firstUids).toEqual([1, 1, 3, 6]);
        const { records } = await driver.log(A, cursor(1), { limit: 9 });
        expect(records[0]?.parts.map(({ firstUid }) => firstUid)).toEqual([1, 1, 3, 6]);
      });

      it("never gives one twice, also when its message is gone", async () => {
        await commitOne(driver, transaction(A, [append(INBOX, 5)]));
        const { guard } = mailboxOf(await driver.head(A), INBOX);
        ok(await commitOne(driver, transaction(A, [{ ...part(INBOX), guard, messages: -5, unseen: -5, bytes: -500 }])));
        const { firstUids } = ok(await commitOne(await reopened(), transaction(A, [append(INBOX, 1)])));
        expect(firstUids).toEqual([6]);
      });
    });

    describe("law 4: appends never conflict, everything else names its guard", () => {
      it("refuses a guard that is not the last non-append cursor, and writes nothing", async () => {
        const created = mailboxOf(await driver.head(A), INBOX);
        expect(created.guard).toBe(created.modSeq);
        const appended = ok(await commitOne(driver, transaction(A, [append(INBOX, 1)])));
        expect(mailboxOf(await driver.head(A), INBOX)).toMatchObject({ guard: created.guard, modSeq: appended.cursor });
        const flags = (guard: number): Transaction =>
          transaction(A, [{ ...part(INBOX), guard: cursor(guard), unseen: -1, record: bytes("seen") }]);
        expect(await commitOne(driver, flags(appended.cursor))).toEqual({ ok: false, why: "guard" });
        expect((await driver.head(A))?.cursor).toBe(appended.cursor);
        const changed = ok(await commitOne(driver, flags(created.guard)));
        expect(mailboxOf(await driver.head(A), INBOX)).toMatchObject({ guard: changed.cursor, unseen: 0 });
        expect(await commitOne(driver, flags(created.guard))).toEqual({ ok: false, why: "guard" });
        expect(mailboxOf(await (await reopened()).head(A), INBOX).guard).toBe(changed.cursor);
      });

      it("lets exactly one of many with the same guard through, and every append beside them", async () => {
        const { guard } = mailboxOf(await driver.head(A), INBOX);
        const results = await Promise.all(
          Array.from({ length: 30 }, (_, i) =>
            commitOne(driver, transaction(A, [i % 3 === 0 ? { ...part(INBOX), guard } : append(INBOX, 1)])),
          ),
        );
        const guarded = results.filter((_, i) => i % 3 === 0);
        expect(guarded.filter((result) => result.ok)).toHaveLength(1);
        expect(results.filter((_, i) => i % 3 !== 0).every((result) => result.ok)).toBe(true);
      });

      it("refuses what rests on properties that are others by then, and no append for what else happens", async () => {
        const { guard, properties } = mailboxOf(await driver.head(A), INBOX);
        const relying = (): Transaction => transaction(A, [{ ...append(INBOX, 1), propertiesBefore: properties }]);
        const flags = transaction(A, [{ ...part(INBOX), guard, record: bytes("flags") }]);
        const changed = ok((await driver.commit([flags, relying()]))[0]);
        const renamed = { ...part(INBOX), guard: changed.cursor, properties: bytes("renamed") };
        const results = await driver.commit([relying(), transaction(A, [renamed]), relying()]);
        expect(results.map((result) => (result.ok ? "ok" : result.why))).toEqual(["ok", "ok", "guard"]);
        expect(await commitOne(await reopened(), relying())).toEqual({ ok: false, why: "guard" });
        const last = { ...append(INBOX, 1), propertiesBefore: bytes("renamed") };
        expect(ok(await commitOne(driver, transaction(A, [last]))).firstUids).toEqual([3]);
      });

      it("takes guard 0 for a mailbox that must not be there yet", async () => {
        const fresh = mailboxId(5);
        const make = (): Transaction => transaction(A, [{ ...create(fresh), guard: cursor(0) }]);
        const results = await Promise.all([commitOne(driver, make()), commitOne(driver, make())]);
        expect(results.map((result) => (result.ok ? "ok" : result.why)).sort()).toEqual(["guard", "ok"]);
      });
    });

    describe("law 5: an id makes a transaction idempotent", () => {
      const id = Uint8Array.from({ length: 16 }, (_, i) => i);

      it("returns the first result, at once, in one call, at the same time, and after opening again", async () => {
        const body = await stage(driver, "once");
        const again = (): Transaction => ({ ...transaction(A, [append(INBOX, 2)]), blobs: [body], id });
        const first = ok(await commitOne(driver, again()));
        expect(first.repeated).toBe(false);
        const repeated = { ...first, repeated: true };
        const many = await Promise.all([commitOne(driver, again()), commitOne(driver, again())]);
        expect(many).toEqual([repeated, repeated]);
        const other = Uint8Array.from(id, (byte) => byte + 1);
        const twice = await driver.commit([
          { ...again(), id: other },
          { ...again(), id: other },
        ]);
        expect(twice.map((result) => ok(result).repeated)).toEqual([false, true]);
        expect(ok(twice[1]).cursor).toBe(ok(twice[0]).cursor);
        const cursorBefore = (await driver.head(A))?.cursor;
        expect(await commitOne(await reopened(), { ...transaction(A, [append(INBOX, 2)]), id })).toEqual(repeated);
        expect((await driver.head(A))?.cursor).toBe(cursorBefore);
      });

      it("keeps no id of a transaction that was refused, and one account's from another's", async () => {
        const refused = { ...transaction(A, [append(mailboxId(9), 1)]), id };
        expect((await commitOne(driver, refused)).ok).toBe(false);
        expect(ok(await commitOne(driver, { ...transaction(A, [append(INBOX, 1)]), id })).repeated).toBe(false);
        expect(ok(await commitOne(driver, { ...transaction(B, [append(INBOX, 1)]), id })).repeated).toBe(false);
      });
    });

    describe("law 6: the body before the record", () => {
      it("reads back every byte and any range", async () => {
        // The last ones are streamed: one ends with a full buffer, one in the midst of it.
        const sizes = [0, 1, 5000, 300_000, 3_000_000, 2_900_000];
        const bodies = sizes.map((size) => noise(size, size));
        const staged = await Promise.all(bodies.map((body) => stage(driver, body)));
        expect(staged.map(({ sizeBytes }) => sizeBytes)).toEqual(sizes);
        const own = { ...transaction(A, [append(INBOX, sizes.length)]), blobs: staged };
        const { blobs, cursor: at } = ok(await commitOne(driver, own));
        const store = await reopened();
        const [record] = (await store.log(A, cursor(at - 1), { limit: 1 })).records;
        expect(record?.blobs).toEqual(blobs);
        for (const [i, body] of bodies.entries()) {
          const blob = blobs[i] as BlobId;
          expect(await readHash(store, blob)).toBe(hash(body));
          const ranges = [{ start: 0 }, { end: 0 }, { start: 1, end: 4 }, { start: body.length - 2 }, { start: 9e9 }];
          for (const range of ranges) {
            const expected = body.subarray(Math.max(0, range.start ?? 0), range.end ?? body.length);
            const from = { ...range, start: Math.max(0, range.start ?? 0) };
            expect(plain(await read(store, blob, from))).toEqual(plain(expected));
          }
        }
        const pieces: number[] = [];
        for await (const piece of store.blobs.read(blobs[4] as BlobId)) pieces.push(piece.length);
        expect(Math.max(...pieces)).toBeLessThan(2_000_000);
      });

      it("stores a staged body once, however many transactions name it", async () => {
        const body = await stage(driver, "for all");
        const first = await driver.commit(
          [A, B].map((account) => ({ ...transaction(account, [append(INBOX, 1)]), blobs: [body, body] })),
        );
        const later = ok(await commitOne(driver, { ...transaction(A, [append(TRASH, 1)]), blobs: [body] }));
        const places = new Set([...first.flatMap((result) => ok(result).blobs), ...later.blobs]);
        expect(places.size).toBe(1);
        await body.discard();
        await body.discard();
        expect(plain(await read(driver, later.blobs[0] as BlobId))).toEqual(plain(bytes("for all")));
      });

      it("keeps a staged body for another try after a refusal, and takes none that was discarded", async () => {
        for (const size of [10, 2_500_000]) {
          const body = await stage(driver, noise(size, 7));
          const refused = { ...transaction(A, [append(mailboxId(9), 1)]), blobs: [body] };
          expect((await commitOne(driver, refused)).ok).toBe(false);
          const { blobs } = ok(await commitOne(driver, { ...transaction(A, [append(INBOX, 1)]), blobs: [body] }));
          expect(await readHash(driver, blobs[0] as BlobId)).toBe(hash(noise(size, 7)));
          const gone = await stage(driver, noise(size, 8));
          await gone.discard();
          const dead = { ...transaction(A, [append(INBOX, 1)]), blobs: [gone] };
          await expect(driver.commit([dead])).rejects.toThrow();
        }
      });

      it("keeps a staged body that is discarded while a transaction that names it is under way", async () => {
        for (const size of [10, 2_500_000]) {
          const body = await stage(driver, noise(size, 9));
          const committing = commitOne(driver, { ...transaction(A, [append(INBOX, 1)]), blobs: [body] });
          await body.discard();
          const { blobs } = ok(await committing);
          expect(await readHash(await reopened(), blobs[0] as BlobId)).toBe(hash(noise(size, 9)));
        }
      });

      it("puts the pieces of a stream together, and leaves nothing of one that throws", async () => {
        const sizes = [10, 4_000, 20_000, 0, 300, 70_000, 70_000, 1, 300_000, 5];
        for (const rounds of [1, 2, 8]) {
          const body = noise(rounds * sizes.reduce((sum, size) => sum + size), rounds);
          async function* cut(): AsyncGenerator<Uint8Array> {
            let at = 0;
            // Some in memory of their own, some in that of all.
            for (let i = 0; i < rounds * sizes.length; i++) {
              const piece = body.subarray(at, (at += sizes[i % sizes.length] as number));
              yield i % 3 === 0 ? piece : Uint8Array.from(piece);
            }
          }
          const staged = await driver.blobs.stage(cut());
          const { blobs } = ok(await commitOne(driver, { ...transaction(A, [append(INBOX, 1)]), blobs: [staged] }));
          expect(await readHash(driver, blobs[0] as BlobId)).toBe(hash(body));
        }
        async function* failing(): AsyncGenerator<Uint8Array> {
          yield new Uint8Array(100_000);
          yield new Uint8Array(3_000_000);
          throw new Error("peer gone");
        }
        await expect(driver.blobs.stage(failing())).rejects.toThrow("peer gone");
      });
    });

    describe("law 7: snapshots are caches", () => {
      const column = (store: StoreDriver, number: number): Promise<unknown> =>
        store.chunks(A, INBOX, { column: number, from: 0, to: 2 ** 32 - 1 }).then(plain);

      it("keeps chunks by column and number, and takes only a newer snapshot", async () => {
        for (let i = 0; i < 5; i++) await commitOne(driver, transaction(A, [append(INBOX, 1)]));
        expect(await driver.snapshotCursor(A, INBOX)).toBe(0);
        const snapshot = (at: number, chunks: [number, number, string | null][]): Promise<boolean> =>
          driver.saveSnapshot({
            account: A,
            mailbox: INBOX,
            cursor: cursor(at),
            chunks: chunks.map(([col, number, data]) => ({
              column: col,
              number,
              data: data === null ? null : bytes(data),
            })),
          });
        expect(
          await snapshot(4, [
            [1, 300, "c"],
            [0, 0, "a"],
            [0, 256, "b"],
            [255, 2 ** 32 - 1, "z"],
          ]),
        ).toBe(true);
        expect(await snapshot(4, [[0, 0, "same"]])).toBe(false);
        expect(await snapshot(3, [[0, 0, "older"]])).toBe(false);
        expect(
          await snapshot(5, [
            [0, 256, null],
            [0, 7, "d"],
          ]),
        ).toBe(true);
        const store = await reopened();
        expect(await store.snapshotCursor(A, INBOX)).toBe(5);
        const chunk = (col: number, number: number, data: string): unknown =>
          plain({ column: col, number, data: bytes(data) });
        expect(await column(store, 0)).toEqual([chunk(0, 0, "a"), chunk(0, 7, "d")]);
        expect(await column(store, 1)).toEqual([chunk(1, 300, "c")]);
        expect(await column(store, 255)).toEqual([chunk(255, 2 ** 32 - 1, "z")]);
        expect(plain(await store.chunks(A, INBOX, { column: 0, from: 1, to: 7 }))).toEqual([chunk(0, 7, "d")]);
        expect(await store.chunks(A, TRASH, { column: 0, from: 0, to: 9 })).toEqual([]);
        expect((await store.log(A, cursor(0), { limit: 99 })).records).toHaveLength(6);
      });

      it("forgets the chunks of a deleted mailbox and takes no more", async () => {
        const snapshot = {
          account: A,
          mailbox: TRASH,
          cursor: cursor(1),
          chunks: [{ column: 0, number: 0, data: bytes("x") }],
        };
        expect(await driver.saveSnapshot(snapshot)).toBe(true);
        ok(await commitOne(driver, transaction(A, [{ ...part(TRASH), properties: null }])));
        expect(await driver.saveSnapshot({ ...snapshot, cursor: cursor(2) })).toBe(false);
        const store = await reopened();
        expect(await store.chunks(A, TRASH, { column: 0, from: 0, to: 9 })).toEqual([]);
        expect(await store.snapshotCursor(A, TRASH)).toBe(0);
      });
    });

    describe("law 8: hints and sweeps", () => {
      it("tells every record in commit order before the commit resolves", async () => {
        const heard: LogRecord[] = [];
        const stopped: LogRecord[] = [];
        const stopThrowing = driver.listen(() => {
          throw new Error("a listener's own trouble");
        });
        driver.listen((record) => heard.push(record));
        driver.listen((record) => stopped.push(record))();
        await Promise.all(
          Array.from({ length: 30 }, async (_, i) => {
            const account = i % 2 === 0 ? A : B;
            const blob = await stage(driver, `mail ${i}`);
            const { cursor: at } = ok(
              await commitOne(driver, { ...transaction(account, [append(INBOX, 1)]), blobs: [blob] }),
            );
            expect(heard.some((record) => record.account === account && record.cursor === at)).toBe(true);
          }),
        );
        stopThrowing();
        expect(stopped).toEqual([]);
        for (const account of [A, B]) {
          const own = heard.filter((record) => record.account === account);
          const { records } = await driver.log(account, cursor(1), { limit: 99 });
          expect(plain(own)).toEqual(plain(records));
        }
      });

      it("shows the new head, the log and the body to a listener's readers", async () => {
        const seen: Promise<unknown>[] = [];
        driver.listen(({ account, cursor: at, blobs }) => {
          const log = driver.log(account, cursor(at - 1), { limit: 1 });
          seen.push(Promise.all([driver.head(account), log, read(driver, blobs[0] as BlobId)]));
        });
        const blob = await stage(driver, "hello");
        const { cursor: at } = ok(await commitOne(driver, { ...transaction(A, [append(INBOX, 1)]), blobs: [blob] }));
        const [head, log, body] = (await seen[0]) as [AccountHead, { records: LogRecord[] }, Uint8Array];
        expect(head.cursor).toBe(at);
        expect(log.records.map((record) => record.cursor)).toEqual([at]);
        expect(plain(body)).toEqual(plain(bytes("hello")));
      });

      it("sweeps every account at first, then at least those that committed since", async () => {
        const all = await driver.sweep(null);
        expect(new Map(all.touched)).toEqual(
          new Map([
            [A, 1],
            [B, 1],
          ]),
        );
        await commitOne(driver, transaction(B, [append(INBOX, 1)]));
        const since = await driver.sweep(all.cursor);
        expect(new Map(since.touched).get(B)).toBe(2);
        const store = await reopened();
        await commitOne(store, transaction(A, [append(INBOX, 1)]));
        const later = await store.sweep(since.cursor);
        expect(new Map(later.touched).get(A)).toBe(2);
        expect(new Map((await store.sweep(null)).touched)).toEqual(
          new Map([
            [A, 2],
            [B, 2],
          ]),
        );
      });
    });

    describe("law 9: quota is checked in the commit", () => {
      it("refuses growth beyond the limits, and nothing else", async () => {
        const limits = { bytesMax: 1000, messagesMax: 5 };
        ok(await commitOne(driver, { ...transaction(A, [append(INBOX, 4)]), limits }));
        const results = await Promise.all(
          Array.from({ length: 4 }, () =>
            commitOne(driver, transaction(A, [append(INBOX, 1)], { enforceQuota: true })),
          ),
        );
        expect(results.filter((result) => result.ok)).toHaveLength(1);
        expect(results.filter((result) => !result.ok && result.why === "quota")).toHaveLength(3);
        const big = { ...append(INBOX, 0), bytes: 501 };
        expect(await commitOne(driver, transaction(A, [big], { enforceQuota: true }))).toEqual({
          ok: false,
          why: "quota",
        });
        ok(await commitOne(driver, transaction(A, [big])));
        const { guard } = mailboxOf(await driver.head(A), INBOX);
        const shrink = { ...part(INBOX), guard, bytes: -1, messages: -1 };
        ok(await commitOne(await reopened(), transaction(A, [shrink], { enforceQuota: true })));
        expect(await driver.head(A)).toMatchObject({ bytes: 1000, messages: 4, limits });
      });
    });

    describe("heads", () => {
      it("hold every mailbox ascending, the account's own included once it is written, and the sums", async () => {
        const [high, low] = [mailboxId(4_000_000_000), mailboxId(3)];
        const parts = [create(high), create(low), { ...part(ACCOUNT_DIRECTORY), record: bytes("subscribed") }];
        ok(await commitOne(driver, transaction(A, parts)));
        ok(await commitOne(driver, transaction(A, [append(high, 2), append(low, 3)])));
        const head = await (await reopened()).head(A);
        expect(head?.mailboxes.map(({ mailbox }) => mailbox)).toEqual([ACCOUNT_DIRECTORY, INBOX, TRASH, low, high]);
        expect(head).toMatchObject({ account: A, messages: 5, bytes: 500, cursor: 3 });
        expect(plain(mailboxOf(head, low).properties)).toEqual(plain(bytes("mailbox 3")));
      });

      it("keep the properties of a mailbox, large ones too, through whatever else happens to it", async () => {
        const properties = bytes(`rights ${"x".repeat(100_000)}`);
        const { guard } = mailboxOf(await driver.head(A), INBOX);
        const set = ok(await commitOne(driver, transaction(A, [{ ...part(INBOX), guard, properties }])));
        for (let i = 0; i < 5; i++) ok(await commitOne(driver, transaction(A, [append(INBOX, 1), append(TRASH, 1)])));
        const flags = { ...part(INBOX), guard: set.cursor, record: bytes("flags") };
        ok(await commitOne(driver, transaction(A, [flags])));
        const { cursor: last } = (await driver.head(A)) ?? {};
        for (const mailbox of [INBOX, TRASH]) {
          await driver.saveSnapshot({ account: A, mailbox, cursor: last ?? cursor(0), chunks: [] });
        }
        await driver.trimLog(A, last ?? cursor(0));
        const head = mailboxOf(await (await reopened()).head(A), INBOX);
        expect(Buffer.from(head.properties).equals(Buffer.from(properties))).toBe(true);
        expect(head.messages).toBe(5);
      });

      it("drop a deleted mailbox with all it held, and change properties with its guard", async () => {
        ok(await commitOne(driver, transaction(A, [append(INBOX, 3), append(TRASH, 2)])));
        const { guard } = mailboxOf(await driver.head(A), TRASH);
        ok(await commitOne(driver, transaction(A, [{ ...part(TRASH), guard, properties: null }])));
        const renamed = ok(await commitOne(driver, transaction(A, [{ ...part(INBOX), properties: bytes("other") }])));
        expect(await commitOne(driver, transaction(A, [append(TRASH, 1)]))).toEqual({ ok: false, why: "gone" });
        const head = await (await reopened()).head(A);
        expect(head).toMatchObject({ messages: 3, bytes: 300 });
        expect(head?.mailboxes.map(({ mailbox }) => mailbox)).toEqual([INBOX]);
        expect(mailboxOf(head, INBOX)).toMatchObject({ guard: renamed.cursor, messages: 3 });
        expect(plain(mailboxOf(head, INBOX).properties)).toEqual(plain(bytes("other")));
      });
    });

    describe("the log", () => {
      it("gives the records behind a cursor with the heads they left, by mailbox and by page", async () => {
        await commitOne(driver, transaction(A, [append(INBOX, 1)]));
        await commitOne(driver, transaction(A, [append(TRASH, 2), append(INBOX, 1)]));
        await commitOne(driver, transaction(A, [append(TRASH, 1)]));
        await commitOne(driver, transaction(A, [{ ...part(TRASH), properties: null }]));
        const store = await reopened();
        const cursors = async (after: number, limit: number, mailbox?: MailboxId): Promise<number[]> => {
          const options = mailbox === undefined ? { limit } : { limit, mailbox };
          return (await store.log(A, cursor(after), options)).records.map((record) => record.cursor);
        };
        expect(await cursors(0, 9)).toEqual([1, 2, 3, 4, 5]);
        expect(await cursors(2, 2)).toEqual([3, 4]);
        expect(await cursors(5, 2)).toEqual([]);
        expect(await cursors(0, 9, INBOX)).toEqual([1, 2, 3]);
        expect(await cursors(1, 2, TRASH)).toEqual([3, 4]);
        const [, , both, , last] = (await store.log(A, cursor(0), { limit: 9 })).records;
        expect(both).toMatchObject({ account: A, cursor: 3, messages: 4, bytes: 400 });
        expect(both?.parts[0]).toMatchObject({ mailbox: TRASH, firstUid: 1, head: { uidNext: 3, messages: 2 } });
        expect(plain(both?.parts[1]?.record)).toEqual(plain(bytes("append 1")));
        expect(plain(both?.parts[1]?.head?.properties)).toEqual(plain(bytes("mailbox 1")));
        expect(last?.parts).toMatchObject([{ mailbox: TRASH, head: null }]);
        expect(last).toMatchObject({ messages: 2, bytes: 200 });
      });

      it("begins behind its floor once it is trimmed", async () => {
        for (let i = 0; i < 20; i++) await commitOne(driver, transaction(A, [append(INBOX, 1), append(TRASH, 1)]));
        for (const mailbox of [INBOX, TRASH]) {
          const chunks = [{ column: 0, number: 0, data: bytes("rows") }];
          expect(await driver.saveSnapshot({ account: A, mailbox, cursor: cursor(15), chunks })).toBe(true);
        }
        // At once, and one after the other: what was trimmed further stays so.
        await Promise.all([driver.trimLog(A, cursor(12)), driver.trimLog(A, cursor(5))]);
        await driver.trimLog(A, cursor(6));
        const store = await reopened();
        expect(await store.log(A, cursor(11), { limit: 9 })).toEqual({ records: [], floor: 12 });
        expect(await store.log(A, cursor(0), { mailbox: INBOX, limit: 9 })).toEqual({ records: [], floor: 12 });
        for (const options of [{ limit: 99 }, { limit: 99, mailbox: TRASH }]) {
          const { records, floor } = await store.log(A, cursor(12), options);
          expect(floor).toBe(12);
          expect(records.map((record) => record.cursor)).toEqual([13, 14, 15, 16, 17, 18, 19, 20, 21]);
        }
        expect((await store.log(B, cursor(0), { limit: 9 })).floor).toBe(0);
      });
    });

    it("keeps its log where a mailbox has no snapshot that is new enough, and tells which", async () => {
      for (let i = 0; i < 5; i++) await commitOne(driver, transaction(A, [append(INBOX, 1)]));
      ok(await commitOne(driver, transaction(A, [append(TRASH, 1)])));
      const snapshot = (mailbox: MailboxId, at: number): Promise<boolean> =>
        driver.saveSnapshot({ account: A, mailbox, cursor: cursor(at), chunks: [] });
      expect(await driver.trimLog(A, cursor(6))).toEqual([INBOX, TRASH]);
      for (const mailbox of [INBOX, TRASH]) await snapshot(mailbox, 5);
      expect(await driver.trimLog(A, cursor(6))).toEqual([INBOX]);
      expect((await (await reopened()).log(A, cursor(0), { limit: 1 })).floor).toBe(0);
      await snapshot(INBOX, 6);
      // Nothing of what goes is of the other one, though its snapshot is older.
      expect(await driver.trimLog(A, cursor(6))).toEqual([]);
      expect((await driver.log(A, cursor(6), { limit: 9 })).records.map((record) => record.cursor)).toEqual([7]);
    });

    it("keeps every mailbox readable from its snapshot cursor on, when others made the log be trimmed", async () => {
      for (let i = 0; i < 10; i++) await commitOne(driver, transaction(A, [append(INBOX, 1)]));
      const chunks = [{ column: 0, number: 0, data: bytes("rows") }];
      await driver.saveSnapshot({ account: A, mailbox: INBOX, cursor: cursor(11), chunks });
      await driver.saveSnapshot({ account: A, mailbox: TRASH, cursor: cursor(1), chunks });
      await driver.trimLog(A, cursor(9));
      const fresh = mailboxId(3);
      ok(await commitOne(driver, transaction(A, [create(fresh), append(TRASH, 1)])));
      const store = await reopened();
      for (const mailbox of [TRASH, fresh]) {
        const through = await store.snapshotCursor(A, mailbox);
        const { records, floor } = await store.log(A, through, { mailbox, limit: 9 });
        expect(through).toBeGreaterThanOrEqual(floor);
        expect(records.map((record) => record.cursor)).toEqual([12]);
      }
    });

    it("keeps what is no mailbox without snapshots: its head has all that a record said of it", async () => {
      const entry = mailboxId(METADATA_FIRST + 7);
      const value = (text: string): TransactionPart => ({
        ...part(entry),
        properties: bytes(text),
        record: bytes("set"),
      });
      const { cursor: at } = ok(await commitOne(driver, transaction(A, [{ ...value("one"), guard: cursor(0) }])));
      expect(await commitOne(driver, transaction(A, [{ ...value("two"), guard: cursor(0) }]))).toMatchObject({
        why: "guard",
      });
      const chunks = [{ column: 0, number: 0, data: bytes("rows") }];
      for (const mailbox of [INBOX, TRASH]) await driver.saveSnapshot({ account: A, mailbox, cursor: at, chunks });
      await driver.trimLog(A, at);
      const store = await reopened();
      const head = mailboxOf(await store.head(A), entry);
      expect(plain(head)).toMatchObject({ guard: at, messages: 0, properties: plain(bytes("one")) });
      ok(await commitOne(store, transaction(A, [{ ...value("three"), guard: at, properties: null }])));
      expect((await store.head(A))?.mailboxes.map(({ mailbox }) => mailbox)).toEqual([INBOX, TRASH]);
      expect((await store.log(A, at, { mailbox: entry, limit: 9 })).records).toMatchObject([
        { parts: [{ head: null }] },
      ]);
    });

    describe("the directory", () => {
      it("writes all entries or none, and lists them in order", async () => {
        const { directory } = driver;
        const entries = ["b/2", "a/1", "b/1", "b/é", "c"].map((key) => ({ key, value: bytes(key), ifAbsent: true }));
        expect(await directory.put(entries)).toBe(true);
        expect(
          await directory.put([
            { key: "b/3", value: bytes("3") },
            { key: "c", value: NOTHING, ifAbsent: true },
          ]),
        ).toBe(false);
        expect(await directory.get("b/3")).toBeUndefined();
        expect(
          await directory.put([
            { key: "b/2", value: null },
            { key: "c", value: bytes("new") },
            { key: "none", value: null },
          ]),
        ).toBe(true);
        const store = await reopened();
        expect(await store.directory.get("b/2")).toBeUndefined();
        expect(plain(await store.directory.get("c"))).toEqual(plain(bytes("new")));
        const listed: unknown[] = [];
        for await (const [key, value] of store.directory.list("b/")) listed.push([key, plain(value)]);
        expect(listed).toEqual(["b/1", "b/é"].map((key) => [key, plain(bytes(key))]));
      });

      it("gives a key to one of many who want it", async () => {
        const puts = Array.from({ length: 20 }, (_, i) =>
          driver.directory.put([{ key: "address/x", value: bytes(String(i)), ifAbsent: true }]),
        );
        const taken = (await Promise.all(puts)).map((written, i) => (written ? i : -1)).filter((i) => i >= 0);
        expect(taken).toHaveLength(1);
        expect(plain(await driver.directory.get("address/x"))).toEqual(plain(bytes(String(taken[0]))));
      });

      it("gives what was put last, whatever reads are under way", async () => {
        const { directory } = driver;
        let isOver = false;
        const read = async (): Promise<void> => {
          while (!isOver) {
            await Promise.all(["x", "y"].map((key) => directory.get(key)));
            await new Promise<void>((resolve) => setImmediate(resolve));
          }
        };
        const readers = [read(), read(), read()];
        for (let i = 0; i < 100; i++) {
          const value = i % 10 === 9 ? null : bytes(String(i));
          expect(
            await directory.put([
              { key: "x", value },
              { key: "y", value: bytes(`y${i}`) },
            ]),
          ).toBe(true);
          expect(plain(await directory.get("x"))).toEqual(plain(value ?? undefined));
          expect(plain(await directory.get("y"))).toEqual(plain(bytes(`y${i}`)));
        }
        isOver = true;
        await Promise.all(readers);
      });
    });

    describe("compaction", () => {
      it("keeps what is referenced, staged, or committed meanwhile, and frees the rest in time", async () => {
        const kept = new Map<BlobId, string>();
        const keep = async (body: Uint8Array, staged?: StagedBlob): Promise<void> => {
          const blob = staged ?? (await stage(driver, body));
          const { blobs } = ok(await commitOne(driver, { ...transaction(A, [append(INBOX, 1)]), blobs: [blob] }));
          kept.set(blobs[0] as BlobId, hash(body));
        };
        const dead: BlobId[] = [];
        for (let i = 0; i < 40; i++) {
          await keep(noise(2_000, i));
          const { blobs } = ok(
            await commitOne(driver, {
              ...transaction(A, [append(INBOX, 1)]),
              blobs: [await stage(driver, noise(30_000, i))],
            }),
          );
          dead.push(...blobs);
        }
        await keep(noise(2_000_000, 1));
        const large = await stage(driver, noise(2_000_000, 2));
        const unused = await stage(driver, noise(2_000_000, 3));
        const forgotten = await stage(driver, noise(2_000_000, 4));
        ok(await commitOne(driver, { ...transaction(A, [append(INBOX, 1)]), blobs: [forgotten] }));
        const inFlight = driver.blobs.read(dead[0] as BlobId)[Symbol.asyncIterator]();
        expect((await inFlight.next()).done).toBe(false);
        const freed = await driver.blobs.compact(async function* () {
          const now = [...kept.keys()];
          yield now.slice(0, 20);
          await keep(noise(2_000_000, 2), large);
          await keep(noise(50, 5));
          yield now.slice(10);
        });
        expect(freed).toBeGreaterThanOrEqual(2_000_000);
        while ((await inFlight.next()).done !== true);
        await keep(noise(2_000_000, 3), unused);
        for (let round = 0; round < 2; round++) {
          for (const [blob, expected] of kept) expect(await readHash(driver, blob)).toBe(expected);
          expect(await driver.blobs.compact(() => references(kept.keys()))).toBeGreaterThanOrEqual(0);
          await reopened();
        }
        for (const [blob, expected] of kept) expect(await readHash(driver, blob)).toBe(expected);
      });
    });

    const seed = Number(process.env["TEST_SEED"]);
    it(`agrees with a naive model (TEST_SEED=${seed})`, async () => {
      const random = randomFrom(seed);
      const model = new Model([
        [A, [INBOX, TRASH]],
        [B, [INBOX, TRASH]],
      ]);
      for (let step = 0; step < 300; step++) {
        const call = Array.from({ length: 1 + random(3) }, () => randomTransaction(random, model));
        const allOrNone = random(3) === 0;
        const results = await driver.commit(call, { allOrNone });
        expect(results.map(verdict)).toEqual(model.commit(call, allOrNone));
        if (step % 60 === 59) await reopened();
        if (step % 20 !== 19) continue;
        for (const account of [A, B, accountId(3)]) {
          expect(plain(await driver.head(account))).toEqual(plain(model.head(account)));
          const { records } = await driver.log(account, cursor(0), { limit: 10_000 });
          expect(records.map((record) => plain([record.cursor, record.parts]))).toEqual(model.log(account).map(plain));
        }
      }
    });
  });
}

/* ---- transactions ---- */

function part(mailbox: MailboxId): TransactionPart {
  return { mailbox, allocate: 0, messages: 0, unseen: 0, deleted: 0, bytes: 0, record: NOTHING };
}

function create(mailbox: MailboxId): TransactionPart {
  return { ...part(mailbox), properties: bytes(`mailbox ${mailbox}`) };
}

/** Messages of 100 octets, unseen. */
function append(mailbox: MailboxId, count: number): TransactionPart {
  const counts = { allocate: count, messages: count, unseen: count, bytes: 100 * count };
  return { ...part(mailbox), ...counts, record: bytes(`append ${count}`) };
}

function transaction(
  account: AccountId,
  parts: readonly TransactionPart[],
  { enforceQuota = false }: { readonly enforceQuota?: boolean } = {},
): Transaction {
  return { account, blobs: [], enforceQuota, parts };
}

async function commitOne(driver: StoreDriver, own: Transaction): Promise<CommitResult> {
  const [result] = await driver.commit([own]);
  return result as CommitResult;
}

function ok(result: CommitResult | undefined): Extract<CommitResult, { ok: true }> {
  if (result?.ok === true) return result;
  throw new Error(`refused: ${String(result?.why)}`);
}

function mailboxOf(head: AccountHead | undefined, mailbox: MailboxId): MailboxHead {
  const found = head?.mailboxes.find((other) => other.mailbox === mailbox);
  if (found === undefined) throw new Error(`no mailbox ${mailbox}`);
  return found;
}

/* ---- bodies ---- */

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Bytes that compare badly with those of another seed (xorshift). */
function noise(size: number, seed: number): Uint8Array {
  const words = new Uint32Array(Math.ceil(size / 4));
  let word = seed + 1;
  for (let i = 0; i < words.length; i++) {
    word ^= word << 13;
    word ^= word >>> 17;
    word ^= word << 5;
    words[i] = word;
  }
  return new Uint8Array(words.buffer, 0, size);
}

function stage(driver: StoreDriver, body: Uint8Array | string): Promise<StagedBlob> {
  const all = typeof body === "string" ? bytes(body) : body;
  async function* pieces(): AsyncGenerator<Uint8Array> {
    for (let at = 0; at < all.length; at += 70_000) yield all.subarray(at, at + 70_000);
  }
  return driver.blobs.stage(pieces());
}

async function read(
  driver: StoreDriver,
  blob: BlobId,
  range?: { readonly start?: number; readonly end?: number },
): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of driver.blobs.read(blob, range)) pieces.push(piece);
  return Buffer.concat(pieces);
}

async function readHash(driver: StoreDriver, blob: BlobId): Promise<string> {
  return hash(await read(driver, blob));
}

function hash(body: Uint8Array): string {
  return `${body.length}:${createHash("sha256").update(body).digest("hex")}`;
}

async function* references(blobs: Iterable<BlobId>): AsyncGenerator<Iterable<BlobId>> {
  yield blobs;
}

/** The same with byte arrays as hex, whatever their class. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString("hex");
  if (Array.isArray(value)) return value.map(plain);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, plain(own)]));
}

/* ---- the model ---- */

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type ModelAccount = { head: Omit<AccountHead, "mailboxes">; mailboxes: Map<MailboxId, MailboxHead>; log: unknown[] };

function verdict(result: CommitResult): unknown {
  return result.ok ? { cursor: result.cursor, firstUids: result.firstUids } : result.why;
}

/** The driver's rules once more, as plainly as they can be written. */
class Model {
  #accounts = new Map<AccountId, ModelAccount>();

  constructor(created: readonly (readonly [AccountId, readonly MailboxId[]])[]) {
    for (const [account, mailboxes] of created) this.commit([transaction(account, mailboxes.map(create))], false);
  }

  head(account: AccountId): AccountHead | undefined {
    const own = this.#accounts.get(account);
    if (own === undefined) return undefined;
    return { ...own.head, mailboxes: [...own.mailboxes.values()].sort((a, b) => a.mailbox - b.mailbox) };
  }

  log(account: AccountId): unknown[] {
    return this.#accounts.get(account)?.log ?? [];
  }

  commit(call: readonly Transaction[], allOrNone: boolean): unknown[] {
    const before = structuredClone(this.#accounts);
    const verdicts = call.map((own) => this.#commitOne(own));
    if (!allOrNone || verdicts.every((own) => typeof own === "object")) return verdicts;
    this.#accounts = before;
    return verdicts.map((own) => (typeof own === "object" ? "sibling" : own));
  }

  #commitOne(own: Transaction): unknown {
    const before = this.#accounts.get(own.account) ?? emptyAccount(own.account);
    const after = structuredClone(before);
    const head = after.head as Mutable<typeof after.head>;
    head.cursor = cursor(head.cursor + 1);
    if (own.limits !== undefined) head.limits = own.limits;
    const firstUids: number[] = [];
    for (const change of own.parts) {
      const known = after.mailboxes.get(change.mailbox);
      if (known === undefined && change.mailbox !== ACCOUNT_DIRECTORY && !change.properties) return "gone";
      const guard = before.mailboxes.get(change.mailbox)?.guard ?? 0;
      if (change.guard !== undefined && change.guard !== guard) return "guard";
      const mailbox = { ...(known ?? emptyMailbox(change.mailbox)) } as Mutable<MailboxHead>;
      firstUids.push(mailbox.uidNext);
      mailbox.uidNext += change.allocate;
      for (const count of ["messages", "unseen", "deleted", "bytes"] as const) mailbox[count] += change[count];
      mailbox.modSeq = head.cursor;
      if (change.guard !== undefined || change.properties !== undefined) mailbox.guard = head.cursor;
      if (change.properties) mailbox.properties = change.properties;
      if (change.properties === null) after.mailboxes.delete(change.mailbox);
      else after.mailboxes.set(change.mailbox, mailbox);
    }
    const all = [...after.mailboxes.values()];
    head.messages = all.reduce((sum, { messages }) => sum + messages, 0);
    head.bytes = all.reduce((sum, mailbox) => sum + mailbox.bytes, 0);
    const { bytesMax, messagesMax } = head.limits;
    const overBytes = bytesMax > 0 && head.bytes > bytesMax && head.bytes > before.head.bytes;
    const overMessages = messagesMax > 0 && head.messages > messagesMax && head.messages > before.head.messages;
    if (own.enforceQuota && (overBytes || overMessages)) return "quota";
    const parts = own.parts.map(({ mailbox, record }, i) => {
      return { mailbox, firstUid: firstUids[i], record, head: after.mailboxes.get(mailbox) ?? null };
    });
    after.log.push([head.cursor, parts]);
    this.#accounts.set(own.account, after);
    return { cursor: head.cursor, firstUids };
  }
}

function emptyAccount(account: AccountId): ModelAccount {
  const limits = { bytesMax: 0, messagesMax: 0 };
  return { head: { account, cursor: cursor(0), bytes: 0, messages: 0, limits }, mailboxes: new Map(), log: [] };
}

function emptyMailbox(mailbox: MailboxId): MailboxHead {
  const counts = { messages: 0, unseen: 0, deleted: 0, bytes: 0 };
  return { mailbox, uidNext: 1, modSeq: cursor(0), guard: cursor(0), ...counts, properties: NOTHING };
}

/** Mostly sensible, sometimes with a stale guard, a missing mailbox or too much for the quota. */
function randomTransaction(random: Random, model: Model): Transaction {
  const account = accountId(1 + random(3));
  const head = model.head(account);
  const parts = Array.from({ length: random(4) }, () => randomPart(random, head));
  const limits = { bytesMax: random(3) * 2_000, messagesMax: random(3) * 20 };
  return { ...transaction(account, parts, { enforceQuota: random(2) === 0 }), ...(random(10) === 0 ? { limits } : {}) };
}

function randomPart(random: Random, head: AccountHead | undefined): TransactionPart {
  const mailbox = mailboxId(random(6));
  const known = head?.mailboxes.find((other) => other.mailbox === mailbox);
  const guard = random(8) === 0 ? cursor(random(50)) : (known?.guard ?? cursor(0));
  switch (random(8)) {
    case 0:
      return { ...create(mailbox), guard };
    case 1:
      return { ...part(mailbox), guard, properties: random(3) === 0 ? null : bytes(`renamed ${random(99)}`) };
    case 2:
      return { ...part(mailbox), guard, record: bytes("flags") };
    default:
      return append(mailbox, random(4));
  }
}
