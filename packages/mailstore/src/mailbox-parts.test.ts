// The parts that a mailbox in memory is made of, each against a naive model.
import { describe, expect, it } from "@jest/globals";
import * as fc from "fast-check";
import { EncodedRows, type AppendedRow } from "./appended-rows.ts";
import { ByteReader, ByteWriter } from "./byte-codec.ts";
import { ChunkCache } from "./chunk-cache.ts";
import {
  blobsOfMetadataChunk,
  decodeHotChunk,
  decodeMetadataChunk,
  decodeSummaryChunk,
  decodeVanished,
  encodeHotChunk,
  encodeMetadataChunk,
  encodeSummaryChunk,
  encodeVanished,
} from "./chunk-codec.ts";
import { checkFlags, FlagSets, keywordsOf } from "./flag-sets.ts";
import { checkKeywordCount } from "./keyword-limit.ts";
import { accountId, blobId, cursor, mailboxId } from "./ids.ts";
import { DEFAULT_STORE_LIMITS } from "./limits.ts";
import { decodeFacts, encodeFacts, type MailboxFact } from "./log-record.ts";
import { MailboxContents } from "./mailbox-contents.ts";
import { MessageColumns } from "./message-columns.ts";
import { TailRoom, TailRows } from "./tail-rows.ts";
import type { MailboxAt } from "./store.ts";
import { uidSetHas, uidSetOf } from "./uid-set.ts";
import { VanishedLog } from "./vanished-log.ts";

const uidSets = fc.uniqueArray(fc.integer({ min: 1, max: 2 ** 32 - 1 }), { maxLength: 20 }).map(uidSetOf);
const flagNames = fc.constantFrom("\\Seen", "\\seen", "\\Deleted", "$Junk", "$junk", "Work", "\\Draft");
const flagLists = fc.array(flagNames, { maxLength: 6 });

const rows = fc.record({
  flags: fc.array(fc.string({ maxLength: 20, unit: "grapheme" }), { maxLength: 4 }),
  internalDateMs: fc.integer({ min: -(2 ** 45), max: 2 ** 45 }),
  sizeBytes: fc.nat(),
  origin: fc.option(fc.record({ mailbox: fc.integer({ min: 1, max: 2 ** 32 - 1 }), uid: fc.nat() })),
  body: fc.oneof(fc.record({ staged: fc.nat(9) }), fc.record({ blob: fc.maxSafeNat() })),
  summary: fc.option(fc.uint8Array({ minLength: 1, maxLength: 40 }).map((bytes) => Buffer.from(bytes))),
});
const facts: fc.Arbitrary<MailboxFact> = fc.oneof(
  fc.record({
    type: fc.constant("appended" as const),
    by: fc.constantFrom("delivery" as const, "append" as const, "copy" as const, "move" as const),
    rows: fc.array(rows, { maxLength: 3 }),
  }),
  fc.record({
    type: fc.constant("flags" as const),
    mode: fc.constantFrom("add" as const, "remove" as const, "replace" as const),
    flags: flagLists,
    uids: uidSets,
  }),
  fc.record({
    type: fc.constant("expunged" as const),
    by: fc.constantFrom("expunge" as const, "move" as const),
    uids: uidSets,
  }),
  fc.record({ type: fc.constant("rights" as const), identifier: fc.string({ unit: "grapheme" }) }),
  fc.record({ type: fc.constant("renamed" as const), oldName: fc.string(), name: fc.string({ unit: "grapheme" }) }),
  fc.record({
    type: fc.constantFrom("created" as const, "deleted" as const, "subscribed" as const, "unsubscribed" as const),
    name: fc.string(),
  }),
  fc.record({ type: fc.constant("metadata" as const), mailbox: fc.nat(), entry: fc.string() }),
);

describe("stored bytes", () => {
  it("give back very many rows, and the facts behind them, one by one", () => {
    fc.assert(
      fc.property(fc.array(rows, { minLength: 1, maxLength: 3 }), facts, (kinds, next) => {
        const many = Array.from({ length: 1_001 }, (_, i) => kinds[i % kinds.length] as AppendedRow);
        const encoded = new EncodedRows();
        for (const row of many) encoded.add(row);
        for (const written of [many, encoded]) {
          const record = encodeFacts([{ type: "appended", by: "copy", rows: written }, next]);
          const [first, second] = decodeFacts(record);
          if (first?.type !== "appended") throw new Error("another fact");
          expect([first.by, first.rows.length, [...first.rows]]).toEqual(["copy", 1_001, many]);
          expect([...first.rows]).toHaveLength(1_001);
          expect(second).toEqual(next);
          expect(() => decodeFacts(record.subarray(0, 1_001))).toThrow("ends too soon");
        }
      }),
      { numRuns: 3 },
    );
  });

  it("give back every integer, string and run of bytes, and say when they end too soon", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.string({ unit: "grapheme" }), fc.uint8Array(), (integer, text, bytes) => {
        const written = new ByteWriter().integer(integer).string(text).bytes(bytes).finish();
        const reader = new ByteReader(written);
        expect([reader.integer(), reader.string(), [...reader.bytes()], reader.done]).toEqual([
          integer,
          text,
          [...bytes],
          true,
        ]);
      }),
    );
    const cut = new ByteWriter().bytes(new Uint8Array(9)).finish().subarray(0, 5);
    expect(() => new ByteReader(cut).bytes()).toThrow(RangeError);
    expect(() => new ByteReader(new Uint8Array([0x80])).integer()).toThrow(RangeError);
  });

  it("give back the facts of a log record", () => {
    fc.assert(
      fc.property(fc.array(facts, { maxLength: 4 }), (list) => {
        expect(decodeFacts(encodeFacts(list))).toEqual(list);
      }),
    );
    expect(() => decodeFacts(new Uint8Array([99]))).toThrow(RangeError);
  });

  it("give back metadata, summary and vanished chunks", () => {
    const metadata = [1, 7].map((uid, i) => ({
      uid,
      sizeBytes: 4_000_000_000,
      internalDateMs: -5,
      saveDateMs: 2 ** 41,
      emailId: `E3-${uid}`,
      blob: blobId(2 ** (52 - i)),
    }));
    const chunk = encodeMetadataChunk(metadata);
    expect([...decodeMetadataChunk(chunk).values()]).toEqual(metadata);
    expect(blobsOfMetadataChunk(chunk, (uid) => uid > 1)).toEqual([2 ** 51]);
    const summaries = new Map([
      [256, Buffer.from("one")],
      [300, Buffer.from("two")],
    ]);
    expect(decodeSummaryChunk(encodeSummaryChunk(summaries))).toEqual(summaries);
    const entries = [{ cursor: cursor(9), uids: uidSetOf([1, 2, 9]) }];
    expect(decodeVanished(encodeVanished(cursor(4), entries))).toEqual({ floor: 4, entries });
  });
});

describe("flag sets", () => {
  it("are one number for the same flags in any order and case, and keep a keyword's first spelling", () => {
    const sets = new FlagSets();
    const number = sets.intern(["Work", "\\SEEN", "$Junk"]);
    expect(sets.intern(["$JUNK", "work", "\\Seen", "work"])).toBe(number);
    expect(sets.at(number).names).toEqual(["\\Seen", "Work", "$Junk"]);
    expect(sets.at(number)).toMatchObject({ seen: true, deleted: false });
    expect(sets.at(number).has("WORK")).toBe(true);
    expect(sets.keywords()).toEqual(["Work", "$Junk"]);
  });

  it("change as sets of names do", () => {
    const lower = (names: readonly string[]): string[] =>
      [...new Set(names.map((name) => name.toLowerCase()))].toSorted();
    fc.assert(
      fc.property(flagLists, flagLists, fc.constantFrom("add", "remove", "replace"), (before, flags, mode) => {
        const sets = new FlagSets();
        const number = sets.changed(sets.intern(before), { mode: mode as "add", flags });
        const expected = {
          add: [...before, ...flags],
          remove: before.filter((name) => !lower(flags).includes(name.toLowerCase())),
          replace: flags,
        }[mode as "add"];
        expect(lower(sets.at(number).names)).toEqual(lower(expected));
      }),
    );
  });

  it("are let go where no message has them any more, but their keywords keep their order", () => {
    const room = new TailRoom(DEFAULT_STORE_LIMITS);
    const at = { account: accountId(1), mailbox: mailboxId(1) };
    const tail = new TailRows(room, cursor(0));
    const contents = new MailboxContents(at, { vanished: new VanishedLog(1), tail, through: cursor(0) });
    const keywords = Array.from({ length: 12 }, (_, i) => `k${i}`);
    const event = { atMs: 0, firstUid: 1, blobs: [blobId(1), blobId(1)], recordBytes: 1 };
    const body = { staged: 0 };
    const row = { flags: keywords, internalDateMs: 0, sizeBytes: 1, origin: null, body, summary: null };
    contents.apply({ ...event, cursor: cursor(1), facts: [{ type: "appended", by: "append", rows: [row, row] }] });
    for (let i = 0; i < 2 ** keywords.length; i++) {
      const flags = keywords.filter((_, bit) => (i >> bit) % 2 === 1).toReversed();
      contents.apply({
        ...event,
        cursor: cursor(i + 2),
        facts: [{ type: "flags", uids: [[1, 1]], mode: "replace", flags }],
      });
      expect(contents.columns.flagsAt(0).names).toEqual(flags.toReversed());
    }
    expect(contents.columns.flagsAt(1).names).toEqual(keywords);
    expect(contents.flagSets.keywords()).toEqual(keywords);
    expect(contents.flagSets.size).toBeLessThan(1_100);
  });

  it("are let go where messages only come and go, each with others", () => {
    const tail = new TailRows(new TailRoom(DEFAULT_STORE_LIMITS), cursor(0));
    const at = { account: accountId(1), mailbox: mailboxId(1) };
    const contents = new MailboxContents(at, { vanished: new VanishedLog(1), tail, through: cursor(0) });
    const row = { internalDateMs: 0, sizeBytes: 1, origin: null, body: { staged: 0 }, summary: null };
    for (let uid = 1; uid <= 4_096; uid++) {
      const flags = Array.from({ length: 13 }, (_, bit) => `k${bit}`).filter((_, bit) => (uid >> bit) % 2 === 1);
      const facts: readonly MailboxFact[] = [
        { type: "appended", by: "append", rows: [{ ...row, flags }] },
        { type: "expunged", by: "move", uids: [[uid - 1, uid - 1]] },
      ];
      contents.apply({ cursor: cursor(uid), atMs: 0, firstUid: uid, blobs: [blobId(1)], recordBytes: 1, facts });
      expect(contents.columns.flagsAt(0).names).toEqual(flags);
    }
    expect([contents.columns.count, contents.flagSets.keywords().length]).toEqual([1, 13]);
    expect(contents.flagSets.size).toBeLessThan(1_100);
  });

  it("refuse what no list of flags could give back", () => {
    for (const flag of ["two words", "tab\there", "line\r\n", "nul\0", "\u00a0"]) {
      expect(() => checkFlags([flag], DEFAULT_STORE_LIMITS)).toThrow("not a flag");
    }
    expect(() => checkFlags(["$Größe", "\\seen"], DEFAULT_STORE_LIMITS)).not.toThrow();
  });

  it("refuse what passes the limits", () => {
    const limits = { keywordsMax: 2, messageFlagsMax: 3, keywordBytesMax: 5 };
    const sets = new FlagSets();
    sets.intern(["one"]);
    const checkCount = (...flags: string[]): void => checkKeywordCount(sets, keywordsOf(flags), limits);
    expect(() => checkCount("ONE", "two", "Two", "\\seen")).not.toThrow();
    expect(() => checkCount("two", "three")).toThrow("too many");
    sets.intern(["two", "three"]);
    expect(() => checkCount("one", "three")).not.toThrow();
    expect(() => checkCount("one", "four")).toThrow("too many");
    expect(() => checkFlags(["\\Seen", "\\Draft", "\\Deleted", "\\Flagged"], limits)).toThrow("too many");
    expect(() => checkFlags(["longer"], limits)).toThrow("not a flag");
    expect(() => checkFlags(["\\Unheard"], DEFAULT_STORE_LIMITS)).toThrow("not a flag");
  });
});

describe("message columns", () => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ append: fc.integer({ min: 1, max: 3 }), flags: flagLists }),
      fc.record({ remove: fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 10 }).map(uidSetOf) }),
    ),
    { maxLength: 30 },
  );

  it("hold what a list of rows holds, and leave the UIDs that others hold as they were", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const sets = new FlagSets();
        const columns = new MessageColumns(sets);
        let rowsExpected: { uid: number; flags: number }[] = [];
        let next = 1;
        for (const step of list) {
          const held = { uids: columns.uids, copy: [...columns.uids.subarray(0, columns.count)] };
          if ("append" in step) {
            next += step.append;
            const flags = sets.intern(step.flags);
            columns.append(next, cursor(next), flags);
            rowsExpected.push({ uid: next, flags });
          } else {
            columns.remove(step.remove);
            rowsExpected = rowsExpected.filter(({ uid }) => !uidSetHas(step.remove, uid));
          }
          expect([...held.uids.subarray(0, held.copy.length)]).toEqual(held.copy);
          // Asked for after each step, it must not be found where it was before.
          expect(columns.rowOf(next)).toBe(rowsExpected.findIndex(({ uid }) => uid === next));
        }
        expect([...columns.uids.subarray(0, columns.count)]).toEqual(rowsExpected.map(({ uid }) => uid));
        for (const [row, { uid, flags }] of rowsExpected.entries()) {
          expect([columns.rowOf(uid), columns.flagNumberAt(row), columns.modSeqAt(row)]).toEqual([row, flags, uid]);
          expect(columns.rowOf(uid + 1000)).toBe(-1);
        }
        const chunk = encodeHotChunk(columns.copy([0, columns.count]), sets);
        const otherSets = new FlagSets();
        const again = new MessageColumns(otherSets);
        decodeHotChunk(chunk, again, otherSets);
        for (let row = 0; row < columns.count; row++) {
          expect(again.uids[row]).toBe(columns.uids[row]);
          expect(again.modSeqAt(row)).toBe(columns.modSeqAt(row));
          expect(again.flagsAt(row).names.toSorted()).toEqual(columns.flagsAt(row).names.toSorted());
        }
      }),
    );
  });

  it("are few bytes in a chunk where they are alike, and as many as they are where not", () => {
    const sets = new FlagSets();
    const columns = new MessageColumns(sets);
    for (let uid = 1; uid <= 4_000; uid++) columns.append(uid, cursor(uid), sets.intern([]));
    const everyRow = encodeHotChunk(columns.copy([0, 4_000]), sets);
    expect(everyRow.length).toBeGreaterThan(16 * 4_000);
    columns.remove([[2_000, 2_000]]);
    columns.changeFlags([[1, 4_000]], cursor(2 ** 52), () => sets.intern(["\\Flagged", "Work"]));
    columns.changeFlags([[7, 9]], cursor(2 ** 52 + 1), () => sets.intern([]));
    const chunk = encodeHotChunk(columns.copy([0, columns.count]), sets);
    expect(chunk.length).toBeLessThan(100);
    const otherSets = new FlagSets();
    const again = new MessageColumns(otherSets);
    decodeHotChunk(chunk, again, otherSets);
    const rows = [again, columns].map((each) =>
      Array.from(each.uids.subarray(0, each.count), (uid, row) => [uid, each.modSeqAt(row), each.flagsAt(row).names]),
    );
    expect(rows[0]).toEqual(rows[1]);
    expect(rows[0]).toHaveLength(3_999);
    // A chunk in which every row lies is told from it.
    const afresh = new MessageColumns(sets);
    decodeHotChunk(everyRow, afresh, sets);
    expect([afresh.count, afresh.modSeqAt(3_999)]).toEqual([4_000, 4_000]);
  });

  it("refuse a UID out of order", () => {
    const columns = new MessageColumns(new FlagSets());
    const none = new FlagSets().intern([]);
    columns.append(5, cursor(1), none);
    expect(() => columns.append(5, cursor(2), none)).toThrow("order of uids");
  });
});

describe("the log of what vanished", () => {
  it("answers within its bound and says where it ends", () => {
    const log = new VanishedLog(3);
    log.add(cursor(1), uidSetOf([1, 3]));
    log.add(cursor(2), uidSetOf([2]));
    expect(log.since(cursor(0))).toEqual([[1, 3]]);
    expect(log.since(cursor(1))).toEqual([[2, 2]]);
    log.add(cursor(5), uidSetOf([9]));
    expect(log.floor).toBe(1);
    expect(log.since(cursor(0))).toBeUndefined();
    expect(log.since(cursor(1))).toEqual([
      [2, 2],
      [9, 9],
    ]);
  });
});

describe("the chunk cache", () => {
  it("loads once, lets the least recently used go, and never keeps what was forgotten while it loaded", async () => {
    const cache = new ChunkCache(2 * (4 + 1 + 4));
    const loads: string[] = [];
    const [box, other] = [1, 2].map((id) => ({ account: accountId(1), mailbox: mailboxId(id) })) as [
      MailboxAt,
      MailboxAt,
    ];
    const get = (key: string, { bytes = 4, at = box } = {}): Promise<string> =>
      cache.get(at, key, () => {
        loads.push(key);
        return Promise.resolve({ value: key.toUpperCase(), bytes });
      });
    expect(await Promise.all([get("a"), get("a"), get("b")])).toEqual(["A", "A", "B"]);
    await get("a");
    await get("c");
    await get("a");
    expect(loads).toEqual(["a", "b", "c"]);
    await get("b");
    expect(loads).toEqual(["a", "b", "c", "b"]);
    const late = get("d");
    cache.delete(box, "d");
    expect(await late).toBe("D");
    await get("d");
    expect(loads.filter((key) => key === "d")).toHaveLength(2);
    await expect(cache.get(box, "bad", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await get("bad")).toBe("BAD");
    for (let i = 0; i < 10; i++) await get(`${i}`, { bytes: 0 });
    await get("bad");
    expect(loads.filter((key) => key === "bad")).toHaveLength(2);
    loads.length = 0;
    for (const at of [box, other]) await get("x", { at });
    cache.deleteAll(other);
    for (const at of [box, other, box]) await get("x", { at });
    expect(loads).toEqual(["x", "x", "x"]);
  });
});
