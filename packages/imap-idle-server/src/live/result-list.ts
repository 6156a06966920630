// The results of a live search in their order, as they were told. What comes or goes finds its place by comparing, a few
// times for each; the others are moved, and not looked at.
import type { Uid } from "@pushmail/mailstore";

/** Results that stand side by side, from a position on: positions count from 1 (RFC 5267 4.3.3). */
export interface Run {
  readonly position: number;
  readonly uids: readonly Uid[];
}

/** Below 0 where the first comes before the second. */
export type CompareResults = (first: Uid, second: Uid) => number;

export class ResultList {
  readonly #compare: CompareResults;
  #uids: Uint32Array;

  /** The UIDs must be in order, and no two of them equal. */
  constructor(uids: Uint32Array, compare: CompareResults) {
    this.#uids = uids;
    this.#compare = compare;
  }

  get bytes(): number {
    return this.#uids.byteLength;
  }

  has(uid: Uid): boolean {
    return this.#uids[this.#placeOf(uid)] === uid;
  }

  /** Puts in what is not there; each run has its position when those before it are in. */
  add(uids: readonly Uid[]): Run[] {
    return this.#edit(uids, 1);
  }

  /** Takes out what is there; each run has its position when those before it are out. */
  remove(uids: readonly Uid[]): Run[] {
    return this.#edit(uids, -1);
  }

  /** By each UID the list grows by `step`. */
  #edit(uids: readonly Uid[], step: 1 | -1): Run[] {
    if (uids.length === 0) return [];
    const before = this.#uids;
    const after = new Uint32Array(before.length + step * uids.length);
    const runs: { readonly position: number; readonly uids: Uid[] }[] = [];
    let from = 0;
    let nextOfRun = -1;
    for (const [i, uid] of uids.toSorted(this.#compare).entries()) {
      const place = this.#placeOf(uid);
      if (step === -1 && before[place] !== uid) throw new Error(`UID ${uid} is no result`);
      const row = place + step * i;
      after.set(before.subarray(from, place), from + step * i);
      if (step === 1) after[row] = uid;
      from = step === 1 ? place : place + 1;
      if (row === nextOfRun) runs.at(-1)?.uids.push(uid);
      else runs.push({ position: row + 1, uids: [uid] });
      nextOfRun = step === 1 ? row + 1 : row;
    }
    after.set(before.subarray(from), from + step * uids.length);
    this.#uids = after;
    return runs;
  }

  /** Where it stands, or would stand. */
  #placeOf(uid: Uid): number {
    let low = 0;
    let high = this.#uids.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(this.#uids[middle] as Uid, uid) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
