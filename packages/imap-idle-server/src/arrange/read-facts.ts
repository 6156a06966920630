// Facts of the messages of a mailbox: from what is kept, else from what is stored of them.
import { uidSetOf, type MessageDetails } from "@pushmail/mailstore";
import type { Selected, Session } from "../command.ts";
import type { TimeSlice } from "../fetch/time-slice.ts";
import type { MailboxFacts } from "./mailbox-facts.ts";
import { FACTS, type FactName } from "./message-facts.ts";

export interface ReadOptions {
  readonly names: readonly FactName[];
  readonly slice: TimeSlice;
}

export interface ReadFacts {
  /** Those of the messages that are still there, of which all is known that was asked for. */
  readonly uids: Uint32Array;
  /** The columns of these facts, as they were asked for: a message is a row. */
  readonly columns: readonly Float64Array[];
  readonly facts: MailboxFacts;
}

/** Reads what is not known of messages, given in ascending order. */
export async function readFacts(
  session: Session,
  state: Selected,
  uids: Uint32Array,
  { names, slice }: ReadOptions,
): Promise<ReadFacts> {
  const at = { account: state.handle.account, mailbox: state.handle.id };
  const facts = session.server.facts.of(at, (await session.index(state)).count);
  const lacking = facts.lacking(uids, names);
  slice.goal = uids.length;
  slice.done = uids.length - lacking.length;
  const source = names.some((name) => FACTS[name].source === "details") ? "details" : "metadata";
  const { batchMessagesMax } = session.limits.search;
  for (let from = 0; from < lacking.length; from += batchMessagesMax) {
    const set = uidSetOf(lacking.subarray(from, from + batchMessagesMax));
    // The source is that of each fact.
    for await (const batch of state.handle[source](set) as AsyncIterable<readonly MessageDetails[]>) {
      for (const message of batch) facts.learn(message, names);
      slice.done += batch.length;
      await slice.rest();
    }
  }
  session.server.facts.keep(at, facts);
  const gone = new Set(facts.lacking(lacking, names));
  const index = await session.index(state);
  const there = uids.filter((uid) => index.rowOf(uid) >= 0 && !gone.has(uid));
  const slots = facts.slotsOf(there);
  return { uids: there, columns: names.map((name) => facts.valuesOf(slots, name)), facts };
}
