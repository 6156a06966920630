// The order of messages that come and go, by SORT's criteria: the values of each are kept, so that its place is found
// without reading any other.
import type { SortCriterion } from "@pushmail/imap-wire";
import type { Uid } from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import { compareValues, readSortColumns, type SortColumns, type Value } from "./sort-messages.ts";

export class SortOrder {
  readonly #criteria: readonly SortCriterion[];
  readonly #values = new Map<Uid, readonly Value[]>();

  constructor(columns: SortColumns) {
    this.#criteria = columns.criteria;
    this.#keep(columns);
  }

  /** Below 0 where the first comes before the second, as `sortMessages` has them. */
  compare(first: Uid, second: Uid): number {
    const [a, b] = [this.#valuesOf(first), this.#valuesOf(second)];
    for (const [i, criterion] of this.#criteria.entries()) {
      const order = compareValues(a[i] as Value, b[i] as Value, criterion);
      if (order !== 0) return order;
    }
    return first - second;
  }

  has(uid: Uid): boolean {
    return this.#values.has(uid);
  }

  /** Reads the values of messages, and returns those that are still there. */
  async learn(session: Session, state: Selected, uids: readonly Uid[]): Promise<readonly Uid[]> {
    const columns = await readSortColumns(session, state, Uint32Array.from(uids), this.#criteria);
    this.#keep(columns);
    return columns.uids;
  }

  forget(uids: readonly Uid[]): void {
    for (const uid of uids) this.#values.delete(uid);
  }

  #keep({ columns, uids }: SortColumns): void {
    for (const [row, uid] of uids.entries())
      this.#values.set(
        uid,
        columns.map((column) => column[row] as Value),
      );
  }

  #valuesOf(uid: Uid): readonly Value[] {
    const values = this.#values.get(uid);
    if (values === undefined) throw new Error(`UID ${uid} has no place in the order`);
    return values;
  }
}
