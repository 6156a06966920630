// What threading goes by: who each message is, whom it refers to, what it is about and when it was sent.
import type { ThreadAlgorithm } from "@pushmail/imap-wire";
import type { FactName } from "../arrange/message-facts.ts";
import { readFacts } from "../arrange/read-facts.ts";
import type { Selected, Session } from "../command.ts";
import type { TimeSlice } from "../fetch/time-slice.ts";

/** Column by column; a message is a row, in the order of the mailbox. What an algorithm has no use for is empty. */
export interface ThreadFacts {
  readonly uids: Uint32Array;
  readonly sentMs: Float64Array;
  readonly arrivedMs: Float64Array;
  readonly subjects: Float64Array;
  /** Where among the lists that of the message's own id, or 0, and those that it refers to is, the oldest first. */
  readonly links: Float64Array;
  readonly lists: readonly number[];
  /** All ids are below it. */
  readonly idsEnd: number;
}

const NAMES: Readonly<Record<ThreadAlgorithm, readonly FactName[]>> = {
  ORDEREDSUBJECT: ["DATE", "SUBJECT"],
  REFERENCES: ["DATE", "SUBJECT", "LINKS"],
  REFS: ["DATE", "ARRIVAL", "LINKS"],
};

const NONE = new Float64Array(0);

/** What an algorithm goes by, of those of the messages that are still there. */
export async function loadThreadFacts(
  session: Session,
  state: Selected,
  asked: Uint32Array,
  { algorithm, slice }: { readonly algorithm: ThreadAlgorithm; readonly slice: TimeSlice },
): Promise<ThreadFacts> {
  const names = NAMES[algorithm];
  const { uids, columns, facts } = await readFacts(session, state, asked, { names, slice });
  const column = (name: FactName): Float64Array => columns[names.indexOf(name)] ?? NONE;
  return {
    uids,
    sentMs: column("DATE"),
    arrivedMs: column("ARRIVAL"),
    subjects: column("SUBJECT"),
    links: column("LINKS"),
    lists: facts.texts.lists,
    idsEnd: facts.texts.count,
  };
}
