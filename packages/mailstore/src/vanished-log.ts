// Which UIDs of a mailbox were expunged at which cursor, within a named bound (RFC 7162 3.2.5.2).
import type { VanishedEntry } from "./chunk-codec.ts";
import type { Cursor } from "./ids.ts";
import { normalizeUidSet, type UidSet } from "./uid-set.ts";

/** What an entry takes in memory, and each of its ranges. */
const ENTRY_BYTES = 100;
const RANGE_BYTES = 64;

export class VanishedLog {
  #floor: Cursor;
  #entries: VanishedEntry[];
  #ranges: number;
  readonly #rangesMax: number;

  constructor(rangesMax: number, from?: { floor: Cursor; entries: VanishedEntry[] }) {
    this.#rangesMax = rangesMax;
    this.#floor = from?.floor ?? (0 as Cursor);
    this.#entries = from?.entries ?? [];
    this.#ranges = this.#entries.reduce((sum, entry) => sum + entry.uids.length, 0);
  }

  /** What happened up to and including this cursor is forgotten. */
  get floor(): Cursor {
    return this.#floor;
  }

  get entries(): readonly VanishedEntry[] {
    return this.#entries;
  }

  /** What it takes in memory. */
  get bytes(): number {
    return this.#entries.length * ENTRY_BYTES + this.#ranges * RANGE_BYTES;
  }

  add(cursor: Cursor, uids: UidSet): void {
    this.#entries.push({ cursor, uids });
    this.#ranges += uids.length;
    let forget = 0;
    while (this.#ranges > this.#rangesMax && forget < this.#entries.length) {
      const oldest = this.#entries[forget++] as VanishedEntry;
      this.#floor = oldest.cursor;
      this.#ranges -= oldest.uids.length;
    }
    if (forget > 0) this.#entries = this.#entries.slice(forget);
  }

  /** The UIDs expunged after `since`; undefined where that is forgotten. */
  since(since: Cursor): UidSet | undefined {
    if (since < this.#floor) return undefined;
    return normalizeUidSet(this.#entries.filter((entry) => entry.cursor > since).flatMap((entry) => [...entry.uids]));
  }
}
