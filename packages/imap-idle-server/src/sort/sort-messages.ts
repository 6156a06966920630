// The order of messages by SORT's criteria (RFC 5256 3, RFC 5957): each is a column of values, a row for each message.
import type { SortCriterion, SortKey } from "@pushmail/imap-wire";
import { baseOf } from "../arrange/message-facts.ts";
import { readFacts } from "../arrange/read-facts.ts";
import type { Selected, Session } from "../command.ts";
import { TimeSlice } from "../fetch/time-slice.ts";
import { sortInSlices } from "./sort-in-slices.ts";

/** The facts that are values themselves; of the others they are texts. */
const NUMBERS: ReadonlySet<SortKey> = new Set(["ARRIVAL", "DATE", "SIZE"]);

export type Value = number | string;

/** The values by which messages are put in order: a column for each criterion, a row for each message. */
export interface SortColumns {
  readonly criteria: readonly SortCriterion[];
  readonly columns: readonly ArrayLike<Value>[];
  /** Those of the messages that are still there. */
  readonly uids: Uint32Array;
}

/** Reads what messages are ordered by; those that are no longer there are left out. */
export async function readSortColumns(
  session: Session,
  state: Selected,
  uids: Uint32Array,
  criteria: readonly SortCriterion[],
): Promise<SortColumns> {
  const slice = new TimeSlice(session, () => session.flush());
  const names = criteria.map(({ key }) => key);
  const { uids: there, columns, facts } = await readFacts(session, state, uids, { names, slice });
  const valuesOf = (name: SortKey, column: Float64Array): ArrayLike<Value> => {
    if (NUMBERS.has(name)) return column;
    const texts: string[] = [];
    for (const value of column) texts.push(facts.texts.textOf(name === "SUBJECT" ? baseOf(value) : value));
    return texts;
  };
  return { criteria, columns: names.map((name, i) => valuesOf(name, columns[i] as Float64Array)), uids: there };
}

/** The UIDs in the order of the criteria, equal ones as they are. */
export async function sortMessages(session: Session, { criteria, columns, uids }: SortColumns): Promise<Uint32Array> {
  const slice = new TimeSlice(session, () => session.flush());
  const rows = uids.map((_, row) => row);
  const compare = (a: number, b: number): number => {
    for (let i = 0; i < columns.length; i++) {
      const column = columns[i] as ArrayLike<Value>;
      const order = compareValues(column[a] as Value, column[b] as Value, criteria[i]);
      if (order !== 0) return order;
    }
    return 0;
  };
  const sorted = await sortInSlices(rows, { compare, rest: () => slice.rest() });
  return sorted.map((row) => uids[row] as number);
}

/** Below 0 where the first comes before the second. */
export function compareValues(first: Value, second: Value, criterion: SortCriterion | undefined): number {
  if (first === second) return 0;
  return first < second === (criterion?.reverse === true) ? 1 : -1;
}
