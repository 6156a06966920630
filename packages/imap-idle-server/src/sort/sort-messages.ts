// The order of messages by SORT's criteria (RFC 5256 3, RFC 5957): each is a column of values, made once for each message.
import type { SortCriterion, SortKey } from "@pushmail/imap-wire";
import { decodeHeaderValue, uidSetOf, type EnvelopeAddress, type MessageDetails, type Uid } from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import { TimeSlice } from "../fetch/time-slice.ts";
import { sentTimeMs } from "../search/sent-time.ts";
import { baseSubject } from "./base-subject.ts";
import { sortInSlices } from "./sort-in-slices.ts";
import { collationKey } from "./collation-key.ts";

export type Value = number | string;

interface SortValue {
  readonly source: "metadata" | "details";
  of(message: MessageDetails): Value;
}

const VALUES: Record<SortKey, SortValue> = {
  ARRIVAL: { source: "metadata", of: ({ internalDateMs }) => internalDateMs },
  CC: { source: "details", of: ({ summary }) => mailboxOf(summary.envelope.cc[0]) },
  DATE: { source: "details", of: sentOrArrivedMs },
  DISPLAYFROM: { source: "details", of: ({ summary }) => displayOf(summary.envelope.from[0]) },
  DISPLAYTO: { source: "details", of: ({ summary }) => displayOf(summary.envelope.to[0]) },
  FROM: { source: "details", of: ({ summary }) => mailboxOf(summary.envelope.from[0]) },
  SIZE: { source: "metadata", of: ({ sizeBytes }) => sizeBytes },
  SUBJECT: { source: "details", of: ({ summary }) => subjectOf(summary.envelope.subject) },
  TO: { source: "details", of: ({ summary }) => mailboxOf(summary.envelope.to[0]) },
};

/** RFC 5256 2.2: where no Date says when it was sent, it was when it came. */
export function sentOrArrivedMs({ summary, internalDateMs }: MessageDetails): number {
  return sentTimeMs(summary.envelope.date ?? "") ?? internalDateMs;
}

function subjectOf(subject: string | null): string {
  return collationKey(baseSubject(decodeHeaderValue(subject ?? "")).base);
}

/** RFC 5256 3: the local part of the first address; of a group its name. */
function mailboxOf(address: EnvelopeAddress | undefined): string {
  return collationKey(decodeHeaderValue(address?.mailbox ?? ""));
}

/** RFC 5957 2: the name that is shown, or the whole address where there is none. */
function displayOf(address: EnvelopeAddress | undefined): string {
  if (address === undefined) return "";
  const { name, mailbox, host } = address;
  const shown = name ?? (host === null ? mailbox : `${mailbox}@${host}`);
  return collationKey(decodeHeaderValue(shown ?? ""));
}

/** The values by which messages are put in order: a column for each criterion, a row for each message. */
export interface SortColumns {
  readonly criteria: readonly SortCriterion[];
  readonly columns: readonly (readonly Value[])[];
  /** Those of the messages that are still there. */
  readonly uids: readonly Uid[];
}

/** Reads what messages are ordered by; those that are no longer there are left out. */
export async function readSortColumns(
  session: Session,
  state: Selected,
  uids: Uint32Array,
  criteria: readonly SortCriterion[],
): Promise<SortColumns> {
  const values = criteria.map(({ key }) => VALUES[key]);
  const source = values.some((value) => value.source === "details") ? "details" : "metadata";
  const columns: Value[][] = criteria.map(() => []);
  const there: Uid[] = [];
  const slice = new TimeSlice(session, () => session.flush());
  slice.goal = uids.length;
  const { batchMessagesMax } = session.limits.search;
  for (let at = 0; at < uids.length; at += batchMessagesMax) {
    const set = uidSetOf(uids.subarray(at, at + batchMessagesMax));
    // The source is that of each value.
    for await (const batch of state.handle[source](set) as AsyncIterable<readonly MessageDetails[]>) {
      for (const message of batch) {
        there.push(message.uid);
        for (const [i, value] of values.entries()) columns[i]?.push(value.of(message));
      }
      slice.done += batch.length;
      await slice.rest();
    }
  }
  return { criteria, columns, uids: there };
}

/** The UIDs in the order of the criteria, equal ones as they are. */
export async function sortMessages(session: Session, { criteria, columns, uids }: SortColumns): Promise<Uint32Array> {
  const slice = new TimeSlice(session, () => session.flush());
  const rows = Uint32Array.from(uids.keys());
  const compare = (a: number, b: number): number => {
    for (const [i, column] of columns.entries()) {
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
