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
    if (uids.length === 0) return [];
    const added = uids.toSorted(this.#compare);
    const places = added.map((uid) => this.#placeOf(uid));
    const before = this.#uids;
    const after = new Uint32Array(before.length + added.length);
    const runs: { readonly position: number; readonly uids: Uid[] }[] = [];
    let from = 0;
    for (const [i, uid] of added.entries()) {
      const place = places[i] as number;
      after.set(before.subarray(from, place), from + i);
      after[place + i] = uid;
      from = place;
      const last = runs.at(-1);
      if (last !== undefined && last.position + last.uids.length === place + i + 1) last.uids.push(uid);
      else runs.push({ position: place + i + 1, uids: [uid] });
    }
    after.set(before.subarray(from), from + added.length);
    this.#uids = after;
    return runs;
  }

  /** Takes out what is there; each run has its position when those before it are out. */
  remove(uids: readonly Uid[]): Run[] {
    if (uids.length === 0) return [];
    const removed = uids.toSorted(this.#compare);
    const places = removed.map((uid) => this.#placeOf(uid));
    const before = this.#uids;
    const after = new Uint32Array(before.length - removed.length);
    const runs: { readonly position: number; readonly uids: Uid[] }[] = [];
    let from = 0;
    for (const [i, uid] of removed.entries()) {
      const place = places[i] as number;
      if (before[place] !== uid) throw new Error(`UID ${uid} is no result`);
      after.set(before.subarray(from, place), from - i);
      from = place + 1;
      const last = runs.at(-1);
      if (last?.position === place - i + 1) last.uids.push(uid);
      else runs.push({ position: place - i + 1, uids: [uid] });
    }
    after.set(before.subarray(from), from - removed.length);
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
