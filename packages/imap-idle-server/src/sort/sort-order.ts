// The order of messages that come and go, by SORT's criteria: the values of each are kept, so that its place is found
// without reading any other.
import type { SortCriterion } from "@pushmail/imap-wire";
import type { Uid } from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import { TimeSlice } from "../fetch/time-slice.ts";
import { compareValues, readSortColumns, type SortColumns, type Value } from "./sort-messages.ts";

/** What is held of a message beside the texts that it is sorted by. */
const MESSAGE_BYTES = 100;

export class SortOrder {
  /** About as much as is held. */
  bytes = 0;
  readonly #criteria: readonly SortCriterion[];
  readonly #values = new Map<Uid, readonly Value[]>();

  private constructor(criteria: readonly SortCriterion[]) {
    this.#criteria = criteria;
  }

  /** Takes values in, up to the first message that is too much. */
  static async of(session: Session, columns: SortColumns, bytesMax: number): Promise<SortOrder> {
    const order = new SortOrder(columns.criteria);
    const slice = new TimeSlice(session);
    for (const row of columns.uids.keys()) {
      order.#keep(columns, row);
      if (order.bytes > bytesMax) break;
      await slice.rest();
    }
    return order;
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
    for (const row of columns.uids.keys()) this.#keep(columns, row);
    return [...columns.uids];
  }

  forget(uids: readonly Uid[]): void {
    for (const uid of uids) {
      this.bytes -= bytesOf(this.#valuesOf(uid));
      this.#values.delete(uid);
    }
  }

  #keep({ columns, uids }: SortColumns, row: number): void {
    const values = columns.map((column) => column[row] as Value);
    this.bytes += bytesOf(values);
    this.#values.set(uids[row] as Uid, values);
  }

  #valuesOf(uid: Uid): readonly Value[] {
    const values = this.#values.get(uid);
    if (values === undefined) throw new Error(`UID ${uid} has no place in the order`);
    return values;
  }
}

function bytesOf(values: readonly Value[]): number {
  return values.reduce<number>((sum, value) => sum + (typeof value === "string" ? value.length : 0), MESSAGE_BYTES);
}
