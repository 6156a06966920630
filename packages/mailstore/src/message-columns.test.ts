// The columns of very many messages against lists of numbers: blocks that are written as one number must not show.
import { describe, expect, it, jest } from "@jest/globals";
import * as fc from "fast-check";
import { FlagSets } from "./flag-sets.ts";
import { cursor } from "./ids.ts";
import { MessageColumns, type HotRows } from "./message-columns.ts";
import { BLOCK_ROWS, NumberColumn } from "./number-column.ts";
import { normalizeUidSet, uidSetHas, type UidSet } from "./uid-set.ts";

const FLAG_SETS = 3;

/** A row near the end of a block, where it matters. */
const rows = fc.tuple(fc.nat(3), fc.integer({ min: -2, max: 2 })).map(([block, off]) => block * BLOCK_ROWS + off);
const ranges = fc.array(fc.tuple(rows, rows), { minLength: 1, maxLength: 3 });
const steps = fc.array(
  fc.oneof(
    fc.record({ load: rows, gap: fc.nat(2), alikeRows: fc.constantFrom(1, 2, BLOCK_ROWS - 1, 10 * BLOCK_ROWS) }),
    fc.record({ append: fc.nat(2) }),
    fc.record({ change: ranges, to: fc.nat(FLAG_SETS - 1), add: fc.nat(1) }),
    fc.record({ remove: ranges }),
  ),
  { minLength: 1, maxLength: 8 },
);
type Step = typeof steps extends fc.Arbitrary<readonly (infer S)[]> ? S : never;

interface Row {
  readonly uid: number;
  modSeq: number;
  flags: number;
}

/** What was copied for a chunk, row by row. */
function rowsOf(copied: HotRows): Exclude<HotRows, readonly unknown[]> {
  if ("uids" in copied) return copied;
  const count = copied.reduce((sum, { rows: alike }) => sum + alike, 0);
  const [uids, modSeqs, flagNumbers] = [new Uint32Array(count), new Float64Array(count), new Uint32Array(count)];
  let row = 0;
  for (const { uid, rows: alike, modSeq, flagNumber } of copied) {
    for (let i = 0; i < alike; i++, row++) [uids[row], modSeqs[row], flagNumbers[row]] = [uid + i, modSeq, flagNumber];
  }
  return { uids, modSeqs, flagNumbers };
}

/** What the columns must be. */
class Rows {
  list: Row[] = [];
  readonly columns = new MessageColumns(new FlagSets());
  #modSeq = 0;
  #uidLast = 0;

  /** The UIDs of ranges of rows. */
  setOf(picks: readonly (readonly [number, number])[]): UidSet {
    if (this.list.length === 0) return [];
    const uid = (row: number): number => (this.list[Math.max(0, Math.min(row, this.list.length - 1))] as Row).uid;
    return normalizeUidSet(picks.map(([a, b]) => [uid(a), uid(b)]));
  }

  take(step: Step): void {
    const modSeq = ++this.#modSeq;
    const { columns } = this;
    if ("load" in step) {
      this.#uidLast += step.gap;
      const loaded = Array.from({ length: Math.max(0, step.load) }, (_, i) => ({
        uid: ++this.#uidLast,
        modSeq,
        flags: Math.floor(i / step.alikeRows) % FLAG_SETS,
      }));
      columns.load(
        Uint32Array.from(loaded, ({ uid }) => uid),
        Float64Array.from(loaded, (row) => row.modSeq),
        Uint32Array.from(loaded, ({ flags }) => flags),
      );
      this.list = [...this.list, ...loaded];
    } else if ("append" in step) {
      const row = { uid: ++this.#uidLast, modSeq, flags: step.append };
      columns.append(row.uid, cursor(modSeq), row.flags);
      this.list.push(row);
    } else if ("change" in step) {
      const set = this.setOf(step.change);
      const become = (flags: number): number => (step.add * flags + step.to) % FLAG_SETS;
      columns.changeFlags(set, cursor(modSeq), become);
      for (const row of this.list) {
        if (uidSetHas(set, row.uid)) Object.assign(row, { modSeq, flags: become(row.flags) });
      }
    } else {
      const set = this.setOf(step.remove);
      columns.remove(set);
      this.list = this.list.filter(({ uid }) => !uidSetHas(set, uid));
    }
  }

  /** Where the columns are not what they must be. */
  differences(): unknown[] {
    const { columns, list } = this;
    const copy = rowsOf(columns.copy([0, columns.count]));
    const found = list.findIndex(
      ({ uid, modSeq, flags }, row) =>
        columns.uids[row] !== uid ||
        columns.modSeqAt(row) !== modSeq ||
        columns.flagNumberAt(row) !== flags ||
        copy.uids[row] !== uid ||
        copy.modSeqs[row] !== modSeq ||
        copy.flagNumbers[row] !== flags,
    );
    return [columns.count - list.length, copy.uids.length - list.length, found];
  }

  /** Where rows end that are alike, found by looking at each. */
  alikeEnd(first: number, end: number, fits: (row: Row, before: Row) => boolean): number {
    let row = first + 1;
    while (row < end && fits(this.list[row] as Row, this.list[row - 1] as Row)) row++;
    return row;
  }
}

describe("the columns of very many messages", () => {
  it("are lists of numbers, whatever is written at once, and say where rows are alike", () => {
    fc.assert(
      fc.property(steps, ranges, (list, looked) => {
        const model = new Rows();
        for (const step of list) {
          model.take(step);
          expect(model.differences()).toEqual([0, 0, -1]);
        }
        const { columns } = model;
        for (const [first, end] of columns.rowRanges(model.setOf(looked))) {
          const sameFlags = (row: Row, before: Row): boolean => row.flags === before.flags;
          const follows = (row: Row, before: Row): boolean => sameFlags(row, before) && row.uid === before.uid + 1;
          const isOne = (row: Row, before: Row): boolean => follows(row, before) && row.modSeq === before.modSeq;
          expect(columns.alikeEnd(first, end)).toBe(model.alikeEnd(first, end, sameFlags));
          for (const [modSeqs, fits] of [
            [false, follows],
            [true, isOne],
          ] as const) {
            const runs = [...columns.runs([first, end], { modSeqs })];
            const wrong = runs.findIndex(
              ([row, to], i) => row !== (runs[i - 1]?.[1] ?? first) || to !== model.alikeEnd(row, end, fits),
            );
            expect([wrong, runs.at(-1)?.[1]]).toEqual([-1, end]);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("take in one step what is alike", () => {
    const model = new Rows();
    model.take({ load: 3 * BLOCK_ROWS, gap: 0, alikeRows: 1 });
    const all = [[1, 3 * BLOCK_ROWS]] as const;
    let asked = 0;
    model.columns.changeFlags(all, cursor(2), () => ((asked += 1), 0));
    expect(asked).toBe(3 * BLOCK_ROWS);
    model.columns.changeFlags(all, cursor(3), () => ((asked += 1), 1));
    expect(asked).toBe(3 * BLOCK_ROWS + 3);
    const whole = [0, 3 * BLOCK_ROWS] as const;
    expect([...model.columns.runs(whole, { modSeqs: true })]).toEqual([whole]);
  });

  it.each([
    ["flags", "MODSEQs"],
    ["MODSEQs", "flags"],
  ])("are looked at once for runs where all have the same %s and each its own %s", (same) => {
    const columns = new MessageColumns(new FlagSets());
    const count = 500;
    for (let uid = 1; uid <= count; uid++) {
      const [modSeq, flags] = same === "flags" ? [uid, 0] : [1, uid];
      columns.append(uid, cursor(modSeq), flags);
    }
    const spy = jest.spyOn(NumberColumn.prototype, "runEnd");
    expect([...columns.runs([0, count], { modSeqs: true })]).toHaveLength(count);
    const looked = spy.mock.calls.map(([first], i) => (spy.mock.results[i]?.value as number) - first);
    spy.mockRestore();
    expect(looked.reduce((sum, rows) => sum + rows)).toBe(2 * count);
  });
});
